/**
 * An operator's orders on the queue, each checked against the entry as it is and carried out in one step.
 *
 * An entry that is being delivered is left alone, and the answer says so. When somebody is faster, the entry is read again and
 * the order decided anew, so an answer `done` is true and so is any other. Every order that changes something is logged with who
 * gave it. Trouble of the spool is an answer about one entry; nothing here rejects for what an operator can cause.
 */
import type { Clock } from '#clock';
import { giveUp } from '#delivery';
import { asciiLower, domainOf, localPartOf, parameter, status, utf8Of } from '#message';
import type { NoticeSink } from '#notices';
import { SpoolError } from '#spool';
import type { EntryMeta, EntryRecipient, EntryState, NewEntry, SpoolStore } from '#spool';
import type { Act, ActResult, Operator, ReleaseAct } from './acts.ts';
import type { NoticeSettings } from './notice.ts';
import type { QueueObserver } from './observer.ts';
import { askAgain, throughFilters, type FilterRoom, type Rescan } from './refilter.ts';
import type { Trail } from './trail.ts';

/** What orders are carried out with. */
export interface OrdersOptions {
  readonly spool: SpoolStore;
  readonly filters: FilterRoom;
  /** Makes queue ids. */
  readonly newId: () => string;
  /** Facts for notices to senders. */
  readonly notice: () => NoticeSettings;
  /** Something became due. */
  readonly wake: () => void;
  /** Destinations that could not be reached are to be tried again. */
  readonly forgive: () => void;
  /** Who hears of what was done. */
  readonly observer?: QueueObserver;
  /** Keeps who did what. */
  readonly trail: Pick<Trail, 'record'>;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** Rounds before an order is given up: each lost one means that another change of the same entry won. */
const MAX_ROUNDS = 50;

/** What an order comes to for an entry as it was read. */
interface Decision {
  /** Null: it ends. */
  readonly next: EntryMeta | null;
  readonly also?: readonly NewEntry[];
  readonly as?: string;
  readonly detail?: string;
  /** When it is recorded. */
  readonly recorded?: () => void;
}

/** An answer, and the state of the entry before and after when it was changed. */
interface Done {
  readonly answer: ActResult;
  readonly was?: EntryState;
  readonly now?: EntryState | 'gone';
}

/** Why it cannot be done. */
type Refusal = Pick<ActResult, 'result' | 'detail'>;

export class Orders {
  readonly #o: OrdersOptions;

  constructor(options: OrdersOptions) {
    this.#o = options;
  }

  /** Carries an order out on one entry. */
  async act(id: string, act: Act, who: Operator): Promise<ActResult> {
    const { answer, was, now } = await this.#tryAct(id, act, who);
    if (answer.result === 'absent') return answer;
    const { result, detail, as } = answer;
    const reason = 'reason' in act && act.reason !== '' ? act.reason : undefined;
    this.#o.notices('queue.ordered', {
      id,
      verb: act.verb,
      by: who,
      result,
      detail,
      as,
      reason,
      was,
      now,
    });
    const more = { ...(as !== undefined && { as }), ...(reason !== undefined && { text: utf8Of(reason) }) };
    await this.#o.trail.record({ id, verb: act.verb, by: who, result, detail, ...more });
    return answer;
  }

  /** What the filters would say of a held entry now; nothing is changed. */
  async rescan(id: string, skip: readonly string[], who: Operator): Promise<Rescan> {
    const { spool, clock, filters, trail } = this.#o;
    try {
      const seen = await spool.get(id);
      if (!seen) return { id, verdict: 'absent', detail: ABSENT.detail };
      if (seen.state !== 'held') return { id, verdict: 'unfit', detail: 'it is not held' };
      const content = await spool.content(id);
      if (content === null) return { id, verdict: 'failed', detail: 'its bytes cannot be read' };
      const recipients = seen.recipients.filter((r) => r.state === 'pending');
      const now = clock.now();
      const what = { entry: seen, content, recipients, id: this.#o.newId(), now, expire: 0 };
      const said = { id, ...(await askAgain(filters, skip, what)) };
      const { verdict, detail } = said;
      await trail.record({ id, verb: 'rescan', by: who, result: 'done', detail: `${verdict}: ${detail}` });
      return said;
    } catch (error) {
      if (error instanceof SpoolError) return { id, verdict: 'failed', detail: error.message };
      throw error;
    }
  }

  /** What an order would come to, without doing it; filters are not asked. */
  async consider(id: string, act: Act): Promise<ActResult> {
    const entry = await this.#o.spool.get(id);
    const refusal = entry ? unfit(entry, act) : ABSENT;
    return { id, ...(refusal ?? { result: 'would', detail: '' }) };
  }

  async #tryAct(id: string, act: Act, who: Operator): Promise<Done> {
    const { spool } = this.#o;
    const no = (refusal: Refusal): Done => ({ answer: { id, ...refusal } });
    try {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const seen = await spool.get(id);
        const refusal = seen ? unfit(seen, act) : ABSENT;
        if (refusal || !seen) return no(refusal ?? ABSENT);
        const decision = await this.#decide(seen, act, who);
        if ('result' in decision) return no(decision);
        const { next, also = [], as, detail = '', recorded } = decision;
        if (!(await spool.amend(seen, next, also))) continue;
        recorded?.();
        this.#o.observer?.acted(id, act, as);
        if (act.verb === 'retry') this.#o.forgive();
        if (next?.state === 'queued' || also.length > 0) this.#o.wake();
        const answer: ActResult = { id, result: 'done', detail, ...(as !== undefined && { as }) };
        return { answer, was: seen.state, now: next?.state ?? 'gone' };
      }
      return no({ result: 'busy', detail: 'it changes all the time' });
    } catch (error) {
      if (error instanceof SpoolError) return no({ result: 'failed', detail: error.message });
      throw error;
    }
  }

  #decide(seen: EntryMeta, act: Act, who: Operator): Decision | Promise<Decision | Refusal> {
    const now = this.#o.clock.now();
    switch (act.verb) {
      case 'retry':
        return { next: { ...seen, due: Math.min(seen.due, now) } };
      case 'hold':
        return { next: { ...seen, state: 'held', hold: { reason: act.reason, by: who, since: now } } };
      case 'delete':
        return { next: null };
      case 'redirect':
        return { next: { ...seen, recipients: redirected(seen, act), due: Math.min(seen.due, now) } };
      case 'bounce':
        return this.#bounce(seen, chosen(seen, act.recipients), act.reason);
      case 'release':
        return this.#release(seen, act, now);
    }
  }

  async #bounce(seen: EntryMeta, which: ReadonlySet<number>, reason: string): Promise<Decision> {
    const { spool, clock, notices, newId, notice } = this.#o;
    const why = status(554, '5.7.1', reason || 'returned by the operator of this system');
    const given = await giveUp(seen, which, why, {
      late: false,
      facts: () => ({ id: newId(), now: clock.now(), ...notice() }),
      content: () => spool.content(seen.id),
      notices,
    });
    return {
      next: given.pending ? { ...seen, recipients: given.recipients } : null,
      also: given.notices,
      detail: given.notices.length > 0 ? 'the sender is told' : 'nobody is to be told',
      recorded: () => given.tell(notices, clock.now(), given.notices),
    };
  }

  async #release(seen: EntryMeta, act: ReleaseAct, now: number): Promise<Decision | Refusal> {
    const which = chosen(seen, act.recipients);
    const going = seen.recipients.filter((_, i) => which.has(i));
    const staying = seen.recipients.filter((_, i) => !which.has(i));
    const whole = !staying.some((r) => r.state === 'pending');
    // The time it was held does not count: what was left of its life then is left now.
    const expire = Math.max(seen.expiresAt - (seen.hold!.since ?? seen.receivedAt), 1);
    const free = { state: 'queued', hold: null, due: now, expiresAt: now + expire } as const;
    const asked = act.filters === 'again' || (act.filters === 'auto' && !isOperators(seen));
    if (!asked && whole) return { next: { ...seen, ...free }, detail: 'no filter was asked again' };
    const content = await this.#o.spool.content(seen.id);
    if (content === null) return { result: 'failed', detail: 'its bytes cannot be read' };
    const id = this.#o.newId();
    const rest = whole ? null : { ...seen, recipients: staying };
    if (!asked) {
      const part = { ...content, meta: { ...seen, ...free, id, recipients: going } };
      return { next: rest, also: [part], as: id, detail: 'no filter was asked again' };
    }
    const what = { entry: seen, content, recipients: going, id, now, expire };
    const passed = await throughFilters(this.#o.filters, act.skip, what);
    if ('result' in passed) return passed;
    return { next: rest, also: [passed.entry], as: id };
  }
}

const ABSENT: Refusal = { result: 'absent', detail: 'there is no such entry' };
const BUSY: Refusal = { result: 'busy', detail: 'it is being delivered' };

/** Why an entry as it is does not allow an order; null when it does. */
function unfit(entry: EntryMeta, act: Act): Refusal | null {
  if (entry.state === 'leased') return BUSY;
  const no = (detail: string): Refusal => ({ result: 'unfit', detail });
  if (act.verb === 'release' && entry.state !== 'held') return no('it is not held');
  if (act.verb === 'hold' && entry.state === 'held') return no('it is held already');
  if (act.verb === 'retry' && entry.state === 'held') return no('it is held: release it');
  const named = 'recipients' in act ? act.recipients : null;
  if (act.verb === 'redirect' && isFinished(entry, act.to)) return no('it was at that address already');
  if (named !== null && chosen(entry, named).size === 0) return no('none of these recipients is waiting');
  return null;
}

const isFinished = (entry: EntryMeta, address: string): boolean =>
  entry.recipients.some((r) => r.state !== 'pending' && keyOf(r.address) === keyOf(address));

const isOperators = (entry: EntryMeta): boolean => entry.hold?.by.startsWith('operator:') === true;

/** Indexes of the waiting recipients that are meant; null means all of them. */
function chosen(entry: EntryMeta, named: readonly string[] | null): ReadonlySet<number> {
  const keys = named && new Set(named.map(keyOf));
  const found = new Set<number>();
  entry.recipients.forEach(({ state, address }, i) => {
    if (state === 'pending' && (keys === null || keys.has(keyOf(address)))) found.add(i);
  });
  return found;
}

const keyOf = (address: string): string => `${localPartOf(address)}@${asciiLower(domainOf(address))}`;

/** The recipients with those that are meant replaced by one new one, which remembers the first of them (RFC 3461 5.2.7). */
function redirected(
  entry: EntryMeta,
  act: Extract<Act, { readonly verb: 'redirect' }>,
): readonly EntryRecipient[] {
  const which = chosen(entry, act.recipients);
  const kept = entry.recipients.filter((_, i) => !which.has(i));
  if (kept.some((r) => r.state === 'pending' && keyOf(r.address) === keyOf(act.to))) return kept;
  const { address, params } = entry.recipients[[...which][0]!]!;
  const original = parameter(params, 'ORCPT') === undefined ? [`ORCPT=${originalOf(address)}`] : [];
  return [
    ...kept,
    { address: act.to, params: [...params, ...original], state: 'pending', attempts: 0, lastStatus: null },
  ];
}

/** RFC 3461 4.2, RFC 6533 3: the address as it stands in ORCPT. */
function originalOf(address: string): string {
  const type = /[\x80-\xff]/.test(address) ? 'utf-8' : 'rfc822';
  const encode = (c: string): string => {
    const code = c.codePointAt(0)!.toString(16).toUpperCase();
    return type === 'utf-8' ? `\\x{${code}}` : `+${code.padStart(2, '0')}`;
  };
  return `${type};${utf8Of(address).replace(/[^!-*,-<>-~]|\\/gu, encode)}`;
}
