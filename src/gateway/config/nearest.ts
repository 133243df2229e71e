/**
 * The known name nearest to a mistyped one, for "did you mean". Pure; bounded by the lengths it is given.
 */

import { slipsBetween } from '#expressions';

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
    const d = slipsBetween(plain, other);
    if (d < least) [best, least] = [candidate, d];
  }
  return best;
}

/** `max-recipients`, `max_recipients` and `MaxRecipients` are the same word. */
function squeeze(name: string): string {
  return name.replace(/[-_ ]/g, '').toLowerCase();
}
