/**
 * The history read: one row by its id, or page by page under conditions, newest first. Never rejects for a row that cannot be read.
 *
 * A free search looks at every row there is, a few milliseconds at a time; MAX_LOOKED_AT bounds one page of it.
 */
import { clientTest, patternOf, wordsOf, type Test } from './match.ts';
import type { HistoryPage, HistoryQuery, HistoryWhere } from './reader.ts';
import { decodeDelivery, decodeRow, mergeLines } from './row-code.ts';
import type { HistoryRow } from './row.ts';
import { stampOf } from './stamp.ts';
import { keyOf, type Tables } from './tables.ts';
import { walk } from './walk.ts';

/** Rows that are looked at for one page; `next` goes on behind them. */
export const MAX_LOOKED_AT = 100_000;
/** Rows of a page. */
export const MAX_PAGE = 1000;

/** The row of a message; null: there is none. */
export function rowOf(tables: Tables, id: string): HistoryRow | null {
  const value = tables.rows.get(keyOf(id));
  return value === undefined ? null : whole(tables, decodeRow(id, value.toString('utf8')));
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

/** The same conditions asked of a row at hand. */
export function rowTest(where: HistoryWhere): (row: HistoryRow) => boolean {
  const { words, tests } = meaning(where);
  const { since = 0, until = Infinity } = where;
  return (row) =>
    row.at >= since &&
    row.at <= until &&
    tests.every((test) => test(row)) &&
    (words.length === 0 || saysAll(row, words));
}

const later = (a: string, b: string): string => (a > b ? a : b);
const earlier = (a: string, b: string): string => (a === '' || (b !== '' && b < a) ? b : a);

/** Conditions made ready. */
interface Meaning {
  /** As they stand in the text of a row: quickly found not to be there. */
  readonly words: readonly string[];
  readonly inText: readonly string[];
  readonly tests: readonly ((row: HistoryRow) => boolean)[];
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
  const row = whole(tables, decodeRow(id, text));
  if (row === null || !tests.every((test) => test(row))) return null;
  return words.length === 0 || saysAll(row, words) ? row : null;
}

function whole(tables: Tables, row: HistoryRow | null): HistoryRow | null {
  if (row === null) return null;
  const late = tables.delivery.get(keyOf(row.id))?.toString('utf8');
  return late?.startsWith('[') ? { ...row, delivery: mergeLines(row.delivery, decodeDelivery(late)) } : row;
}

function meaning(where: HistoryWhere): Meaning {
  const tests: ((row: HistoryRow) => boolean)[] = [];
  const text = (wanted: string | undefined, of: (row: HistoryRow, test: Test) => boolean): void => {
    if (wanted === undefined) return;
    const test = patternOf(wanted);
    tests.push((row) => of(row, test));
  };
  text(where.from, (row, test) => test(row.from));
  text(where.rcpt, (row, test) => row.to.some(test) || row.delivery.some((d) => test(d.recipient)));
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
function saysAll(row: HistoryRow, words: readonly string[]): boolean {
  const { id, session, listener, client, clientName, helo, user, from, to, subject, outcome, reply, by } =
    row;
  const said = [
    id,
    session,
    listener,
    client,
    clientName,
    helo,
    user,
    from,
    ...to,
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
