/**
 * Orders about many entries that go on by themselves: whoever gave one need not stay, and asks how far it is.
 *
 * Which entries are meant is settled when a job begins. So many run at a time, so many finished ones are remembered; a key that a
 * client gives with a job makes asking twice the same as asking once, as long as the job is remembered. A job lives in memory:
 * the end of the process ends it, with every entry either done or as it was. Nothing here rejects.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '#clock';
import type { Act, ActResult, Operator } from './acts.ts';
import { idsOf, onEach, type Listed, type Selection } from './many.ts';
import type { Orders } from './orders.ts';

/** Jobs that run at one time, and that are remembered. */
export const MAX_JOBS_RUNNING = 4;
export const MAX_JOBS = 100;
/** Results of one job that are kept, the newest of them. */
export const MAX_JOB_RESULTS = 100;

/** What is to be done. */
export interface JobOrder {
  readonly selection: Selection;
  readonly act: Act;
  readonly who: Operator;
  /** Only tell what would be done. */
  readonly dryRun: boolean;
  /** Null: asking twice is two jobs. `print` tells one request from another. */
  readonly key: { readonly text: string; readonly print: string } | null;
}

/** How far a job is. Times are milliseconds since 1970. */
export interface Job {
  readonly id: string;
  readonly verb: Act['verb'];
  readonly by: Operator;
  readonly dryRun: boolean;
  readonly begunAt: number;
  readonly endedAt: number | null;
  /** Entries that are meant; null while they are looked for. */
  readonly total: number | null;
  /** Orders that were carried out, or would be. */
  readonly done: number;
  readonly failed: number;
  readonly finished: boolean;
  /** Somebody stopped it before its end. */
  readonly stopped: boolean;
  /** Why it ended early by itself; '' when it did not. */
  readonly trouble: string;
  /** The newest. */
  readonly results: readonly ActResult[];
}

type Running = { -readonly [K in keyof Job]: Job[K] } & { results: ActResult[] };

/** Why a job was not begun. */
export type JobRefusal = 'too-many' | 'other-request';

export interface JobsOptions {
  readonly store: Listed;
  readonly orders: Pick<Orders, 'act' | 'consider'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** See above. */
export class Jobs {
  readonly #o: JobsOptions;
  readonly #all = new Map<string, Running>();
  readonly #keys = new Map<string, { readonly id: string; readonly print: string }>();
  readonly #work = new Set<Promise<void>>();

  constructor(options: JobsOptions) {
    this.#o = options;
  }

  /** Begins a job, or finds the one that was begun with the same key. */
  begin(order: JobOrder): Job | JobRefusal {
    const key = order.key && `${order.who} ${order.key.text}`;
    const known = key === null ? undefined : this.#keys.get(key);
    if (known) return known.print === order.key?.print ? this.#all.get(known.id)! : 'other-request';
    if (this.#work.size >= MAX_JOBS_RUNNING) return 'too-many';
    const job: Running = {
      id: randomBytes(9).toString('hex'),
      verb: order.act.verb,
      by: order.who,
      dryRun: order.dryRun,
      begunAt: this.#o.clock.now(),
      endedAt: null,
      total: null,
      done: 0,
      failed: 0,
      finished: false,
      stopped: false,
      trouble: '',
      results: [],
    };
    this.#all.set(job.id, job);
    if (key !== null) this.#keys.set(key, { id: job.id, print: order.key!.print });
    this.#forget();
    const work = this.#run(job, order).finally(() => this.#work.delete(work));
    this.#work.add(work);
    return job;
  }

  get(id: string): Job | null {
    return this.#all.get(id) ?? null;
  }

  /** Those that are remembered, newest first. */
  list(): readonly Job[] {
    return [...this.#all.values()].toReversed();
  }

  /** Begins nothing more of a job; what is under way ends. False when there is none, or it has ended. */
  cancel(id: string): boolean {
    const job = this.#all.get(id);
    if (!job || job.finished) return false;
    job.stopped = true;
    return true;
  }

  /** Stops all; resolves when they have ended. */
  async stop(): Promise<void> {
    for (const id of this.#all.keys()) this.cancel(id);
    await Promise.all(this.#work);
  }

  async #run(job: Running, { selection, act, who, dryRun }: JobOrder): Promise<void> {
    const { store, orders, clock } = this.#o;
    const carryOut = (id: string): Promise<ActResult> =>
      dryRun ? orders.consider(id, act) : orders.act(id, act, who);
    try {
      const ids = await idsOf(store, selection, clock);
      job.total = ids.length;
      if (!job.stopped)
        for await (const result of onEach(store, { ids }, carryOut, clock, () => job.stopped)) {
          if (result.result === 'done' || result.result === 'would') job.done++;
          else job.failed++;
          if (job.results.push(result) > MAX_JOB_RESULTS) job.results.shift();
        }
      job.stopped = job.stopped && job.done + job.failed < ids.length;
    } catch (error) {
      job.trouble = error instanceof Error ? error.message : String(error);
    }
    job.finished = true;
    job.endedAt = clock.now();
  }

  /** Finished ones beyond the bound go, oldest first. */
  #forget(): void {
    for (const [id, { finished }] of this.#all) {
      if (this.#all.size <= MAX_JOBS) break;
      if (finished) this.#all.delete(id);
    }
    for (const [key, { id }] of this.#keys) if (!this.#all.has(id)) this.#keys.delete(key);
  }
}
