/**
 * Destinations and domains that an operator took out of delivery for a time: nothing is tried there, nothing expires meanwhile.
 *
 * Kept in one small file, so that they survive a restart and reach a delivery in another process: what somebody else wrote is
 * read within a second or so of the next look into the queue. A change is on disk before it is answered. A file that cannot be
 * understood is set aside and noticed, and delivery goes on without it.
 */
import { open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '#clock';
import { domainOf, utf8Of } from '#message';
import type { NoticeSink } from '#notices';
import type { EntryMeta } from '#spool';
import type { Group } from './route.ts';

/** Suspensions at one time. */
export const MAX_SUSPENSIONS = 1000;

/** Longest reason and name, in characters. */
export const MAX_SUSPENSION_TEXT = 500;

/** Largest file that is read. */
const MAX_FILE = 4_194_304;

/** How often the file is looked at, at most. Milliseconds. */
const LOOK = 1000;

/** Mail that is suspended comes back this often to see, or at the end of the suspension. Milliseconds. */
export const SUSPENDED_LOOK = 600_000;

/** What is suspended: a destination as the log names it (`smtp:10.0.0.5:25`, `mx:example.org`), or the domain of recipients. */
export interface Suspended {
  readonly kind: 'destination' | 'domain';
  /** Readable text; a domain in lower case. */
  readonly name: string;
}

/** A suspension. Times are milliseconds since 1970. */
export interface Suspension extends Suspended {
  /** null: until it is taken back. */
  readonly until: number | null;
  readonly since: number;
  readonly reason: string;
  readonly by: string;
}

/** What suspensions are made of. */
export interface SuspensionsOptions {
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Absolute path; '' keeps them in memory. */
  readonly file: string;
}

/** Why a suspension was not made: an answer, in words for the operator. */
export type SuspendRefusal = 'too-many' | 'too-long' | 'over';

/** See above. */
export class Suspensions {
  readonly #options: SuspensionsOptions;
  #all = new Map<string, Suspension>();
  /** The file as it was read or written last. */
  #seen = '';
  #looked = -Infinity;
  /** Changes go one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SuspensionsOptions) {
    this.#options = options;
  }

  /** Suspends, or replaces a suspension of the same. Resolves when it is kept; rejects when the file cannot be written. */
  suspend(
    what: Suspended,
    { until, reason, by }: Pick<Suspension, 'until' | 'reason' | 'by'>,
  ): Promise<Suspension | SuspendRefusal> {
    return this.#inTurn(async () => {
      const since = this.#options.clock.now();
      const name = what.kind === 'domain' ? what.name.toLowerCase() : what.name;
      if (name === '' || [name, reason, by].some((t) => t.length > MAX_SUSPENSION_TEXT)) return 'too-long';
      if (until !== null && until <= since) return 'over';
      const suspension: Suspension = { kind: what.kind, name, until, since, reason, by };
      const next = new Map(this.list().map((s) => [keyOf(s), s]));
      next.delete(keyOf(suspension));
      if (next.size >= MAX_SUSPENSIONS) return 'too-many';
      await this.#keep(next.set(keyOf(suspension), suspension));
      this.#options.notices('delivery.suspended', { ...suspension, until: until ?? undefined });
      return suspension;
    });
  }

  /** Takes a suspension back; false when there is none. `by`: who wants that, for the log. Rejects when the file cannot be written. */
  resume(what: Suspended, by?: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const next = new Map(this.#all);
      const name = what.kind === 'domain' ? what.name.toLowerCase() : what.name;
      if (!next.delete(keyOf({ kind: what.kind, name }))) return false;
      await this.#keep(next);
      this.#options.notices('delivery.resumed', { kind: what.kind, name, by });
      return true;
    });
  }

  /** Those in force, oldest first. */
  list(): readonly Suspension[] {
    const now = this.#options.clock.now();
    return [...this.#all.values()].filter(({ until }) => until === null || until > now);
  }

  /** Reads the file when somebody else changed it. Never rejects. */
  async refresh(): Promise<void> {
    const { clock, file } = this.#options;
    if (file === '' || clock.elapsed() - this.#looked < LOOK) return;
    await this.#inTurn(() => this.#read()).catch(() => undefined);
  }

  /** The one that a recipient of a destination is under; null when there is none. */
  over(destination: string, address: string): Suspension | null {
    if (this.#all.size === 0) return null;
    const domain = utf8Of(domainOf(address)).toLowerCase();
    const found = [
      this.#all.get(keyOf({ kind: 'destination', name: destination })),
      this.#all.get(keyOf({ kind: 'domain', name: domain })),
    ];
    const now = this.#options.clock.now();
    return found.find((s) => s && (s.until === null || s.until > now)) ?? null;
  }

  /** `groups` without the recipients that are suspended, and how long those wait at least, in milliseconds. */
  spare(
    entry: EntryMeta,
    groups: readonly Group[],
  ): { readonly groups: readonly Group[]; readonly wait: number | null } {
    if (this.#all.size === 0) return { groups, wait: null };
    const now = this.#options.clock.now();
    let wait: number | null = null;
    const spared = groups.map((group) => ({
      ...group,
      recipients: group.recipients.filter((i) => {
        const suspension = this.over(group.destination, entry.recipients[i]!.address);
        if (suspension === null) return true;
        const left = Math.min((suspension.until ?? Infinity) - now, SUSPENDED_LOOK);
        wait = Math.min(wait ?? left, left);
        return false;
      }),
    }));
    return { groups: spared.filter(({ recipients }) => recipients.length > 0), wait };
  }

  /** What there is in the file now comes first, whoever wrote it. */
  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const done = this.#last.then(async () => {
      await this.#read();
      return work();
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Rejects when there is a file that cannot be read; what is known then stays in force. */
  async #read(): Promise<void> {
    const { clock, file, notices } = this.#options;
    if (file === '') return;
    this.#looked = clock.elapsed();
    const seen = await markOf(file);
    if (seen === this.#seen) return;
    const all = seen === '' ? new Map<string, Suspension>() : await readAll(file);
    if (all === null) {
      notices('delivery.suspensions-damaged', { file });
      await rename(file, `${file}.damaged`).catch(() => undefined);
    }
    this.#all = all ?? new Map();
    this.#seen = all === null ? '' : seen;
  }

  async #keep(next: Map<string, Suspension>): Promise<void> {
    const { file } = this.#options;
    if (file !== '') {
      await writeSynced(file, JSON.stringify([...next.values()], null, 1) + '\n');
      this.#seen = await markOf(file);
    }
    this.#all = next;
  }
}

const keyOf = ({ kind, name }: Suspended): string => `${kind} ${name}`;

/** What tells one state of a file from another; '' when there is none. */
async function markOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The suspensions in a file; null when it is none of ours. Rejects when it cannot be read. */
async function readAll(file: string): Promise<Map<string, Suspension> | null> {
  if ((await stat(file)).size > MAX_FILE) return null;
  const text = await readFile(file, 'utf8');
  try {
    const read: unknown = JSON.parse(text);
    if (!Array.isArray(read) || read.length > MAX_SUSPENSIONS || !read.every(isSuspension)) return null;
    return new Map(read.map((s) => [keyOf(s), s]));
  } catch {
    return null;
  }
}

function isSuspension(value: unknown): value is Suspension {
  const s = value as Partial<Record<keyof Suspension, unknown>> | null;
  return (
    typeof s === 'object' &&
    s !== null &&
    (s.kind === 'destination' || s.kind === 'domain') &&
    [s.name, s.reason, s.by].every((t) => typeof t === 'string' && t.length <= MAX_SUSPENSION_TEXT) &&
    (s.until === null || Number.isFinite(s.until)) &&
    Number.isFinite(s.since)
  );
}

/** Either the old file or the new one is there whatever happens, and the new one once this resolves. */
async function writeSynced(file: string, text: string): Promise<void> {
  const fresh = `${file}.new`;
  const handle = await open(fresh, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
  const folder = await open(dirname(file), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
