/**
 * Rows as they lie in the store: a JSON list without names, short and quick to write. What cannot be read is null, never an error.
 *
 * A row is made text as soon as it is known, for text is all that has to be kept then: objects that wait cost more than making
 * them. Its delivery lines are the end of the list, and are put behind it when it is written. Durations are whole hundredths of
 * a millisecond.
 */
import {
  MAX_NAMED,
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
  recipient: string,
  state: number,
  at: number,
  reply: string,
  hop: string,
  attempts: number,
];

/** A row as text but for its delivery lines; its id is the key it is stored under. */
export function encodeRow(row: HistoryRow): string {
  const text = JSON.stringify([
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
    row.filters.length === 0 ? row.filters : row.filters.map(tupleOfAnswer),
    hundredths(row.ms),
    hundredths(row.acceptMs),
    hundredths(row.filterMs),
    row.changed ? 1 : 0,
  ]);
  return text.slice(0, -1);
}

/** The whole of it. `lines`: texts of encodeLine, separated by commas. */
export function rowText(row: string, lines: string): string {
  return `${row},[${lines}]]`;
}

/** A delivery line as text. */
export function encodeLine({ recipient, state, at, reply, hop, attempts }: DeliveryLine): string {
  const tuple: DeliveryTuple = [recipient, STATES.indexOf(state), Math.round(at), reply, hop, attempts];
  return JSON.stringify(tuple);
}

/** A row, and everybody it goes to as far as they are known: those it names and those a search finds. */
export interface StoredRow {
  readonly row: HistoryRow;
  readonly everybody: readonly string[];
}

/** The row of a text. */
export function decodeRow(id: string, text: string): StoredRow | null {
  const v = listOf(text);
  if (v === null || v.length < 24 || v[0] !== VERSION) return null;
  const outcome = OUTCOMES[v[15] as number] ?? 'aborted';
  const everybody = v[11] as readonly string[];
  const row: HistoryRow = {
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
    to: everybody.length > MAX_NAMED ? everybody.slice(0, MAX_NAMED) : everybody,
    recipients: v[12] as number,
    subject: v[13] as string,
    size: v[14] as number,
    outcome,
    reply: v[16] as string,
    by: v[17] as string,
    filters: (v[18] as readonly FilterTuple[]).map(answerOf),
    ms: (v[19] as number) / 100,
    acceptMs: (v[20] as number) / 100,
    filterMs: (v[21] as number) / 100,
    changed: v[22] === 1,
    delivery: [],
  };
  const delivery = mergeLines(firstLines(row), linesOf(v[23] as readonly DeliveryTuple[]));
  return { row: { ...row, delivery }, everybody };
}

/** The delivery lines that a row has before anything is known of its way out. */
function firstLines({ outcome, to, at, ms }: HistoryRow): readonly DeliveryLine[] {
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

/** Delivery lines on their own: what came after the row was written. `known`: what is there already. */
export function addLines(known: string, lines: string): string {
  const all = known.length > 2 ? `${known.slice(0, -1)},${lines}]` : `[${lines}]`;
  return all.length > LONG ? JSON.stringify(decodeDelivery(all).slice(-MAX_LINES).map(tupleOfLine)) : all;
}

/** Characters of such lines, beyond which earlier ones that say nothing any more are left out. */
const LONG = 8000;

/** The lines of such a text; of each recipient the last, but those about everybody. */
export function decodeDelivery(text: string): readonly DeliveryLine[] {
  const lines = linesOf((listOf(text) ?? []) as readonly DeliveryTuple[]);
  return lines.filter(
    (l, i) => l.recipient === '' || !lines.some((m, k) => k > i && m.recipient === l.recipient),
  );
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

const hundredths = (ms: number): number => Math.round(ms * 100);

const tupleOfAnswer = (f: FilterAnswer): FilterTuple => [
  f.name,
  f.verdict,
  hundredths(f.ms),
  f.edits,
  f.error,
];

const answerOf = ([name, verdict, ms, edits, error]: FilterTuple): FilterAnswer => ({
  name,
  verdict,
  ms: ms / 100,
  edits,
  error,
});

const tupleOfLine = (l: DeliveryLine): DeliveryTuple => [
  l.recipient,
  STATES.indexOf(l.state),
  l.at,
  l.reply,
  l.hop,
  l.attempts,
];

function linesOf(tuples: readonly DeliveryTuple[]): readonly DeliveryLine[] {
  return tuples.map(([recipient, state, at, reply, hop, attempts]) => ({
    recipient,
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
