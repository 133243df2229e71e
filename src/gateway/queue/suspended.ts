/** Suspensions as operators are shown them, and why one could not be made, in words. */
import type { SuspendRefusal, Suspension } from '#delivery';

/** A suspension with its times as ISO 8601 in UTC. */
export interface SuspensionLine {
  readonly kind: 'destination' | 'domain';
  readonly name: string;
  /** null: until it is taken back. */
  readonly until: string | null;
  readonly since: string;
  readonly reason: string;
  readonly by: string;
}

export function suspensionLine({ kind, name, until, since, reason, by }: Suspension): SuspensionLine {
  const ends = until === null ? null : new Date(until).toISOString();
  return { kind, name, until: ends, since: new Date(since).toISOString(), reason, by };
}

/** By what `Suspensions.suspend` answers. */
export const NOT_SUSPENDED: Readonly<Record<SuspendRefusal, string>> = {
  'too-many': 'there are too many suspensions',
  'too-long': 'a name is empty, or a text too long',
  over: 'it would be over already',
};
