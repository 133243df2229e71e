/**
 * Password checks wait here for the one thread that makes them: a bounded queue in which who has failed waits behind who has not.
 *
 * Each check has a time from which it is due: when it came, and later for failures in its session and from its address and for
 * checks of the same name from there that wait or are made already. An address whose check was just made has its turn a little later, too. The
 * one due first goes first, so nobody waits for ever, a rush of one address delays that address, and a rush on one name from there
 * delays that name. When the queue is full the one due last is turned away. The thread is started for the first check, and anew
 * when it dies or takes too long. Never rejects.
 */
import { Worker } from 'node:worker_threads';
import type { Cancel, Clock } from '#clock';
import type { ScramHash, ScryptHash } from '#gateway/config';
import type { NoticeSink } from '#notices';
import { HASH_PROGRAM } from './hash-program.ts';
import type { HashAnswer, HashTask } from './hash-task.ts';

/** Checks that wait. */
const MAX_QUEUED = 64;
/** Milliseconds of one check. */
const MAX_CHECK_TIME = 10_000;
/**
 * Milliseconds later: for each failure in the session, for each one remembered of the address, for each check of the same name
 * from there that waits, and for a check of the same address that was just made.
 */
const LATER = { session: 1000, address: 250, waiting: 250, turn: 250 } as const;
/** Failures that count. */
const MAX_COUNTED = 20;

/** A password to be checked. */
export interface Check {
  /** Whose password it might be; byte strings. */
  readonly name: string;
  readonly password: string;
  readonly hash: ScryptHash | ScramHash;
  /** Address of whom the check is for. */
  readonly client: string;
  readonly sessionFailures: number;
  readonly clientFailures: number;
  readonly signal: AbortSignal;
}

interface Waiting extends Check {
  readonly due: number;
  readonly answer: (right: HashAnswer) => void;
}

/** The part of a Worker that is used. */
export type HashThread = Pick<Worker, 'on' | 'postMessage' | 'ref' | 'terminate' | 'unref'>;

/** The queue and its thread. */
export class HashQueue {
  readonly #clock: Clock;
  readonly #notices: NoticeSink;
  readonly #start: () => HashThread;
  readonly #waiting: Waiting[] = [];
  #thread: HashThread | null = null;
  #current: Waiting | null = null;
  /** Addresses and when they have their next turn. */
  readonly #turns = new Map<string, number>();
  #overdue: Cancel = () => {};
  #closed = false;

  constructor(clock: Clock, notices: NoticeSink, start: () => HashThread = startThread) {
    this.#clock = clock;
    this.#notices = notices;
    this.#start = start;
  }

  /** Whether the password is right; null = cannot be found out now. */
  ask(check: Check): Promise<HashAnswer> {
    return new Promise((resolve) => {
      if (this.#closed || check.signal.aborted) return resolve(null);
      const { name, client } = check;
      const all = this.#current ? [this.#current, ...this.#waiting] : this.#waiting;
      const same = all.filter((w) => w.name === name && w.client === client).length;
      const due =
        this.#clock.elapsed() +
        LATER.session * Math.min(check.sessionFailures, MAX_COUNTED) +
        LATER.address * Math.min(check.clientFailures, MAX_COUNTED) +
        LATER.waiting * same;
      const given = (): void => this.#drop(waiting);
      const answer = (right: HashAnswer): void => {
        check.signal.removeEventListener('abort', given);
        resolve(right);
      };
      const waiting: Waiting = { ...check, due, answer };
      this.#waiting.push(waiting);
      check.signal.addEventListener('abort', given, { once: true });
      if (this.#waiting.length > MAX_QUEUED) this.#drop(this.#pick((a, b) => this.#before(b, a))!);
      this.#next();
    });
  }

  /** No more checks: who waits gets null. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.answer(null);
    this.#lose();
  }

  #drop(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at >= 0) this.#waiting.splice(at, 1);
    waiting.answer(null);
  }

  /** The one that comes before all others. */
  #pick(before: (a: Waiting, b: Waiting) => boolean): Waiting | undefined {
    let best = this.#waiting[0];
    for (const waiting of this.#waiting) if (best && before(waiting, best)) best = waiting;
    return best;
  }

  #before(a: Waiting, b: Waiting): boolean {
    const [turnA, turnB] = [a, b].map((w) => Math.max(w.due, this.#turns.get(w.client) ?? 0)) as [
      number,
      number,
    ];
    return turnA === turnB ? a.due < b.due : turnA < turnB;
  }

  #hadTurn(client: string): void {
    const now = this.#clock.elapsed();
    this.#turns.set(client, Math.max(now, this.#turns.get(client) ?? 0) + LATER.turn);
    if (this.#turns.size <= MAX_QUEUED) return;
    for (const [other, turn] of this.#turns) if (turn <= now) this.#turns.delete(other);
  }

  #next(): void {
    if (this.#current) return;
    const waiting = this.#pick((a, b) => this.#before(a, b));
    if (!waiting) return;
    this.#hadTurn(waiting.client);
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
    this.#current = waiting;
    this.#overdue = this.#clock.after(MAX_CHECK_TIME, () => this.#failed('no answer in time'));
    try {
      this.#thread ??= this.#begin();
      this.#thread.ref();
      const { password, hash } = waiting;
      this.#thread.postMessage({ password: Buffer.from(password, 'latin1'), hash } satisfies HashTask);
    } catch (error) {
      this.#failed(String(error));
    }
  }

  #begin(): HashThread {
    const thread = this.#start();
    const mine = (go: () => void): void => {
      if (thread === this.#thread) go();
    };
    thread.on('message', (answer: HashAnswer) => mine(() => this.#answered(answer)));
    thread.on('error', (error: Error) => mine(() => this.#failed(error.message)));
    thread.on('exit', (code: number) => mine(() => this.#failed(`it ended with code ${code}`)));
    return thread;
  }

  #answered(answer: HashAnswer): void {
    this.#overdue();
    this.#thread?.unref(); // idle, it keeps no process alive
    const { answer: tell } = this.#current ?? {};
    this.#current = null;
    tell?.(answer);
    this.#next();
  }

  /** The thread is of no use: whoever it worked for gets null, the next check gets a new thread. */
  #failed(reason: string): void {
    this.#notices('gateway.hash-thread-failed', { reason });
    this.#lose();
    this.#next();
  }

  #lose(): void {
    this.#overdue();
    const thread = this.#thread;
    this.#thread = null;
    void thread?.terminate();
    const { answer: tell } = this.#current ?? {};
    this.#current = null;
    tell?.(null);
  }
}

/** It needs no option, environment or loader of the process. */
function startThread(): HashThread {
  return new Worker(HASH_PROGRAM, { eval: true, execArgv: [], env: {}, name: 'passwords' });
}
