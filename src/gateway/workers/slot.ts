/**
 * The place of one worker, as the supervisor sees it: the process that has the place now, its answers, its end.
 *
 * A worker that does not answer in time is killed: it counts as ended, and whoever manages the places replaces it. Orders to a
 * worker that is gone are dropped. Throws WorkerError.
 */
import cluster, { type Worker } from 'node:cluster';
import type { Clock } from '#clock';
import { passLines, type LineOutput } from './lines.ts';
import type { Snapshot } from '../metrics/index.ts';
import { ONE_LIMIT } from './colleagues.ts';
import type { ConfigText, Order, Report } from './messages.ts';

/** Milliseconds a worker may take until it listens: putting a large spool in order takes a while. */
export const START_LIMIT = 300_000;
/** Milliseconds a worker may take to make a configuration ready, or to take it over. */
export const ANSWER_LIMIT = 15_000;

/** Milliseconds for the last log lines of a worker that ended. */
const LAST_LINES = 250;

/** A worker did not do what it was told: it `failed` with a reason, it `ended` meanwhile, or was `silent` and got killed. */
export class WorkerError extends Error {
  readonly code: 'worker_failed' | 'worker_ended' | 'worker_silent';

  constructor(code: WorkerError['code'], message: string) {
    super(message);
    this.name = 'WorkerError';
    this.code = code;
  }
}

/** What a place is given. */
export interface SlotOptions {
  /** From 1. */
  readonly number: number;
  readonly delivers: boolean;
  readonly clock: Clock;
  readonly output: LineOutput;
  /** The worker accepted mail for the one that delivers. */
  readonly accepted: () => void;
  /** The worker wants to know what the others counted. */
  readonly asked: (slot: Slot, id: number) => void;
  /** The worker asks for a reload of all; why nothing changed, or null. Must not reject. */
  readonly reload: () => Promise<string | null>;
  /** The worker is gone. `readyMs`: how long it had listened, 0 when it never did; `how`: exit code or signal. */
  readonly ended: (slot: Slot, readyMs: number, how: string) => void;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: WorkerError) => void;
}

export class Slot {
  readonly number: number;
  readonly #options: SlotOptions;
  #worker: Worker | null = null;
  #readyAt: number | null = null;
  #orders = 0;
  /** By id of the order that is to be answered. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #figures = new Map<number, (snapshot: Snapshot | null) => void>();

  constructor(options: SlotOptions) {
    this.number = options.number;
    this.#options = options;
  }

  /** Process id, 0 when nobody is here. */
  get pid(): number {
    return this.#worker?.process.pid ?? 0;
  }

  /** A process has the place; it may not listen yet. */
  get taken(): boolean {
    return this.#worker !== null;
  }

  /** It listens. */
  get ready(): boolean {
    return this.#readyAt !== null;
  }

  /** Starts a process in this empty place. Resolves with its addresses when it listens. */
  start(config: ConfigText): Promise<readonly string[]> {
    const { clock, delivers, output } = this.#options;
    let worker: Worker;
    try {
      worker = cluster.fork();
    } catch (error) {
      this.#options.ended(this, 0, String(error));
      return Promise.reject(new WorkerError('worker_failed', `worker ${this.number}: ${String(error)}`));
    }
    this.#worker = worker;
    // A process that could not be made, for want of descriptors or memory, has no output and says so by an error.
    const { stdout } = worker.process;
    if (stdout) passLines(stdout, output);
    return new Promise((resolve, reject) => {
      let failure: WorkerError | null = null;
      const cancel = clock.after(START_LIMIT, () => {
        failure = new WorkerError('worker_silent', `worker ${this.number} did not start in time`);
        this.kill();
      });
      worker.on('message', (report: Report) => {
        if (report.report === 'here') this.tell({ order: 'start', worker: this.number, delivers, config });
        else if (report.report === 'ready') {
          cancel();
          this.#readyAt = clock.elapsed();
          resolve(report.addresses);
        } else if (report.report === 'failed') failure = new WorkerError('worker_failed', report.reason);
        else this.#hear(report);
      });
      const ended = (how: string): void => {
        cancel();
        reject(
          failure ??
            new WorkerError('worker_ended', `worker ${this.number} ended before it listened (${how})`),
        );
        this.#gone(worker, how);
      };
      worker.process.once('exit', (code, signal) => {
        const how = signal ?? `exit code ${code}`;
        // `close` follows when its log has been read to the end; who reads ours may have stopped.
        const enough = clock.after(LAST_LINES, () => ended(how));
        worker.process.once('close', () => {
          enough();
          ended(how);
        });
      });
      worker.on('error', (error) => {
        if (worker.process.pid === undefined) ended(error.message);
      });
    });
  }

  /** Gives an order and waits until it is followed. Rejects with the worker's reason, or when it is gone or silent. */
  ask(make: (id: number) => Order): Promise<void> {
    const id = this.#orders++;
    return new Promise<void>((resolve, reject) => {
      if (!this.ready) return reject(this.#lost());
      const cancel = this.#options.clock.after(ANSWER_LIMIT, () => {
        this.#waiting.delete(id);
        this.kill();
        reject(new WorkerError('worker_silent', `worker ${this.number} did not answer and was killed`));
      });
      this.#waiting.set(id, {
        resolve: () => {
          cancel();
          resolve();
        },
        reject: (error) => {
          cancel();
          reject(error);
        },
      });
      this.tell(make(id));
    });
  }

  /** What the worker counted; null when it does not say so in time. */
  figures(): Promise<Snapshot | null> {
    if (!this.ready) return Promise.resolve(null);
    const id = this.#orders++;
    return new Promise((resolve) => {
      const ended = (snapshot: Snapshot | null): void => {
        cancel();
        this.#figures.delete(id);
        resolve(snapshot);
      };
      const cancel = this.#options.clock.after(ONE_LIMIT, () => ended(null));
      this.#figures.set(id, ended);
      this.tell({ order: 'figures', id });
    });
  }

  /** Gives an order that needs no answer. */
  tell(order: Order): void {
    const worker = this.#worker;
    // Whoever is gone hears nothing; that it is gone shows elsewhere.
    if (worker?.isConnected()) worker.process.send(order, () => undefined);
  }

  /** SIGKILL. */
  kill(): void {
    this.#worker?.process.kill('SIGKILL');
  }

  #hear(report: Report): void {
    if (report.report === 'accepted') this.#options.accepted();
    if (report.report === 'ask-figures') this.#options.asked(this, report.id);
    if (report.report === 'figures') this.#figures.get(report.id)?.(report.snapshot);
    if (report.report === 'reload') {
      const { id } = report;
      const worker = this.#worker;
      void this.#options.reload().then((trouble) => {
        // Another process in this place has asked for nothing.
        if (worker === this.#worker) this.tell({ order: 'reloaded', id, trouble: trouble ?? '' });
      });
    }
    if (report.report !== 'answer') return;
    const waiting = this.#waiting.get(report.id);
    this.#waiting.delete(report.id);
    if (report.trouble === '') waiting?.resolve();
    else waiting?.reject(new WorkerError('worker_failed', report.trouble));
  }

  #gone(worker: Worker, how: string): void {
    if (this.#worker !== worker) return;
    const readyMs = this.#readyAt === null ? 0 : this.#options.clock.elapsed() - this.#readyAt;
    this.#worker = null;
    this.#readyAt = null;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#lost());
    this.#waiting.clear();
    for (const ended of [...this.#figures.values()]) ended(null);
    this.#options.ended(this, readyMs, how);
  }

  #lost(): WorkerError {
    return new WorkerError('worker_ended', `worker ${this.number} is not there`);
  }
}
