/**
 * Where in a conversation with a next hop a temporary answer came about, for the figures: kept beside the Status, which says
 * nothing of it, and forgotten with it. Never throws.
 */
import type { Status } from '#message';

/** The steps, and what can be wrong with a connection. */
export type Trouble = 'dns' | 'connect' | 'timeout' | 'tls' | 'greeting' | 'mail' | 'rcpt' | 'data' | 'local';

const known = new WeakMap<Status, Trouble>();

/** The same Status, marked. The first mark counts. */
export function at(trouble: Trouble, said: Status): Status {
  if (!known.has(said)) known.set(said, trouble);
  return said;
}

/** Where it came about; undefined for one that nobody marked. */
export function troubleOf(said: Status): Trouble | undefined {
  return known.get(said);
}
