/** Session ids that no other worker makes, which the journal tells sessions apart by: time, then a counter with a start of its own. */
import { randomInt } from 'node:crypto';
import type { Clock } from '#clock';

/** See above. */
export function sessionIds(clock: Clock): () => string {
  let count = randomInt(36 ** 4);
  return () => `${Math.floor(clock.now()).toString(36)}-${(count++).toString(36)}`;
}
