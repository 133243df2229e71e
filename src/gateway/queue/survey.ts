/** The queue at a glance: how much there is, and how old it is by domain, as `qshape` shows it. Reads the whole queue, page by page. */
import type { Clock } from '#clock';
import { asciiLower, domainOf, utf8Of } from '#message';
import type { EntryMeta } from '#spool';
import { matching, type Listed } from './many.ts';
import type { Where } from './where.ts';

/** Ages in minutes up to which an entry counts for a column; one more column is for older ones. */
export const AGES = [5, 10, 20, 40, 80, 160, 320, 640, 1280] as const;

/** Domains that are counted apart; what comes beyond them counts in the total alone. */
export const MAX_DOMAINS = 10_000;

/** One line of the table. */
export interface ShapeRow {
  readonly domain: string;
  readonly total: number;
  /** By AGES, then older. */
  readonly counts: readonly number[];
}

/** The table: its total, then domains by number. */
export interface Shape {
  readonly by: 'rcpt_domain' | 'sender_domain';
  readonly ages: readonly number[];
  readonly rows: readonly ShapeRow[];
}

/** Counts waiting recipients by their domain, or messages by that of their sender. */
export async function shapeOf(
  store: Listed,
  where: Where,
  by: Shape['by'],
  clock: Pick<Clock, 'now'>,
): Promise<Shape> {
  const total = AGES.map(() => 0).concat(0);
  const domains = new Map<string, number[]>();
  for await (const page of matching(store, where, clock))
    for (const entry of page) {
      const minutes = (clock.now() - entry.receivedAt) / 60_000;
      const found = AGES.findIndex((age) => minutes <= age);
      const column = found < 0 ? AGES.length : found;
      for (const domain of domainsOf(entry, by)) {
        total[column]!++;
        let counts = domains.get(domain);
        if (!counts && domains.size < MAX_DOMAINS) domains.set(domain, (counts = total.map(() => 0)));
        if (counts) counts[column]!++;
      }
    }
  const rows = [...domains].map(([domain, counts]) => rowOf(domain, counts));
  rows.sort((a, b) => b.total - a.total || (a.domain < b.domain ? -1 : 1));
  return { by, ages: AGES, rows: [rowOf('TOTAL', total), ...rows] };
}

function rowOf(domain: string, counts: readonly number[]): ShapeRow {
  return { domain, total: counts.reduce((sum, n) => sum + n, 0), counts };
}

function domainsOf(entry: EntryMeta, by: Shape['by']): readonly string[] {
  if (by === 'sender_domain') return [asciiLower(domainOf(utf8Of(entry.sender)))];
  return entry.recipients
    .filter((r) => r.state === 'pending')
    .map((r) => asciiLower(domainOf(utf8Of(r.address))));
}

/** Numbers about the queue. Sizes in bytes, times ISO 8601 in UTC; null where there is nothing. */
export interface Stats {
  readonly messages: number;
  readonly queued: number;
  readonly leased: number;
  readonly held: number;
  /** Queued ones that were tried before. */
  readonly deferred: number;
  /** Recipients that still wait, held ones included. */
  readonly recipients: number;
  readonly bytes: number;
  readonly oldest: string | null;
  readonly nextAttempt: string | null;
}

/** Counts everything. */
export async function statsOf(store: Listed, where: Where, clock: Pick<Clock, 'now'>): Promise<Stats> {
  const states = { queued: 0, leased: 0, held: 0 };
  let [deferred, recipients, bytes, oldest, next] = [0, 0, 0, Infinity, Infinity];
  for await (const page of matching(store, where, clock))
    for (const entry of page) {
      states[entry.state]++;
      if (entry.state === 'queued') {
        if (entry.attempts > 0) deferred++;
        next = Math.min(next, entry.due);
      }
      for (const r of entry.recipients) if (r.state === 'pending') recipients++;
      bytes += entry.size;
      oldest = Math.min(oldest, entry.receivedAt);
    }
  const messages = states.queued + states.leased + states.held;
  const time = (ms: number): string | null => (ms === Infinity ? null : new Date(ms).toISOString());
  return { messages, ...states, deferred, recipients, bytes, oldest: time(oldest), nextAttempt: time(next) };
}
