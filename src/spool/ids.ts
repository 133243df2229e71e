/**
 * Queue ids: 16 characters of [0-9a-z], sortable by time of arrival, unique across processes and restarts.
 *
 * Nine characters of milliseconds, then seven of a counter that starts at a random place in every process. Within a process
 * ids only grow, a clock that jumps back included. Lower case and digits sort the same in every collation.
 */
import { randomInt } from 'node:crypto';
import type { Clock } from '#clock';

const TIME_CHARS = 9;
const COUNT_CHARS = 7;
const COUNT_END = 36 ** COUNT_CHARS;
const TIME_END = 36 ** TIME_CHARS;

/** A generator of ids, each greater than the one before. `start` is where the counter begins (0 up to 36^7; random if left out). */
export function makeQueueId(clock: Clock, start = randomInt(COUNT_END / 2)): () => string {
  let time = -1;
  let prefix = '';
  let count = start;
  return () => {
    const now = Math.floor(clock.now());
    if (count >= COUNT_END) {
      count = randomInt(COUNT_END / 2);
      time++; // the counter begins anew, so the time must move for ids to keep growing
      prefix = stamp(time);
    }
    if (now > time) {
      time = now;
      prefix = stamp(now);
    }
    return prefix + (count++).toString(36).padStart(COUNT_CHARS, '0');
  };
}

function stamp(ms: number): string {
  return (((ms % TIME_END) + TIME_END) % TIME_END).toString(36).padStart(TIME_CHARS, '0');
}
