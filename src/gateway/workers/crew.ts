/**
 * All workers: started together, replaced when one ends, given a new configuration all or none, stopped together.
 *
 * The first one delivers; it opens the spool before the others, so that what an earlier gateway left is put in order once. A
 * worker that ended is replaced at once, one that ends again and again after ever longer waits. A new configuration is made
 * ready by every worker before the first one takes it over. The supervisor itself takes no mail, opens no spool, and so has
 * little that can go wrong.
 */
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { Cancel, Clock } from '#clock';
import type { NoticeSink } from '#notices';
import { BackOff } from './back-off.ts';
import type { Snapshot } from '../metrics/index.ts';
import type { LineOutput } from './lines.ts';
import type { ConfigText } from './messages.ts';
import { Slot, WorkerError } from './slot.ts';

/** Milliseconds after the grace until a worker that does not end is killed. */
const STOP_MARGIN = 5_000;

/** What the crew is given. */
export interface CrewOptions {
  /** What a worker process runs. */
  readonly program: URL;
  readonly workers: number;
  readonly config: ConfigText;
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Where the workers' log lines go. */
  readonly output: LineOutput;
  /** What the supervisor counted itself. */
  readonly own: () => Promise<Snapshot>;
  /** Reads the configuration file again and lets all workers take it over; why not, or null. Must not reject. */
  readonly reread: () => Promise<string | null>;
}

interface Place {
  readonly slot: Slot;
  readonly backOff: BackOff;
  /** Set while a replacement waits. */
  later: Cancel | null;
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #places: readonly Place[];
  #config: ConfigText;
  /** Replacements that are starting; a reload waits for them. */
  readonly #starting = new Set<Promise<unknown>>();
  /** A reload under way; replacements wait for it. */
  #reloading: Promise<unknown> = Promise.resolve();
  #started = false;
  #stopping = false;
  #empty: (() => void) | null = null;

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#config = options.config;
    const { workers, clock, output, reread } = options;
    const accepted = (): void => this.#places[0]!.slot.tell({ order: 'wake' });
    const asked = (slot: Slot, id: number): void => void this.#figures(slot, id);
    const ended = (slot: Slot, readyMs: number, how: string): void => this.#ended(slot, readyMs, how);
    this.#places = Array.from({ length: workers }, (_, i) => ({
      slot: new Slot({
        number: i + 1,
        delivers: i === 0,
        clock,
        output,
        accepted,
        asked,
        reload: reread,
        ended,
      }),
      backOff: new BackOff(),
      later: null,
    }));
  }

  /** Process ids of the workers, in order. */
  get pids(): readonly number[] {
    return this.#places.map(({ slot }) => slot.pid);
  }

  /** Starts all of them; resolves with the addresses when all listen. Rejects with WorkerError; then none is left. */
  async start(): Promise<readonly string[]> {
    cluster.schedulingPolicy = cluster.SCHED_RR;
    cluster.setupPrimary({
      exec: fileURLToPath(this.#options.program),
      args: [],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const [first, ...others] = this.#places.map(({ slot }) => slot);
    try {
      const addresses = await first!.start(this.#config);
      if (this.#stopping) throw new WorkerError('worker_ended', 'told to end while starting');
      await Promise.all(others.map((slot) => slot.start(this.#config)));
      this.#started = true;
      return addresses;
    } catch (error) {
      // One that listens already has mail under way: told to stop while others start, it drains.
      if (!this.#stopping) for (const { slot } of this.#places) slot.kill();
      this.#stopping = true;
      await this.#allGone();
      throw error;
    }
  }

  /**
   * Takes a new configuration over: every worker makes it ready, then all take it over. Rejects with WorkerError when one
   * cannot; then none has changed. One that fails while taking it over is replaced. One at a time.
   */
  reload(config: ConfigText): Promise<void> {
    const reloaded = this.#reloading.then(() => this.#reload(config));
    this.#reloading = reloaded.catch(() => undefined);
    return reloaded;
  }

  async #reload(config: ConfigText): Promise<void> {
    while (this.#starting.size > 0) await Promise.all(this.#starting);
    if (this.#stopping) throw new WorkerError('worker_ended', 'the gateway is stopping');
    const slots = this.#places.map(({ slot }) => slot).filter((slot) => slot.ready);
    const made = await Promise.allSettled(
      slots.map((slot) => slot.ask((id) => ({ order: 'prepare', id, config }))),
    );
    const failed = made.find((result) => result.status === 'rejected');
    if (!failed) this.#config = config; // from here on a replacement has it, too
    const order = failed ? 'cancel' : 'commit';
    await Promise.all(
      slots.map((slot) =>
        slot
          .ask((id) => ({ order, id }))
          .catch(() => {
            // Not as the others are: a new one will be.
            slot.kill();
          }),
      ),
    );
    if (failed) throw failed.reason;
  }

  /** Ends all of them; what is under way may take `graceMs`. May be called again with a shorter grace. Never rejects. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const place of this.#places) {
      place.later?.();
      place.later = null;
      if (place.slot.ready) place.slot.tell({ order: 'stop', graceMs });
      else place.slot.kill(); // it has taken no mail yet
    }
    const cancel = this.#options.clock.after(graceMs + STOP_MARGIN, () => {
      for (const { slot } of this.#places) slot.kill();
    });
    await this.#allGone();
    cancel();
  }

  #allGone(): Promise<void> {
    if (this.#places.every(({ slot }) => !slot.taken)) return Promise.resolve();
    const before = this.#empty;
    return new Promise((resolve) => {
      this.#empty = () => {
        before?.();
        resolve();
      };
    });
  }

  /** Tells one worker what all others and the supervisor counted. */
  async #figures(asker: Slot, id: number): Promise<void> {
    const others = this.#places.map(({ slot }) => slot).filter((slot) => slot !== asker);
    const counted = await Promise.all([this.#options.own(), ...others.map((slot) => slot.figures())]);
    const snapshots = counted.filter((snapshot) => snapshot !== null);
    asker.tell({ order: 'figures-of-all', id, snapshots });
  }

  #ended(slot: Slot, readyMs: number, how: string): void {
    if (this.#stopping) {
      if (this.#places.every((place) => !place.slot.taken)) this.#empty?.();
      return;
    }
    if (!this.#started) return; // start() deals with it
    const place = this.#places[slot.number - 1]!;
    const wait = place.backOff.next(readyMs);
    this.#options.notices('gateway.worker-ended', { worker: slot.number, how, replacedIn: wait });
    place.later = this.#options.clock.after(wait, () => {
      place.later = null;
      void this.#replace(slot);
    });
  }

  /** A new process in an empty place, with the configuration in use. When it ends before it listens, `#ended` tries again. */
  async #replace(slot: Slot): Promise<void> {
    await this.#reloading;
    if (this.#stopping) return;
    const starting = slot.start(this.#config).then(
      () => this.#options.notices('gateway.worker-replaced', { worker: slot.number, pid: slot.pid }),
      (error: Error) =>
        this.#options.notices('gateway.worker-failed', { worker: slot.number, reason: error.message }),
    );
    this.#starting.add(starting);
    await starting;
    this.#starting.delete(starting);
  }
}
