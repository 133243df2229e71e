/** Which elements of two lists correspond: a longest common subsequence, bounded. Pure; never throws. */

/** Cells of the table; beyond them elements are paired where they are unique on both sides, or not at all. */
const MAX_CELLS = 1_000_000;

/** Pairs of indexes of equal elements, growing on both sides. */
export function common(a: readonly string[], b: readonly string[]): readonly (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = [];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) pairs.push([head, head++]);
  let tail = 0;
  const most = Math.min(a.length, b.length) - head;
  while (tail < most && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const middle = { a: a.slice(head, a.length - tail), b: b.slice(head, b.length - tail) };
  const found =
    middle.a.length * middle.b.length > MAX_CELLS
      ? byUnique(middle.a, middle.b)
      : byTable(middle.a, middle.b);
  for (const [i, j] of found) pairs.push([i + head, j + head]);
  for (let t = tail; t > 0; t--) pairs.push([a.length - t, b.length - t]);
  return pairs;
}

function byTable(left: readonly string[], right: readonly string[]): [number, number][] {
  if (left.length === 0 || right.length === 0) return [];
  // Numbers compare faster than what may be long and nearly the same.
  const numbers = new Map<string, number>();
  const numbered = (text: string): number => {
    const known = numbers.get(text);
    if (known === undefined) numbers.set(text, numbers.size);
    return known ?? numbers.size - 1;
  };
  const [a, b] = [left.map(numbered), right.map(numbered)];
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      table[i * width + j] =
        a[i] === b[j]
          ? table[(i + 1) * width + j + 1]! + 1
          : Math.max(table[(i + 1) * width + j]!, table[i * width + j + 1]!);
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (table[(i + 1) * width + j]! >= table[i * width + j + 1]!) i++;
    else j++;
  }
  return pairs;
}

/** Elements that occur once on either side, the longest run of them that is in the same order on both. */
function byUnique(a: readonly string[], b: readonly string[]): [number, number][] {
  const inB = uniqueIn(b);
  const candidates = [...uniqueIn(a)].flatMap(([text, i]) => {
    const j = inB.get(text);
    return j === undefined ? [] : [[i, j] as const];
  });
  // Candidates are in the order of `a`: what remains is a longest growing run of their places in `b`.
  const ends: number[] = [];
  const before: number[] = [];
  candidates.forEach(([, j], at) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const mid = (low + high) >> 1;
      if (candidates[ends[mid]!]![1] < j) low = mid + 1;
      else high = mid;
    }
    before[at] = low > 0 ? ends[low - 1]! : -1;
    ends[low] = at;
  });
  const pairs: [number, number][] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at]!) pairs.push([...candidates[at]!]);
  return pairs.toReversed();
}

/** Elements that occur once, in order, with their places. */
function uniqueIn(list: readonly string[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  const twice = new Set<string>();
  list.forEach((text, i) => {
    if (places.has(text)) twice.add(text);
    else places.set(text, i);
  });
  for (const text of twice) places.delete(text);
  return places;
}
