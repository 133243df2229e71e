/** What the tests of the journal share: a journal in a folder of its own, with a clock, and things to put into it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ManualClock, type Clock } from '#clock';
import type { NoticeFields, NoticeName } from '#notices';
import { Journal, type JournalOptions, type JournalSettings } from './journal.ts';
import { openTables } from './open.ts';
import { KEEP_ALL } from './policy.ts';
import type { HistoryRow } from './row.ts';
import { stampOf } from './stamp.ts';
import type { WriteProbe } from './tables.ts';

export const START = Date.UTC(2026, 8, 1);
const MIB = 1024 * 1024;

export const SETTINGS: JournalSettings = {
  rows: 100_000,
  age: 30 * 86_400_000,
  conversations: 64 * MIB,
  changes: 64 * MIB,
  policy: KEEP_ALL,
};

/** A volume that takes writes. */
export const WILLING: WriteProbe = { ask: () => Promise.resolve(), close: () => Promise.resolve() };

export interface Rig {
  readonly journal: Journal;
  readonly clock: ManualClock;
  readonly folder: string;
  readonly heard: readonly (readonly [NoticeName, NoticeFields])[];
}

/** A folder that is gone after the test. */
export async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Ids as the spool makes them, on a clock. */
export function idsOn(clock: Clock): () => string {
  let count = 0;
  return () => stampOf(clock.now()) + (count++).toString(36).padStart(7, '0');
}

/** Opens a journal. */
export async function rig(
  t: TestContext,
  settings: Partial<JournalSettings> = {},
  more: Partial<JournalOptions> & { readonly folder?: string; readonly probe?: WriteProbe } = {},
): Promise<Rig> {
  const folder = more.folder ?? (await folderFor(t));
  const clock = new ManualClock(START);
  const heard: [NoticeName, NoticeFields][] = [];
  const notices = (name: NoticeName, fields: NoticeFields): void => void heard.push([name, fields]);
  const { probe = WILLING, ...options } = more;
  const isSound = (): Promise<boolean> => Promise.resolve(true);
  const tables = await openTables({ stateDir: folder, isSound, probeOf: () => probe, clock, notices });
  const journal = new Journal({
    settings: { ...SETTINGS, ...settings },
    tables,
    newId: idsOn(clock),
    writers: 1,
    hasRoom: () => true,
    damaged: () => undefined,
    clock,
    notices,
    ...options,
  });
  t.after(() => journal.close());
  return { journal, clock, folder, heard };
}

/** A row; what is not given is plain. */
export function row(id: string, more: Partial<HistoryRow> = {}): HistoryRow {
  return {
    id,
    session: 's-1',
    part: 1,
    at: START,
    listener: 'smtp',
    client: '192.0.2.7',
    clientName: '',
    helo: 'c.test',
    tls: '',
    user: '',
    from: 'a@out.test',
    to: ['b@in.test'],
    recipients: 1,
    subject: 'hello',
    size: 100,
    outcome: 'accepted',
    reply: '250 2.0.0 Ok',
    by: '',
    filters: [],
    ms: 3.25,
    acceptMs: 1.5,
    filterMs: 0,
    changed: false,
    delivery: [],
    ...more,
  };
}
