/**
 * Call-ahead: the next hop of a recipient is asked whether it would take it, before we do.
 *
 * A hop's 5yz to RCPT is a refusal of ours (550 5.1.1, with its words made harmless), a 4yz makes the client come again
 * (450 4.1.1). A hop that cannot be asked proves nothing: the recipient is taken, for the queue can wait for it, and that hop is
 * left in peace for a moment. Answers are remembered for a while, refusals for less; temporary ones are not. One question per
 * address at a time, few connections at once, and a bound on the time a client waits. Never rejects.
 */
import type { Clock } from '#clock';
import { asciiLower, domainOf, isPositive, localPartOf, printable, status, utf8Of } from '#message';
import type { Status } from '#message';
import type { NoticeSink } from '#notices';
import { openSmtpConnection, type Inquiry, type Resolve } from '#smtp/client';
import type { Awaitable } from '#stages';
import { destinationOf, type NextHops } from './next-hops.ts';

/** Bounds; times in milliseconds. */
export interface CallAheadLimits {
  /** Addresses remembered; the oldest are forgotten. */
  readonly maxKnown: number;
  /** How long a recipient that was taken counts as taken. */
  readonly keepGood: number;
  /** How long a refusal is repeated without asking. */
  readonly keepBad: number;
  /** For one question, the wait for a place and every hop of the route included. */
  readonly timeout: number;
  /** Questions asked at the same time; further ones wait. */
  readonly maxAsking: number;
  /** Questions that wait; further ones are answered 450 4.1.1. */
  readonly maxWaiting: number;
  /** How long a route none of whose hops answered is not asked. */
  readonly rest: number;
}

/** The bounds that hold where none is given. */
export const CALL_AHEAD: CallAheadLimits = Object.freeze({
  maxKnown: 100_000,
  keepGood: 3_600_000,
  keepBad: 300_000,
  timeout: 10_000,
  maxAsking: 20,
  maxWaiting: 1000,
  rest: 30_000,
});

/** Longest text of a next hop that is passed on. */
const MAX_SAID = 200;

/** Where to ask about an address. */
export interface Destination extends Omit<NextHops, 'balance'> {
  /** Finds addresses; default: that of all questions. */
  readonly resolve?: Resolve;
}

/** What this needs. */
export interface CallAheadOptions {
  readonly clock: Clock;
  readonly notices: NoticeSink;
  readonly resolve?: Resolve;
  readonly limits?: Partial<CallAheadLimits>;
}

interface Known {
  readonly refusal: Status | null;
  readonly until: number;
}

const LATER = status(450, '4.1.1', 'Recipient cannot be verified now, try again later');

/** Asks, and remembers. One for the whole gateway; it outlives changes of the configuration. */
export class CallAhead {
  readonly #o: CallAheadOptions;
  readonly #limits: CallAheadLimits;
  /** By destination and address, the longest known first. */
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<Status | null>>();
  /** Destinations that did not answer, until when they are not asked. */
  readonly #resting = new Map<string, number>();
  readonly #closing = new AbortController();
  #asking = 0;
  #waiting: (() => void)[] = [];

  constructor(options: CallAheadOptions) {
    this.#o = options;
    this.#limits = { ...CALL_AHEAD, ...options.limits };
  }

  /** null = it may be taken, else what the client is told. `hostname`: our name in EHLO. */
  check(address: string, to: Destination, hostname: string): Awaitable<Status | null> {
    const where = destinationKey(to);
    const key = `${where} ${localPartOf(address)}@${asciiLower(domainOf(address))}`;
    const now = this.#o.clock.elapsed();
    const known = this.#known.get(key);
    if (known && known.until > now) return known.refusal;
    if (known) this.#known.delete(key);
    if (this.#closing.signal.aborted || (this.#resting.get(where) ?? 0) > now) return null;
    const asked = this.#asked.get(key);
    if (asked) return asked;
    const answer = this.#ask(key, where, address, to, hostname).finally(() => this.#asked.delete(key));
    this.#asked.set(key, answer);
    return answer;
  }

  /** Asks nobody any more; questions under way are given up and their recipients taken. */
  close(): void {
    this.#closing.abort();
  }

  async #ask(
    key: string,
    where: string,
    address: string,
    to: Destination,
    hostname: string,
  ): Promise<Status | null> {
    const { clock } = this.#o;
    const end = new AbortController();
    const giveUp = (): void => end.abort();
    const cancel = clock.after(this.#limits.timeout, giveUp);
    this.#closing.signal.addEventListener('abort', giveUp);
    try {
      if (!(await this.#place(end.signal))) return this.#closing.signal.aborted ? null : LATER;
      try {
        return this.#learn(key, where, address, await this.#askHops(address, to, hostname, end.signal));
      } finally {
        this.#leave();
      }
    } finally {
      cancel();
      this.#closing.signal.removeEventListener('abort', giveUp);
    }
  }

  /** The first hop that says something about the recipient; else the last trouble. */
  async #askHops(
    address: string,
    { hops, ...how }: Destination,
    hostname: string,
    signal: AbortSignal,
  ): Promise<Inquiry> {
    const { clock, notices, resolve } = this.#o;
    let last: Inquiry = { kind: 'trouble', trouble: status(451, '4.4.4', 'no next hop') };
    for (const hop of hops) {
      if (signal.aborted) break;
      const options = { ...(resolve && { resolve }), ...how, hostname, clock, notices };
      const connection = await openSmtpConnection(hop, options, signal);
      if ('code' in connection) {
        last = { kind: 'trouble', trouble: connection };
        continue;
      }
      const abort = (): void => connection.abort();
      signal.addEventListener('abort', abort);
      last = await connection.ask(address);
      signal.removeEventListener('abort', abort);
      void connection.quit();
      if (last.kind === 'answer') break;
    }
    return last;
  }

  #learn(key: string, where: string, address: string, inquiry: Inquiry): Status | null {
    const { clock, notices } = this.#o;
    if (inquiry.kind === 'trouble') {
      if (this.#closing.signal.aborted) return null;
      const { by, text } = inquiry.trouble;
      notices('call-ahead.no-answer', { recipient: address, hop: by, reason: text });
      if (this.#resting.size >= this.#limits.maxKnown) this.#resting.clear();
      this.#resting.set(where, clock.elapsed() + this.#limits.rest);
      return null;
    }
    this.#resting.delete(where);
    const { reply } = inquiry;
    if (isPositive(reply)) return this.#remember(key, null, this.#limits.keepGood);
    if (reply.code < 500) return LATER;
    return this.#remember(
      key,
      status(550, '5.1.1', `Next hop refused: ${said(reply)}`),
      this.#limits.keepBad,
    );
  }

  #remember(key: string, refusal: Status | null, ms: number): Status | null {
    if (this.#known.size >= this.#limits.maxKnown)
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    if (this.#limits.maxKnown > 0) this.#known.set(key, { refusal, until: this.#o.clock.elapsed() + ms });
    return refusal;
  }

  /** A place among those who ask; false when there is none in time. */
  #place(signal: AbortSignal): Awaitable<boolean> {
    if (this.#asking < this.#limits.maxAsking) {
      this.#asking++;
      return true;
    }
    if (this.#waiting.length >= this.#limits.maxWaiting) return false;
    return new Promise((resolve) => {
      const go = (): void => {
        signal.removeEventListener('abort', stop);
        resolve(true);
      };
      const stop = (): void => {
        this.#waiting = this.#waiting.filter((w) => w !== go);
        resolve(false);
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.push(go);
    });
  }

  /** Gives the place to who waits longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#asking--;
  }
}

function destinationKey(to: Destination): string {
  return `${to.tls} ${destinationOf(to)}`;
}

/** What a hop said, on one line of plain ASCII, cut. */
function said({ code, enhanced, text }: Status): string {
  const words = printable(utf8Of(text.slice(0, 4 * MAX_SAID)), MAX_SAID).replace(/[^\x20-\x7e]/g, '?');
  return `${code} ${enhanced ? `${enhanced} ` : ''}${words}`;
}
