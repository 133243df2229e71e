/**
 * Two texts compared line by line, told as a unified diff. Pure; never throws.
 *
 * Myers' way from one to the other with the fewest changes; where that takes more changes than the bound, everything between the
 * common beginning and the common end counts as changed.
 */

/** Changed lines up to which the shortest way is looked for. */
const MAX_CHANGES = 2000;
/** Lines shown around a change. */
const CONTEXT = 3;

interface Step {
  readonly sign: ' ' | '-' | '+';
  readonly line: string;
}

/** The diff with its heading; '' when the texts are the same. */
export function unifiedDiff(before: string, after: string, name: string): string {
  if (before === after) return '';
  const steps = stepsBetween(linesOf(before), linesOf(after));
  return `--- ${name}\n+++ ${name}\n${hunksOf(steps).join('')}`;
}

/** Lines with their ends; the last one may have none. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function stepsBetween(a: readonly string[], b: readonly string[]): Step[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const [midA, midB] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const same = (lines: readonly string[]): Step[] => lines.map((line) => ({ sign: ' ', line }));
  return [
    ...same(a.slice(0, head)),
    ...(shortest(midA, midB) ?? whole(midA, midB)),
    ...same(a.slice(a.length - tail)),
  ];
}

function whole(a: readonly string[], b: readonly string[]): Step[] {
  return [...a.map((line): Step => ({ sign: '-', line })), ...b.map((line): Step => ({ sign: '+', line }))];
}

/** The fewest changes; null when they are more than the bound. */
function shortest(a: readonly string[], b: readonly string[]): Step[] | null {
  const most = Math.min(a.length + b.length, MAX_CHANGES);
  /** Furthest line of `a` reached on each diagonal, and how that was before each round. */
  const reached = new Map<number, number>([[1, 0]]);
  const rounds: Map<number, number>[] = [];
  for (let d = 0; d <= most; d++) {
    rounds.push(new Map(reached));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (reached.get(k - 1) ?? -1) < (reached.get(k + 1) ?? -1));
      let x = down ? (reached.get(k + 1) ?? 0) : (reached.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reached.set(k, x);
      if (x >= a.length && x - k >= b.length) return wayBack(a, b, rounds);
    }
  }
  return null;
}

function wayBack(a: readonly string[], b: readonly string[], rounds: readonly Map<number, number>[]): Step[] {
  const steps: Step[] = [];
  let [x, y] = [a.length, b.length];
  for (let d = rounds.length - 1; d >= 0; d--) {
    const reached = rounds[d]!;
    const k = x - y;
    const down = k === -d || (k !== d && (reached.get(k - 1) ?? -1) < (reached.get(k + 1) ?? -1));
    const before = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : (reached.get(before) ?? 0);
    const fromY = d === 0 ? 0 : fromX - before;
    while (x > fromX && y > fromY) {
      steps.push({ sign: ' ', line: a[--x]! });
      y--;
    }
    if (d === 0) break;
    if (down) steps.push({ sign: '+', line: b[--y]! });
    else steps.push({ sign: '-', line: a[--x]! });
  }
  return steps.toReversed();
}

function hunksOf(steps: readonly Step[]): string[] {
  const changed = steps.flatMap(({ sign }, i) => (sign === ' ' ? [] : [i]));
  const spans: { from: number; to: number }[] = [];
  for (const i of changed) {
    const last = spans.at(-1);
    if (last && i - last.to <= 2 * CONTEXT) last.to = i + 1;
    else spans.push({ from: i, to: i + 1 });
  }
  let [done, lineA, lineB] = [0, 1, 1];
  return spans.map(({ from, to }) => {
    const begin = Math.max(0, from - CONTEXT);
    for (const { sign } of steps.slice(done, begin)) {
      if (sign !== '+') lineA++;
      if (sign !== '-') lineB++;
    }
    const shown = steps.slice(begin, to + CONTEXT);
    done = begin;
    const count = (other: '-' | '+'): number => shown.filter(({ sign }) => sign !== other).length;
    const range = (line: number, lines: number): string => `${lines === 0 ? line - 1 : line},${lines}`;
    const heading = `@@ -${range(lineA, count('+'))} +${range(lineB, count('-'))} @@\n`;
    return heading + shown.map(textOf).join('');
  });
}

function textOf({ sign, line }: Step): string {
  return line.endsWith('\n') ? sign + line : `${sign}${line}\n\\ No newline at end of file\n`;
}
