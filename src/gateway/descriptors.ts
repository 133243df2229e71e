/**
 * How many clients the descriptors of this process are enough for: a client that gets no socket would be closed without a word,
 * and mail of others could not be stored or sent on meanwhile. Never throws: where the system does not say, there is no bound.
 */
import { readFileSync } from 'node:fs';

/** Descriptors kept for all that is not a client's: store, listeners, log, deliveries, look-ups. */
const RESERVED = 64;

/** Sessions at a time when each may need its socket, a body file, and a conversation with every one of `filters`. */
export function sessionsWithin(descriptors: number, filters: number): number {
  return Math.max(1, Math.floor((descriptors - RESERVED) / (2 + filters)));
}

/** Descriptors this process may have open; Infinity where nobody knows. */
export function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)\s/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}
