/** The shortest way from one list to another by taking out and putting in (Myers), with a bound on the work. Pure. */

export type Step<T> =
  | { readonly kind: 'same'; readonly before: T; readonly after: T }
  | { readonly kind: 'removed'; readonly before: T }
  | { readonly kind: 'added'; readonly after: T };

/** Differences that are looked for; lists that differ more are told as replaced. */
const MOST = 2000;

/** The steps, in order. */
export function sequenceDiff<T>(
  before: readonly T[],
  after: readonly T[],
  same: (a: T, b: T) => boolean,
): Step<T>[] {
  let head = 0;
  while (head < before.length && head < after.length && same(before[head]!, after[head]!)) head++;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    same(before[before.length - 1 - tail]!, after[after.length - 1 - tail]!)
  )
    tail++;
  const keep = (b: number, a: number): Step<T> => ({ kind: 'same', before: before[b]!, after: after[a]! });
  const steps: Step<T>[] = [];
  for (let i = 0; i < head; i++) steps.push(keep(i, i));
  steps.push(
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail), same),
  );
  for (let i = tail; i > 0; i--) steps.push(keep(before.length - i, after.length - i));
  return steps;
}

function middle<T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): Step<T>[] {
  const most = Math.min(MOST, a.length + b.length);
  const reach = new Map<number, number>([[1, 0]]);
  const trail: Map<number, number>[] = [];
  for (let d = 0; d <= most; d++) {
    trail.push(new Map(reach));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
      let x = down ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && same(a[x]!, b[x - k]!)) x++;
      reach.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, trail);
    }
  }
  return [
    ...a.map((before): Step<T> => ({ kind: 'removed', before })),
    ...b.map((after): Step<T> => ({ kind: 'added', after })),
  ];
}

function walkBack<T>(a: readonly T[], b: readonly T[], trail: readonly Map<number, number>[]): Step<T>[] {
  const steps: Step<T>[] = [];
  let [x, y] = [a.length, b.length];
  for (let d = trail.length - 1; d >= 0; d--) {
    const reach = trail[d]!;
    const k = x - y;
    const down = k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
    const from = down ? k + 1 : k - 1;
    const startX = d === 0 ? 0 : (reach.get(from) ?? 0);
    const startY = startX - from;
    // What is the same on the way to the next difference; before the first one everything is.
    const [leastX, leastY] = d === 0 ? [0, 0] : [startX + (down ? 0 : 1), startY + (down ? 1 : 0)];
    while (x > leastX && y > leastY) steps.push({ kind: 'same', before: a[--x]!, after: b[--y]! });
    if (d === 0) break;
    if (down) steps.push({ kind: 'added', after: b[--y]! });
    else steps.push({ kind: 'removed', before: a[--x]! });
  }
  return steps.toReversed();
}
