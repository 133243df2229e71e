/**
 * `journal`: what is kept of what happened, how much of it, and for how long. `journal: false` keeps nothing.
 *
 * On by itself where the spool is on disk; with a spool in memory nothing of the gateway's outlives it, unless it is asked for.
 */
import { z } from 'zod';
import { parseNetwork } from './address.ts';
import { BOUNDS } from './defaults.ts';
import type { Mapping } from './document.ts';
import { duration, flag, group, integer, list, oneOf, size, text } from './leaves.ts';
import { Problem } from './diagnostics.ts';
import type { Seen } from './seen.ts';

const MIB = 1_048_576;

/** What is kept where nothing is said. Times in milliseconds, sizes in bytes. */
export const JOURNAL_DEFAULTS = {
  rows: 100_000,
  age: 30 * 86_400_000,
  conversations: 64 * MIB,
  body: 65_536,
  changes: 64 * MIB,
} as const;

/** The least and the most of it. */
const ROWS = { least: 100, most: 10_000_000 };
const RING = { least: 4 * MIB, most: 64 * 1024 * MIB };
const BODY = MIB;

/** Which conversations are kept; the words of the journal's policy. */
export interface CaptureConfig {
  readonly mode: 'all' | 'matching' | 'off';
  readonly client?: readonly string[];
  readonly sender?: string;
  readonly recipient?: string;
  readonly milter?: string;
  readonly errorsOnly?: boolean;
  readonly slowerThan?: number;
  readonly body: number;
}

/** The journal. */
export interface JournalConfig {
  readonly rows: number;
  readonly age: number;
  /** Bytes of the ring of conversations, and what is kept in it. */
  readonly conversations: number;
  readonly policy: CaptureConfig;
  /** Bytes of the ring of changed messages. */
  readonly changes: number;
}

const network = text((written) => {
  const read = parseNetwork(written);
  return read instanceof Problem ? read : written;
});

const settings = group({
  enabled: flag.optional(),
  history: group({
    rows: integer(ROWS.least, ROWS.most).optional(),
    age: duration(60_000, BOUNDS.duration).optional(),
  }).optional(),
  conversations: group({
    size: size(RING.least, RING.most).optional(),
    body: size(0, BODY).optional(),
    mode: oneOf('all', 'matching', 'off').optional(),
    client: list(network, { single: true, least: 1 }).optional(),
    sender: text().optional(),
    recipient: text().optional(),
    milter: text().optional(),
    errorsOnly: flag.optional(),
    slowerThan: duration(0, BOUNDS.duration).optional(),
  }).optional(),
  changes: group({ size: size(RING.least, RING.most).optional() }).optional(),
});

/** `false` stands for `{ enabled: false }`, `true` for `{ enabled: true }`. */
export const journalSettings = z.preprocess(
  (value) =>
    value === false || value === true
      ? (Object.assign(Object.create(null), { enabled: value }) as Mapping)
      : value,
  settings,
);

/** The journal as the gateway opens it; null when there is none. */
export function resolveJournal(
  written: Seen<z.output<typeof settings>> | undefined,
  spoolInMemory: boolean,
): JournalConfig | null {
  if (!(written?.enabled ?? (!spoolInMemory || written !== undefined))) return null;
  const { history = {}, conversations = {}, changes = {} } = written ?? {};
  const { client, sender, recipient, milter, errorsOnly, slowerThan } = conversations;
  const clients = client?.flatMap((one) => (one === undefined ? [] : [one]));
  const conditions = {
    ...(clients !== undefined && { client: clients }),
    ...(sender !== undefined && { sender }),
    ...(recipient !== undefined && { recipient }),
    ...(milter !== undefined && { milter }),
    ...(errorsOnly === true && { errorsOnly }),
    ...(slowerThan !== undefined && { slowerThan }),
  };
  // Who writes conditions wants what matches.
  const mode = conversations.mode ?? (Object.keys(conditions).length > 0 ? 'matching' : 'all');
  return {
    rows: history.rows ?? JOURNAL_DEFAULTS.rows,
    age: history.age ?? JOURNAL_DEFAULTS.age,
    conversations: conversations.size ?? JOURNAL_DEFAULTS.conversations,
    policy: { mode, ...conditions, body: conversations.body ?? JOURNAL_DEFAULTS.body },
    changes: changes.size ?? JOURNAL_DEFAULTS.changes,
  };
}
