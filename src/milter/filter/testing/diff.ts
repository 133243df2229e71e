/** A line diff for people: ` ` kept, `-` gone, `+` new. Pure; large inputs are compared from both ends only. */

/** Cells of the table above which the middle is shown as replaced. */
const MAX_CELLS = 4_000_000;

/** Lines of `before` and `after`, marked. '' when they are the same. */
export function diffLines(before: readonly string[], after: readonly string[]): string {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const a = before.slice(head, before.length - tail);
  const b = after.slice(head, after.length - tail);
  if (a.length === 0 && b.length === 0) return '';
  const middle =
    a.length * b.length > MAX_CELLS ? [...a.map((l) => '-' + l), ...b.map((l) => '+' + l)] : marked(a, b);
  const kept = (lines: readonly string[]): string[] => lines.map((l) => ' ' + l);
  return [...kept(before.slice(0, head)), ...middle, ...kept(before.slice(before.length - tail))].join('\n');
}

/** Longest common subsequence. */
function marked(a: readonly string[], b: readonly string[]): string[] {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      table[i * width + j] =
        a[i] === b[j]
          ? table[(i + 1) * width + j + 1]! + 1
          : Math.max(table[(i + 1) * width + j]!, table[i * width + j + 1]!);
  const out: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push(' ' + a[i++]!);
      j++;
    } else if (i < a.length && (j === b.length || table[(i + 1) * width + j]! >= table[i * width + j + 1]!))
      out.push('-' + a[i++]!);
    else out.push('+' + b[j++]!);
  }
  return out;
}
