/**
 * When an entry that is not finished comes back: by the retry list when something was tried, else when its destination can take it
 * again, else soon. Not later than the end of its life, nor than the notice that it is late. Never throws.
 */
import type { EntryMeta } from '#spool';
import { notPastNotice } from './delay.ts';
import { BUSY_WAIT } from './lanes.ts';
import type { DeliveryOptions, DeliverySettings } from './options.ts';
import type { Conclusion } from './outcome.ts';
import { nextAttempt, retryWait } from './schedule.ts';

/** What a run knows beside the recipients. */
export interface NextTime {
  /** For how long at least a destination that was not tried takes no message, in milliseconds; null: nobody has to wait. */
  readonly mustWait: number | null;
  /** Its sender is being told that it is late. */
  readonly delayTold: boolean;
}

/** Milliseconds since 1970. */
export function nextTime(
  house: { readonly options: Pick<DeliveryOptions, 'clock' | 'random'>; readonly stopping: boolean },
  entry: EntryMeta,
  { recipients, attempts }: Conclusion,
  { mustWait, delayTold }: NextTime,
  { retry, notifyDelay = 0 }: Pick<DeliverySettings, 'retry' | 'notifyDelay'>,
): number {
  const { clock, random = Math.random } = house.options;
  const now = clock.now();
  if (attempts === 0 && mustWait === null)
    return house.stopping ? now : Math.round(now + BUSY_WAIT * (1 + random()));
  const wait = attempts > 0 ? retryWait(retry, attempts, random()) : Math.max(1, Math.ceil(mustWait!));
  const due = nextAttempt(now, wait, entry.expiresAt);
  return delayTold ? due : notPastNotice(entry, recipients, due, { now, age: notifyDelay });
}
