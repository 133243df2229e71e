/**
 * The history read: one row by its id, or page by page under conditions, newest first. Never rejects for a row that cannot be read.
 *
 * A free search looks at every row there is, a few milliseconds at a time; MAX_LOOKED_AT bounds one page of it.
 */
import { clientTest, patternOf, wordsOf, type Test } from './match.ts';
import type { HistoryPage, HistoryQuery, HistoryWhere } from './reader.ts';
import { decodeDelivery, decodeRow, mergeLines, type StoredRow } from './row-code.ts';
import type { HistoryRow } from './row.ts';
import { stampOf } from './stamp.ts';
import { keyOf, type Tables } from './tables.ts';
import { walk } from './walk.ts';

/** Rows that are looked at for one page; `next` goes on behind them. */
export const MAX_LOOKED_AT = 100_000;
/** Rows of a page. */
export const MAX_PAGE = 1000;

/** The row of a message; null: there is none, or it is not one of those that are meant. */
export function rowOf(tables: Tables, id: string, where: HistoryWhere): HistoryRow | null {
  const value = tables.rows.get(keyOf(id));
  const stored = value === undefined ? null : whole(tables, decodeRow(id, value.toString('utf8')));
  return stored && rowTest(where)(stored.row, stored.everybody) ? stored.row : null;
}

/** A page. */
export async function historyPage(tables: Tables, query: HistoryQuery): Promise<HistoryPage> {
  const { where, before, after } = query;
  const limit = Math.min(query.limit, MAX_PAGE);
  const meant = meaning(where);
  const tail = after !== undefined;
  const low = where.since === undefined ? '' : stampOf(where.since);
  const high = where.until === undefined ? '' : stampOf(where.until + 1);
  const from = tail ? later(after, low) : earlier(before ?? '', high);
  const rows: HistoryRow[] = [];
  let looked = 0;
  let last = '';
  for await (const [id, value] of walk(tables, tables.rows, {
    from,
    to: tail ? high : low,
    reverse: !tail,
  })) {
    if (rows.length === limit || looked === MAX_LOOKED_AT) return { rows, next: last, looked };
    looked++;
    last = id;
    const row = matched(tables, id, value.toString('utf8'), meant);
    if (row !== null) rows.push(row);
  }
  return { rows, next: null, looked };
}

/** The same conditions asked of a row at hand, and of everybody it goes to. */
export function rowTest(where: HistoryWhere): (row: HistoryRow, everybody?: readonly string[]) => boolean {
  const { words, tests } = meaning(where);
  const { since = 0, until = Infinity } = where;
  return (row, everybody = row.to) =>
    row.at >= since &&
    row.at <= until &&
    tests.every((test) => test(row, everybody)) &&
    (words.length === 0 || saysAll(row, everybody, words));
}

/** Whether a row is meant. */
type RowTest = (row: HistoryRow, everybody: readonly string[]) => boolean;

const later = (a: string, b: string): string => (a > b ? a : b);
const earlier = (a: string, b: string): string => (a === '' || (b !== '' && b < a) ? b : a);

/** Conditions made ready. */
interface Meaning {
  /** As they stand in the text of a row: quickly found not to be there. */
  readonly words: readonly string[];
  readonly inText: readonly string[];
  readonly tests: readonly RowTest[];
}

function matched(
  tables: Tables,
  id: string,
  text: string,
  { words, inText, tests }: Meaning,
): HistoryRow | null {
  if (inText.length > 0) {
    const lower = text.toLowerCase();
    const late = tables.delivery.get(keyOf(id))?.toString().toLowerCase() ?? '';
    if (!inText.every((word) => lower.includes(word) || late.includes(word) || id.includes(word)))
      return null;
  }
  const stored = whole(tables, decodeRow(id, text));
  if (stored === null) return null;
  const { row, everybody } = stored;
  if (!tests.every((test) => test(row, everybody))) return null;
  return words.length === 0 || saysAll(row, everybody, words) ? row : null;
}

function whole(tables: Tables, stored: StoredRow | null): StoredRow | null {
  if (stored === null) return null;
  const { row, everybody } = stored;
  const late = tables.delivery.get(keyOf(row.id))?.toString('utf8');
  if (!late?.startsWith('[')) return stored;
  return { row: { ...row, delivery: mergeLines(row.delivery, decodeDelivery(late)) }, everybody };
}

function meaning(where: HistoryWhere): Meaning {
  const tests: RowTest[] = [];
  const text = (
    wanted: string | undefined,
    of: (row: HistoryRow, test: Test, everybody: readonly string[]) => boolean,
  ): void => {
    if (wanted === undefined) return;
    const test = patternOf(wanted);
    tests.push((row, everybody) => of(row, test, everybody));
  };
  text(where.from, (row, test) => test(row.from));
  text(
    where.rcpt,
    (row, test, everybody) => everybody.some(test) || row.delivery.some((d) => test(d.recipient)),
  );
  text(where.listener, (row, test) => test(row.listener));
  text(where.user, (row, test) => test(row.user));
  text(where.subject, (row, test) => test(row.subject));
  text(where.id, (row, test) => test(row.id));
  text(where.session, (row, test) => test(row.session));
  text(where.outcome, (row, test) => test(row.outcome));
  text(where.state, (row, test) => row.delivery.some((d) => test(d.state)));
  if (where.client !== undefined) {
    const test = clientTest(where.client);
    tests.push((row) => test(row.client));
  }
  if (where.milter !== undefined || where.verdict !== undefined) {
    const name = patternOf(where.milter ?? '*');
    const verdict = patternOf(where.verdict ?? '*');
    tests.push((row) => row.filters.some((f) => name(f.name) && verdict(f.verdict)));
  }
  const { slower } = where;
  if (slower !== undefined) tests.push((row) => row.ms >= slower);
  const words = wordsOf(where.q ?? '');
  return { words, inText: words.map((word) => JSON.stringify(word).slice(1, -1)), tests };
}

/** Every word is somewhere in what the row says. */
function saysAll(row: HistoryRow, everybody: readonly string[], words: readonly string[]): boolean {
  const { id, session, listener, client, clientName, helo, user, from, subject, outcome, reply, by } = row;
  const said = [
    id,
    session,
    listener,
    client,
    clientName,
    helo,
    user,
    from,
    ...everybody,
    subject,
    outcome,
    reply,
    by,
  ];
  for (const f of row.filters) said.push(f.name, f.verdict, f.error, ...f.edits);
  for (const d of row.delivery) said.push(d.recipient, d.state, d.reply, d.hop);
  const all = said.join('\n').toLowerCase();
  return words.every((word) => all.includes(word));
}
