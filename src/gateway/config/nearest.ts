/**
 * The known name nearest to a mistyped one, for "did you mean". Pure; bounded by the lengths it is given.
 */

/** Names longer than this are never near anything; bounds the work on hostile keys. */
const LONGEST = 64;

/** The known name that `name` was probably meant to be, or null when none is near enough. */
export function nearest(name: string, known: readonly string[]): string | null {
  if (name.length > LONGEST) return null;
  const plain = squeeze(name);
  let best: string | null = null;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const other = squeeze(candidate);
    if (other === plain) return candidate;
    const d = distance(plain, other);
    if (d < least) [best, least] = [candidate, d];
  }
  return best;
}

/** `max-recipients`, `max_recipients` and `MaxRecipients` are the same word. */
function squeeze(name: string): string {
  return name.replace(/[-_ ]/g, '').toLowerCase();
}

/** Edits between two words, a swap of neighbours counted as one. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
