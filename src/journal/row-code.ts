/**
 * Rows as they lie in the store: a JSON list without names, short and quick to write. What cannot be read is null, never an error.
 *
 * Delivery lines name their recipient by its place in `to` where it is there. A message that is queued and of which nothing else
 * is known yet has no lines: they follow from its recipients.
 */
import {
  OUTCOMES,
  type DeliveryLine,
  type DeliveryState,
  type FilterAnswer,
  type HistoryRow,
} from './row.ts';

const VERSION = 1;

const STATES: readonly DeliveryState[] = [
  'queued',
  'held',
  'delivered',
  'deferred',
  'failed',
  'expired',
  'released',
  'deleted',
  'bounced',
  'redirected',
];

type FilterTuple = [name: string, verdict: string, ms: number, edits: readonly string[], error: string];
type DeliveryTuple = [
  recipient: number | string,
  state: number,
  at: number,
  reply: string,
  hop: string,
  attempts: number,
];

/** A row as text; its id is the key it is stored under. */
export function encodeRow(row: HistoryRow): string {
  return JSON.stringify([
    VERSION,
    row.session,
    row.part,
    row.at,
    row.listener,
    row.client,
    row.clientName,
    row.helo,
    row.tls,
    row.user,
    row.from,
    row.to,
    row.recipients,
    row.subject,
    row.size,
    OUTCOMES.indexOf(row.outcome),
    row.reply,
    row.by,
    row.filters.map((f): FilterTuple => [f.name, f.verdict, brief(f.ms), f.edits, f.error]),
    brief(row.ms),
    brief(row.acceptMs),
    brief(row.filterMs),
    row.changed ? 1 : 0,
    tuplesOf(row.delivery, row.to),
  ]);
}

/** The row of a text. */
export function decodeRow(id: string, text: string): HistoryRow | null {
  const v = listOf(text);
  if (v === null || v.length < 24 || v[0] !== VERSION) return null;
  const outcome = OUTCOMES[v[15] as number] ?? 'aborted';
  const to = v[11] as readonly string[];
  return {
    id,
    session: v[1] as string,
    part: v[2] as number,
    at: v[3] as number,
    listener: v[4] as string,
    client: v[5] as string,
    clientName: v[6] as string,
    helo: v[7] as string,
    tls: v[8] as string,
    user: v[9] as string,
    from: v[10] as string,
    to,
    recipients: v[12] as number,
    subject: v[13] as string,
    size: v[14] as number,
    outcome,
    reply: v[16] as string,
    by: v[17] as string,
    filters: (v[18] as readonly FilterTuple[]).map(answerOf),
    ms: v[19] as number,
    acceptMs: v[20] as number,
    filterMs: v[21] as number,
    changed: v[22] === 1,
    delivery: linesOf(v[23] as readonly DeliveryTuple[], to),
  };
}

/** The delivery lines that a row has before anything is known of its way out. */
export function firstLines({ outcome, to, at, ms }: HistoryRow): readonly DeliveryLine[] {
  if (outcome !== 'accepted' && outcome !== 'held') return [];
  const state = outcome === 'held' ? 'held' : 'queued';
  return to.map((recipient) => ({
    recipient,
    state,
    at: Math.round(at + ms),
    reply: '',
    hop: '',
    attempts: 0,
  }));
}

/** Delivery lines on their own: what came after the row was written. `goesOnAs` elsewhere: they belong to that row. */
export function encodeDelivery(lines: readonly DeliveryLine[]): string {
  return JSON.stringify(tuplesOf(lines, []));
}

export function decodeDelivery(text: string): readonly DeliveryLine[] {
  return linesOf((listOf(text) ?? []) as readonly DeliveryTuple[], []);
}

/** Later lines in place of earlier ones about the same recipient. A line for '' is about everybody who still waits. */
export function mergeLines(
  lines: readonly DeliveryLine[],
  later: readonly DeliveryLine[],
): readonly DeliveryLine[] {
  const merged = [...lines];
  for (const line of later) {
    if (line.recipient === '') {
      merged.forEach((old, i) => {
        if (isWaiting(old)) merged[i] = { ...line, recipient: old.recipient, attempts: old.attempts };
      });
      continue;
    }
    const at = merged.findIndex((old) => old.recipient === line.recipient);
    if (at >= 0) merged[at] = line;
    else if (merged.length < MAX_LINES) merged.push(line);
  }
  return merged;
}

/** Lines of one row. */
const MAX_LINES = 40;

const isWaiting = ({ state }: DeliveryLine): boolean =>
  state === 'queued' || state === 'held' || state === 'deferred' || state === 'released';

const brief = (ms: number): number => Math.round(ms * 100) / 100;

const answerOf = ([name, verdict, ms, edits, error]: FilterTuple): FilterAnswer => ({
  name,
  verdict,
  ms,
  edits,
  error,
});

function tuplesOf(lines: readonly DeliveryLine[], to: readonly string[]): readonly DeliveryTuple[] {
  return lines.map((l) => {
    const at = to.indexOf(l.recipient);
    return [at < 0 ? l.recipient : at, STATES.indexOf(l.state), Math.round(l.at), l.reply, l.hop, l.attempts];
  });
}

function linesOf(tuples: readonly DeliveryTuple[], to: readonly string[]): readonly DeliveryLine[] {
  return tuples.map(([recipient, state, at, reply, hop, attempts]) => ({
    recipient: typeof recipient === 'number' ? (to[recipient] ?? '') : recipient,
    state: STATES[state] ?? 'queued',
    at,
    reply,
    hop,
    attempts,
  }));
}

function listOf(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
