/** Opens the journal of a configuration. Never rejects: a journal that cannot be had is none, and mail goes on. */
import type { Clock } from '#clock';
import type { Config, JournalConfig } from '#gateway/config';
import { Journal, markDamaged, openTables, type JournalSettings } from '#journal';
import type { NoticeSink } from '#notices';
import { Probe, shapeOf, type SpoolStore } from '#spool';

/** Bytes that must be free for the journal to write: what is left is for mail. */
const ROOM = 32 * 1024 * 1024;

/** What it is opened with. */
export interface JournalRoom {
  readonly spool: SpoolStore;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** The journal; null: the configuration wants none. */
export async function openJournal(config: Config, room: JournalRoom): Promise<Journal | null> {
  if (config.journal === null) return null;
  const { stateDir, workers } = config;
  const { spool, newId, clock, notices } = room;
  const isSound = async (file: string): Promise<boolean> => (await shapeOf(file)).kind === 'sound';
  return new Journal({
    settings: journalOf(config.journal),
    tables: await openTables({
      stateDir,
      isSound,
      probeOf: (file) => new Probe(file, clock),
      clock,
      notices,
    }),
    newId,
    writers: workers,
    hasRoom: () => (spool.freeBytes() ?? Infinity) > ROOM,
    damaged: () => void markDamaged(stateDir),
    clock,
    notices,
  });
}

/** What the journal is told of a configuration. */
export function journalOf({ rows, age, conversations, changes, policy }: JournalConfig): JournalSettings {
  return { rows, age, conversations, changes, policy };
}
