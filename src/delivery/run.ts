/**
 * SPOOL TO NEXT HOP: route an entry, group it by destination, try each, read the outcomes, make the notice, settle.
 *
 * The counterpart of intake/path.ts; the two meet only at the spool. Called by start.ts for every entry leased to us, many at
 * a time. Whatever happens ends in a settlement: an unexpected fault puts the entry back. Never delivers without a lease,
 * never rejects.
 */
import type { EntryContent, EntryMeta, NewEntry } from '#spool';
import { attemptGroup } from './attempt.ts';
import { failureNotice, toBeTold } from './dsn.ts';
import type { Held, Holding } from './holding.ts';
import type { Lanes } from './lanes.ts';
import type { DeliveryOptions, DeliverySettings } from './options.ts';
import { conclude, tellOutcomes } from './outcome.ts';
import type { Conclusion, Result } from './outcome.ts';
import { routeEntry } from './route.ts';
import { nextAttempt, retryWait } from './schedule.ts';

/** An entry whose destination had no room comes back after so long, and up to twice that. Milliseconds. */
const BUSY_WAIT = 10_000;

/** Where entries are delivered from. */
export interface House {
  readonly options: DeliveryOptions;
  readonly holding: Holding;
  readonly lanes: Lanes;
  /** Makes queue ids for notices. */
  readonly newId: () => string;
  /** The time by which entries expire. */
  readonly expiryNow: () => number;
  /** Delivery is ending: what was not tried goes back into the queue at once. */
  readonly stopping: boolean;
  /** The queue has a new entry. */
  wake(): void;
  /** An entry is back in the queue, due at this time. */
  dueAt(time: number): void;
}

/** One entry, once. */
export async function run(house: House, held: Held, settings: DeliverySettings): Promise<void> {
  try {
    const results = await tryAll(house, held, settings);
    const conclusion = conclude(held.entry, results, house.expiryNow() >= held.entry.expiresAt);
    const notices = await noticesAbout(house, held, conclusion, settings);
    await record(house, held, conclusion, notices, settings);
  } catch (cause) {
    house.options.notices('delivery.agent-error', { id: held.entry.id, error: String(cause) });
    await putBack(house, held, BUSY_WAIT);
  }
}

/** Gives an entry back to the queue as it is. */
export async function putBack(house: House, held: Held, wait = 0): Promise<void> {
  const due = house.options.clock.now() + wait;
  await house.holding.settle(held, { kind: 'retry', recipients: held.entry.recipients, due });
  house.dueAt(due);
}

/** Routes the recipients and tries every destination; the answer about each recipient. */
async function tryAll(
  house: House,
  held: Held,
  { routes }: DeliverySettings,
): Promise<readonly (Result | undefined)[]> {
  const { entry, abort } = held;
  const { notices } = house.options;
  const routing = routeEntry(entry, routes, notices);
  const { groups, stranded } = routing instanceof Promise ? await routing : routing;
  const results: (Result | undefined)[] = entry.recipients.map((_, i) => stranded.get(i));
  const underway = { entry, content: () => contentOf(house, held), signal: abort.signal };
  const tries = groups.map(async (group) => {
    const answers = await attemptGroup(underway, group, house.lanes, notices);
    group.recipients.forEach((i, n) => (results[i] = answers[n]!));
  });
  await Promise.all(tries);
  return results;
}

/** The notice to the sender about those that were lost now, if one may be sent. */
async function noticesAbout(
  house: House,
  held: Held,
  { lost }: Conclusion,
  { hostname, expire }: DeliverySettings,
): Promise<readonly NewEntry[]> {
  if (lost.length === 0) return [];
  const { entry } = held;
  const { clock, notices } = house.options;
  const told = toBeTold(entry, lost);
  if (told.length === 0) {
    notices('delivery.no-notice', { id: entry.id, to: lost.map((r) => r.address) });
    return [];
  }
  const content = await contentOf(house, held).catch(() => null);
  const facts = { id: house.newId(), hostname, now: clock.now(), expire };
  return [await failureNotice(entry, told, content, facts)];
}

/** Tells and settles: the entry is done or comes back, the notice exists, both in one step. */
async function record(
  house: House,
  held: Held,
  conclusion: Conclusion,
  also: readonly NewEntry[],
  settings: DeliverySettings,
): Promise<void> {
  const { entry } = held;
  const { clock, notices } = house.options;
  const { recipients, pending } = conclusion;
  const due = pending ? nextTime(house, entry, conclusion, settings) : null;
  tellOutcomes(entry, conclusion, clock.now(), due, notices);
  const result = due === null ? ({ kind: 'done' } as const) : ({ kind: 'retry', recipients, due } as const);
  const recorded = await house.holding.settle(held, result, also);
  if (due !== null) house.dueAt(due);
  if (!recorded || also.length === 0) return;
  for (const { meta } of also)
    notices('delivery.notice-made', { id: entry.id, notice: meta.id, to: entry.sender });
  house.wake();
}

/** When an entry that is not finished comes back: by the retry list when something was tried, else soon. */
function nextTime(
  house: House,
  entry: EntryMeta,
  { attempts }: Conclusion,
  { retry }: DeliverySettings,
): number {
  const { clock, random = Math.random } = house.options;
  const now = clock.now();
  if (attempts > 0) return nextAttempt(now, retryWait(retry, attempts, random()), entry.expiresAt);
  return house.stopping ? now : Math.round(now + BUSY_WAIT * (1 + random()));
}

/** The bytes: in memory when they were handed over, else from the spool. */
function contentOf(house: House, { entry, content }: Held): Promise<EntryContent | null> {
  return content === null ? house.options.spool.content(entry.id) : Promise.resolve(content);
}
