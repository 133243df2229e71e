/**
 * SPOOL TO NEXT HOP: route an entry, group it by destination, try each, read the outcomes, make the notice, settle.
 *
 * The counterpart of intake/path.ts; the two meet only at the spool. Called by start.ts for every entry leased to us, many at
 * a time. Whatever happens ends in a settlement: an unexpected fault puts the entry back. Never delivers without a lease,
 * never rejects.
 */
import type { EntryContent, EntryRecipient, Settlement } from '#spool';
import { attemptGroup } from './attempt.ts';
import type { Underway } from './attempt.ts';
import { lateOnes } from './delay.ts';
import { RETURNED } from './dsn.ts';
import type { NoticeFacts } from './dsn.ts';
import type { Held } from './holding.ts';
import type { House } from './house.ts';
import { BUSY_WAIT } from './lanes.ts';
import type { DeliverySettings } from './options.ts';
import { conclude, reasonOf, tellOutcomes } from './outcome.ts';
import type { Conclusion, Result } from './outcome.ts';
import { routeEntry } from './route.ts';
import { nextTime } from './next-time.ts';
import type { NextTime } from './next-time.ts';
import { noticesAbout } from './tell.ts';
import type { SenderNotice, Telling } from './tell.ts';

/** One entry, once. */
export async function run(house: House, held: Held, settings: DeliverySettings): Promise<void> {
  try {
    const { results, mustWait, discarded } = await tryAll(house, held, settings);
    const conclusion = conclude(held.entry, results, house.expiryNow() >= held.entry.expiresAt);
    const lateness = { now: house.expiryNow(), age: settings.notifyDelay ?? 0 };
    const late = lateOnes(held.entry, conclusion.recipients, lateness);
    const make = maker(house, held, settings, conclusion, late);
    const next = { conclusion, mustWait, delayTold: late.length > 0, discarded };
    await record(house, held, next, make, settings);
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

/** What was answered about each recipient, and for how long at least a destination that was not tried takes no message. */
interface Tried {
  readonly results: readonly (Result | undefined)[];
  /** Milliseconds; null: nobody has to wait. */
  readonly mustWait: number | null;
  /** All of it was thrown away, as a route wants it. */
  readonly discarded: boolean;
}

/** Routes the recipients and tries every destination. */
async function tryAll(house: House, held: Held, { routes, retry }: DeliverySettings): Promise<Tried> {
  const { entry, abort } = held;
  const { notices } = house.options;
  const routing = routeEntry(entry, routes, notices);
  const { groups, stranded } = routing instanceof Promise ? await routing : routing;
  const results: (Result | undefined)[] = entry.recipients.map((_, i) => {
    const why = stranded.get(i);
    return why && { status: why };
  });
  const spared = house.suspensions.spare(entry, groups);
  let mustWait = spared.wait;
  const underway: Underway = {
    entry,
    content: () => contentOf(house, held),
    signal: abort,
    mayBegin: () => house.holding.mayBegin(held),
    mustWait: (ms) => (mustWait = Math.min(mustWait ?? ms, ms)),
    meter: house.options.meter ?? null,
    clock: house.options.clock,
  };
  const tries = spared.groups.map(async (group) => {
    const answers = await attemptGroup(underway, group, house, retry, notices);
    group.recipients.forEach((i, n) => (results[i] = answers[n]!));
  });
  await Promise.all(tries);
  const discarded = groups.length > 0 && groups.every(({ via }) => via === 'discard');
  return { results, mustWait, discarded };
}

/** Makes the notices that are owed to the sender, of `content` where it is given; null: none can be. */
type Maker = (content?: Telling['content']) => Promise<readonly SenderNotice[]>;

function maker(
  house: House,
  held: Held,
  settings: DeliverySettings,
  conclusion: Conclusion,
  late: readonly EntryRecipient[],
): Maker | null {
  if (conclusion.lost.length + conclusion.reached.length + late.length === 0) return null;
  const { clock, notices } = house.options;
  const { hostname, expire, returned = RETURNED } = settings;
  const facts = (): NoticeFacts => ({ id: house.newId(), hostname, now: clock.now(), expire, returned });
  const whole: Telling['content'] = () => contentOf(house, held);
  return (content = whole) => noticesAbout(held.entry, conclusion, { facts, content, notices }, late);
}

/** What is recorded of a run. */
interface Next extends NextTime, Pick<Tried, 'discarded'> {
  readonly conclusion: Conclusion;
}

const NONE: readonly SenderNotice[] = [];

/** Tells and settles: the entry is done or comes back, the notice (a small one without room) exists, both in one step. */
async function record(
  house: House,
  held: Held,
  next: Next,
  make: Maker | null,
  settings: DeliverySettings,
): Promise<void> {
  let made = make ? await make() : NONE;
  const { entry } = held;
  const { clock, notices, meter, observer } = house.options;
  const { conclusion, delayTold } = next;
  const { recipients, pending } = conclusion;
  const due = pending ? nextTime(house, entry, conclusion, next, settings) : null;
  tellOutcomes(entry, conclusion, clock.now(), due, notices, observer);
  const result: Settlement =
    due === null ? DONE : { kind: 'retry', recipients, due, ...(delayTold && { delayTold }) };
  const small = make
    ? async (): Promise<readonly SenderNotice[]> => (made = await make(() => Promise.resolve(null)))
    : undefined;
  const recorded = await house.holding.settle(held, result, made, small);
  if (due !== null) house.dueAt(due);
  if (recorded && due === null) meter?.removed(reasonOf(recipients, next.discarded));
  if (!recorded || made.length === 0) return;
  for (const { meta, kind } of made)
    notices('delivery.notice-made', { id: entry.id, notice: meta.id, kind, to: entry.sender });
  house.wake();
}

const DONE: Settlement = { kind: 'done' };

/** The bytes: those handed over in memory, else from the spool. */
function contentOf(house: House, { entry, content }: Held): Promise<EntryContent | null> {
  return content === null ? house.options.spool.content(entry.id) : Promise.resolve(content);
}
