/**
 * When the sender is told that a message is late, and about whom (RFC 3461 4.1, `NOTIFY=DELAY`). Pure.
 *
 * Once for each message, at the first run after the given age that leaves recipients waiting. Never about the null sender, and
 * not about recipients whose `NOTIFY` does not ask for it; who says nothing about it is told.
 */
import { parameter } from '#message';
import type { EntryMeta, EntryRecipient } from '#spool';

/** How old a message is: the time by which entries expire, and the age in milliseconds at which one is late; 0: never. */
export interface Lateness {
  readonly now: number;
  readonly age: number;
}

/** Those of `recipients` that the sender is to be told of now. */
export function lateOnes(
  entry: EntryMeta,
  recipients: readonly EntryRecipient[],
  { now, age }: Lateness,
): readonly EntryRecipient[] {
  const isLate = age > 0 && now >= entry.receivedAt + age && now < entry.expiresAt;
  return isLate ? toBeToldOfDelay(entry, recipients) : [];
}

/** Those of `recipients` that the sender is to be told wait; empty when nobody may be told, or was told already. */
export function toBeToldOfDelay(
  entry: EntryMeta,
  recipients: readonly EntryRecipient[],
): readonly EntryRecipient[] {
  if (entry.sender === '' || entry.delayTold) return [];
  return recipients.filter(({ state, params }) => {
    const notify = parameter(params, 'NOTIFY');
    return state === 'pending' && (notify === undefined || /(^|,)DELAY(,|$)/i.test(notify));
  });
}

/** When an entry comes back: at `due`, or as soon as its sender is to be told that it is late. */
export function notPastNotice(
  entry: EntryMeta,
  recipients: readonly EntryRecipient[],
  due: number,
  { now, age }: Lateness,
): number {
  const at = entry.receivedAt + age;
  if (age <= 0 || at <= now || at >= due || toBeToldOfDelay(entry, recipients).length === 0) return due;
  return at;
}
