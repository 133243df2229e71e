/**
 * Group commit: changes that come while a transaction is being synced go together into the next one. A lazy change begins no
 * transaction of its own for a moment, so that the next prompt one need not wait behind its sync but takes it along.
 *
 * A change is on disk when its promise resolves. A guarded change happens only if the entry still has the version its maker
 * saw (or still does not exist); otherwise it resolves false and nothing of it happened, in this process or another. A
 * transaction that fails rejects all its changes with a SpoolError and ends nothing else. When lmdb cannot go on after an
 * error (its meta page could not be written) it is opened again here, and entries whose commit was reported as failed are
 * erased before anything else is written, so that refused mail cannot come back.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import { causeOf, spoolError } from './errors.ts';
import type { FreeSpace } from './free-space.ts';
import type { Probe } from './probe.ts';
import type { Reserve } from './reserve.ts';
import { SpoolError } from './store.ts';
import type { Tables } from './tables.ts';

/** One change. */
export interface Change {
  /** The writes; buffers are made before, so that this cannot throw. */
  readonly writes: () => void;
  /** The entry it depends on and the version it must have, null for `must not exist`; left out when it depends on none. */
  readonly guard?: { readonly key: Buffer; readonly version: number | null };
  /** For a change that makes an entry: the writes that erase it. Such a change is the first to be refused on a full disk. */
  readonly undo?: () => void;
  /** About how many bytes its records have. */
  readonly size: number;
  /** Nobody waits for it: it may wait LAZY_MS for a prompt change. */
  readonly lazy?: boolean;
}

interface Waiting {
  readonly change: Change;
  readonly resolve: (happened: boolean) => void;
  readonly reject: (error: SpoolError) => void;
}

/** Bytes of one transaction, so that its pages stay few; a single larger change goes alone. */
const GROUP_BYTES = 16 * 1024 * 1024;
/** Pages that a change may touch besides those of its records: down each tree that it writes to. */
const PAGES_PER_CHANGE = 16;
const PAGE = 4096;
/** Room kept for changes that make no entry, so that mail can leave a full disk. */
const SPARE = 1024 * 1024;
/**
 * Turns of the event loop before the next transaction, when the last one was shared: what is ready meanwhile goes along. Fewer
 * transactions cost less (measured: a fifth more messages through one filter); while nothing is ready, turns pass at once.
 */
const TURNS = 2;
/** Milliseconds that a lazy change waits for a prompt one to go with. */
const LAZY_MS = 5;
/** Milliseconds for which the room in the data file is taken to be what it was, and the part of it that is ours alone that long. */
const LOOK_MS = 50;
const OURS = 1 / 8;
/** Room below which more is made beside the commits, on a disk with plenty of it: asking lmdb how much there is costs. */
const COMFORT = 16 * 1024 * 1024;
const PLENTY = 64 * COMFORT;
/** Milliseconds for which a disk that was full is taken to be full still. */
const FULL_MS = 1000;

export class GroupWriter {
  readonly #tables: Tables;
  readonly #reserve: Reserve;
  readonly #free: FreeSpace;
  readonly #clock: Clock;
  readonly #notices: NoticeSink;
  readonly #probe: Probe;
  #fullUntil = -Infinity;
  #full: SpoolError | null = null;
  /** Room in the data file that may be used without another look, until LOOK_MS after #lookedAt. */
  #room = 0;
  #lookedAt = -Infinity;
  /** More room is being made ahead; the next time that it may be. */
  #ahead: Promise<void> | null = null;
  #aheadAfter = -Infinity;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  /** Set while only lazy changes wait and nothing runs. Of real time: what it gains is real time of a disk. */
  #patience: NodeJS.Timeout | null = null;
  /** Some change waits that is not lazy, or that has waited long enough. */
  #pressing = false;
  #closed = false;
  /** Erasing writes of commits that lmdb may or may not have kept when it broke. */
  #doubtful: (() => void)[] = [];
  #broken = false;
  /** The last transaction was one of several changes that somebody waits for. */
  #shared = false;

  constructor(
    tables: Tables,
    reserve: Reserve,
    free: FreeSpace,
    clock: Clock,
    notices: NoticeSink,
    probe: Probe,
  ) {
    this.#tables = tables;
    this.#reserve = reserve;
    this.#free = free;
    this.#clock = clock;
    this.#notices = notices;
    this.#probe = probe;
  }

  /** Resolves true when the change is on disk, false when its guard did not hold. */
  submit(change: Change): Promise<boolean> {
    if (this.#closed) return Promise.reject(new SpoolError('io', 'spool: closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      if (!change.lazy) this.#pressing = true;
      this.#goOn();
    });
  }

  /** Begins to write, now or when the lazy ones have waited long enough. */
  #goOn(): void {
    if (this.#running || this.#waiting.length === 0) return;
    if (this.#pressing || this.#closed) {
      if (this.#patience) clearTimeout(this.#patience);
      this.#patience = null;
      this.#running = this.#run();
    } else
      this.#patience ??= setTimeout(() => {
        this.#patience = null;
        this.#pressing = true;
        this.#goOn();
      }, LAZY_MS);
  }

  /** Takes no more changes; resolves when those taken are settled. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#goOn();
    while (this.#running) await this.#running;
    await this.#ahead;
    await this.#reserve.close();
    await this.#probe.close();
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // changes of the same turn share the first transaction
    while (this.#waiting.length > 0 && (this.#pressing || this.#closed)) {
      let group: readonly Waiting[] = [];
      if (this.#shared) for (let n = 0; n < TURNS && !this.#closed; n++) await turn();
      try {
        try {
          const asked = this.#probe.ask();
          if (asked) await asked;
          if (this.#broken || this.#doubtful.length > 0) await this.#heal();
        } finally {
          group = this.#nextGroup(); // what came meanwhile goes along
        }
        this.#shared = isShared(group);
        if (!this.#hasRoom(group)) group = await this.#makeRoom(group);
        if (group.length > 0) await this.#write(group);
      } catch (error) {
        await this.#failed(group, error);
      }
    }
    this.#running = null;
    this.#goOn();
  }

  #nextGroup(): Waiting[] {
    let bytes = 0;
    let n = 0;
    while (n < this.#waiting.length) {
      bytes += this.#waiting[n]!.change.size;
      if (n > 0 && bytes > GROUP_BYTES) break;
      n++;
    }
    if (n === this.#waiting.length) {
      const all = this.#waiting;
      this.#waiting = [];
      this.#pressing = false;
      return all;
    }
    return this.#waiting.splice(0, n);
  }

  /** Whether the data file is long enough. Asked of lmdb when what it said last is used up, or of some time ago. */
  #hasRoom(group: readonly Waiting[]): boolean {
    const need = roomFor(group);
    const now = this.#clock.elapsed();
    if (this.#room >= need && now - this.#lookedAt <= LOOK_MS) {
      this.#room -= need;
      return true;
    }
    const there = this.#reserve.size - this.#tables.usedBytes() - SPARE;
    this.#room = there >= need ? (there - need) * OURS : 0;
    this.#lookedAt = now;
    if (there >= need && there < COMFORT) this.#goAhead(now);
    return there >= need;
  }

  /** Makes room before there is none. What fails is tried again later, or at the latest when it is needed. */
  #goAhead(now: number): void {
    const free = this.#free.bytes();
    if (this.#ahead !== null || now < this.#aheadAfter || free < PLENTY) return;
    this.#aheadAfter = now + FULL_MS;
    this.#ahead = this.#reserve
      .extend(1, free)
      .catch(ignored)
      .finally(() => (this.#ahead = null));
  }

  /** Extends the data file; when that fails, refuses what makes entries and returns the changes that can go on now. */
  async #makeRoom(group: readonly Waiting[]): Promise<readonly Waiting[]> {
    await this.#ahead;
    await this.#reserve.look(); // another process may have made room
    if (this.#hasRoom(group)) return group;
    if (this.#clock.elapsed() >= this.#fullUntil) {
      try {
        await this.#reserve.extend(roomFor(group) + SPARE, this.#free.bytes());
        return group;
      } catch (error) {
        this.#fullUntil = this.#clock.elapsed() + FULL_MS;
        this.#full = spoolError(error, 'making room');
        this.#notices('spool.noRoom', { code: this.#full.code, cause: causeOf(error) });
      }
    }
    if (this.#fits(group, SPARE)) return group;
    const rest = group.filter(({ change }) => change.undo === undefined);
    for (const { change, reject } of group) if (change.undo) reject(this.#full!);
    let n = rest.length;
    while (n > 0 && !this.#fits(rest.slice(0, n), 0)) n >>= 1;
    if (n > 0) this.#waiting.unshift(...rest.slice(n));
    else for (const { reject } of rest) reject(this.#full!);
    return rest.slice(0, n);
  }

  /**
   * Whether a transaction fits in the data file as long as it is. Pages that were used before count too; but a record of
   * many pages needs them side by side, so there must be a tail for the records, or next to nothing in the file.
   */
  #fits(group: readonly Waiting[], spare: number): boolean {
    const used = this.#tables.usedBytes();
    const tail = this.#reserve.size - used;
    const need = roomFor(group) + spare;
    if (tail >= need) return true;
    const reusable = this.#tables.reusableBytes();
    if (reusable < 2 * need) return false;
    return tail >= sizeOf(group) || reusable * 4 >= used * 3;
  }

  /** One transaction. Guarded changes have a promise each, which fails together with the whole. */
  async #write(group: readonly Waiting[]): Promise<void> {
    const { entries } = this.#tables;
    const whole = this.#tables.batch(() => {
      for (const { change, resolve } of group) {
        const { guard, writes } = change;
        if (!guard) writes();
        else if (guard.version === null) entries.ifNoExists(guard.key, writes).then(resolve, ignored);
        else entries.ifVersion(guard.key, guard.version, writes).then(resolve, ignored);
      }
    });
    await whole;
    for (const { change, resolve } of group) if (!change.guard) resolve(true);
  }

  async #failed(group: readonly Waiting[], error: unknown): Promise<void> {
    const cause = await realCause(error);
    const failure = spoolError(cause, 'commit');
    this.#notices('spool.commitFailed', { changes: group.length, code: failure.code, cause: causeOf(cause) });
    if (!this.#broken && !this.#tables.works()) {
      this.#broken = true;
      for (const { change } of group) if (change.undo) this.#doubtful.push(change.undo);
    }
    for (const { reject } of group) reject(failure);
  }

  /** Makes lmdb usable again after it broke. Throws when that fails; the next group tries anew. */
  async #heal(): Promise<void> {
    if (this.#broken) {
      await this.#tables.reopen();
      this.#broken = false;
      this.#notices('spool.reopened', {});
    }
    if (this.#doubtful.length > 0) {
      const undo = this.#doubtful;
      await this.#tables.batch(() => {
        for (const writes of undo) writes();
      });
      this.#doubtful = [];
    }
  }
}

function isShared(group: readonly Waiting[]): boolean {
  let prompt = 0;
  for (const { change } of group) if (!change.lazy) prompt++;
  return prompt > 1;
}

function sizeOf(group: readonly Waiting[]): number {
  let bytes = 0;
  for (const { change } of group) bytes += change.size + PAGE;
  return bytes;
}

/** Bytes that a transaction may add to the data file at most. */
function roomFor(group: readonly Waiting[]): number {
  return sizeOf(group) + group.length * PAGES_PER_CHANGE * PAGE;
}

/** A guarded change's own rejection says the same as that of its transaction; room made ahead is not missed yet. */
function ignored(): void {}

/** lmdb rejects with a general error that carries a promise, which then rejects with the cause. */
async function realCause(error: unknown): Promise<unknown> {
  const detail = (error as { commitError?: Promise<unknown> } | null)?.commitError;
  if (!detail) return error;
  try {
    await detail;
    return error;
  } catch (cause) {
    return cause;
  }
}
