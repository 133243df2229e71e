/**
 * One try at one destination: waits for a place, opens the bytes, hands them to the agent, reads what became of whom.
 *
 * A result for every recipient, whatever the agent does: one that forgets a recipient or throws makes a temporary Status and
 * a notice. null means not tried: the destination had no room, its rate was used up, it could not be reached lately, the lease
 * was lost, or the attempt was broken off by us. Never rejects.
 */
import type { Clock } from '#clock';
import { isPermanent, isPositive, status } from '#message';
import type { Status } from '#message';
import type { NoticeSink } from '#notices';
import { troubleOf } from '#smtp/client';
import type { BreakOff } from '#smtp/client';
import type { EntryContent, EntryMeta } from '#spool';
import type { Outcome } from './agent.ts';
import type { BackOff } from './back-off.ts';
import type { Lanes } from './lanes.ts';
import { loops } from './loop.ts';
import type { DeferralReason, DeliveryMeter } from './meter.ts';
import type { Answer, Result } from './outcome.ts';
import type { Rates } from './rates.ts';
import type { Group } from './route.ts';

/** An entry under way. */
export interface Underway {
  readonly entry: EntryMeta;
  /** Opens the bytes; null when they are gone. May be called more than once. */
  readonly content: () => Promise<EntryContent | null>;
  readonly signal: BreakOff;
  /** Whether its lease is good for an attempt. */
  readonly mayBegin: () => boolean | Promise<boolean>;
  /** Hears for how many milliseconds a destination takes no further message. */
  readonly mustWait: (ms: number) => void;
  /** Keeps the figures. */
  readonly meter: DeliveryMeter | null;
  readonly clock: Clock;
}

/** Where attempts get their places. */
export interface Places {
  readonly lanes: Lanes;
  readonly rates: Rates;
  readonly backOff: BackOff;
}

/** Results in the order of `group.recipients`. `retry`: the waits between attempts, in milliseconds. */
export async function attemptGroup(
  underway: Underway,
  group: Group,
  { lanes, rates, backOff }: Places,
  retry: readonly number[],
  notices: NoticeSink,
): Promise<readonly Result[]> {
  const { entry } = underway;
  const { destination, limits } = group;
  const later = (wait: number | null, name: 'busy' | 'waits' | 'rate-limited'): readonly Result[] => {
    const waitMs = wait === null ? undefined : Math.round(wait);
    notices(`delivery.${name}`, { id: entry.id, destination, waitMs });
    if (wait !== null) underway.mustWait(wait);
    return group.recipients.map(() => null);
  };
  const wait = backOff.waitFor(destination, entry.expiresAt);
  if (wait > 0) return later(wait, 'waits');
  const entered = lanes.enter(destination, limits?.concurrency);
  if (entered === false || (entered !== true && !(await entered)))
    return later(lanes.comeBack(destination), 'busy');
  try {
    const leave = backOff.ask(destination, entry.expiresAt);
    if (typeof leave === 'number') return later(leave, 'waits');
    if (leave !== 'go') return group.recipients.map(() => ({ status: leave }));
    const turn = limits?.rate ? rates.take(destination, limits.rate) : 0;
    if (turn > 0) {
      backOff.abandoned(destination);
      underway.meter?.postponed(group.via, group.recipients.length);
      return later(turn, 'rate-limited');
    }
    const may = underway.mayBegin();
    if (may === false || (may !== true && !(await may))) {
      backOff.abandoned(destination);
      return group.recipients.map(() => null);
    }
    const { meter, clock } = underway;
    if (meter === null) return await attemptNow(underway, group, backOff, retry, notices);
    const began = clock.elapsed();
    const results = await attemptNow(underway, group, backOff, retry, notices);
    meter.attempted(group.via, clock.elapsed() - began);
    for (const result of results)
      if (result) count(meter, group.via, result.status, clock.now() - entry.receivedAt);
    return results;
  } finally {
    lanes.leave(destination);
  }
}

/** What became of one recipient. */
function count(meter: DeliveryMeter, via: string, said: Status, ageMs: number): void {
  if (isPositive(said)) meter.delivered(via, ageMs);
  else if (isPermanent(said)) meter.failed(via);
  else meter.deferred(via, reasonOf(said));
}

/** What name servers said of a domain is nobody's answer in a conversation. */
function reasonOf(said: Status): DeferralReason {
  return troubleOf(said) ?? (said.enhanced === '4.4.3' || said.enhanced === '4.4.4' ? 'dns' : 'local');
}

/** Lets the agent try, and lets the others know whether somebody was there. */
async function attemptNow(
  underway: Underway,
  group: Group,
  backOff: BackOff,
  retry: readonly number[],
  notices: NoticeSink,
): Promise<readonly Result[]> {
  const { destination } = group;
  const results = await tryAgent(underway, group, notices);
  // Broken off by us: only what is final was really said by somebody.
  if (underway.signal.aborted) {
    backOff.abandoned(destination);
    return results.map((a) => (isFinal(a.status) ? a : null));
  }
  if (results.some((r) => r.unasked)) {
    backOff.abandoned(destination);
    return results.map(({ status: s }) => ({ status: s }));
  }
  if (results.every((r) => r.unreached)) backOff.unreached(destination, results[0]!.status, retry);
  else backOff.reached(destination);
  return results;
}

const isFinal = (s: Status): boolean => isPositive(s) || isPermanent(s);

/** An answer; `unasked`: ours, without anybody at the destination having been asked. */
type Own = Answer & { readonly unasked?: true };

async function tryAgent(underway: Underway, group: Group, notices: NoticeSink): Promise<readonly Own[]> {
  const { entry, signal } = underway;
  const recipients = group.recipients.map((i) => entry.recipients[i]!);
  const all = (s: Status): readonly Own[] => recipients.map(() => ({ status: s, unasked: true }));
  const opened = await open(underway, notices);
  if (opened === null) return all(status(451, '4.3.0', 'the message cannot be read at present'));
  if (loops(opened.header)) return all(status(554, '5.4.6', 'the message is going round in a loop'));
  let outcomes: readonly Outcome[];
  try {
    const content = (): Promise<EntryContent> => Promise.resolve(opened);
    outcomes = await group.agent.deliver({ entry, recipients, content, signal });
  } catch (cause) {
    notices('delivery.agent-error', { id: entry.id, destination: group.destination, error: String(cause) });
    return all(status(451, '4.3.0', 'delivery failed here'));
  }
  return recipients.map(({ address }, n) => {
    const outcome =
      outcomes[n]?.address === address ? outcomes[n] : outcomes.find((o) => o.address === address);
    return outcome ?? { status: status(451, '4.3.0', 'delivery gave no result') };
  });
}

async function open(underway: Underway, notices: NoticeSink): Promise<EntryContent | null> {
  try {
    const content = await underway.content();
    if (content === null) notices('delivery.content-missing', { id: underway.entry.id });
    return content;
  } catch (cause) {
    notices('delivery.content-missing', { id: underway.entry.id, error: String(cause) });
    return null;
  }
}
