/** Conversations read: lines page by page, newest first, and the packets of one session. What cannot be read is left out. */
import type { ConversationLine, PacketRow } from './conversation.ts';
import { decodeDirectory, mentions, type PartLine, type PlacedLine } from './line-code.ts';
import { clientTest, patternOf, type Test } from './match.ts';
import type { ConversationPage, ConversationQuery, ConversationWhere } from './reader.ts';
import { showPieces, type Piece } from './show.ts';
import { sessionTime, stampOf } from './stamp.ts';
import { keyOf, type Table, type Tables } from './tables.ts';
import { walk } from './walk.ts';

/** Lines of a page, and lines that are looked at for one. */
export const MAX_LINES = 1000;
const MAX_LOOKED_AT = 100_000;
/** Stands for the parts that are open: before everything that is written. */
const OPEN = 'open';

/** What is still open in this process. */
export interface OpenPart {
  readonly line: PartLine;
  readonly recording: Uint8Array;
}

/** A page of lines. `open`: the newest first. */
export async function conversationPage(
  tables: Tables,
  query: ConversationQuery,
  open: readonly PartLine[],
  isPinned: (session: string) => boolean,
): Promise<ConversationPage> {
  const limit = Math.min(query.limit, MAX_LINES);
  const most = Math.min(query.look ?? Infinity, MAX_LOOKED_AT);
  const test = meaning(query.where, isPinned);
  const lines: ConversationLine[] = [];
  let looked = 0;
  const shown = (line: PartLine, cursor: string): ConversationLine =>
    lineOf(line, cursor, cursor === OPEN, isPinned);
  const { before = '' } = query;
  if (before === '' || before === OPEN)
    for (const line of open)
      if (lines.length < limit && !line.more && test(line, true)) lines.push(shown(line, OPEN));
  if (query.where.open === true) return { lines, next: null, looked: open.length };
  const [key = '', at = ''] = before === OPEN ? [] : before.split('.');
  let cursor = OPEN;
  // Nothing of a session was written before it began.
  const { session } = query.where;
  const to = session === undefined || session.includes('*') ? '' : stampOf(sessionTime(session));
  for (const table of [tables.lines, tables.keptLines])
    // One beyond the key, so that the rest of its own directory is seen.
    for await (const [found, value] of walk(tables, table, {
      from: key === '' ? '' : `${key}~`,
      to,
      reverse: true,
    })) {
      const parts = decodeDirectory(value);
      for (let i = found === key ? Number(at) - 1 : parts.length - 1; i >= 0; i--) {
        if (lines.length >= limit || looked >= most) return { lines, next: cursor, looked };
        looked++;
        cursor = `${found}.${i}`;
        const line = parts[i]!;
        if (!line.more && test(line, false)) lines.push(shown(line, cursor));
      }
    }
  return { lines, next: null, looked };
}

/** The packets of a session, in order; null: nothing is kept of it. */
export async function packetsOf(
  tables: Tables,
  session: string,
  part: number | undefined,
  open: OpenPart | null,
): Promise<readonly PacketRow[] | null> {
  const pieces: Piece[] = [];
  for (const [lines, packets] of bothOf(tables)) {
    const from = stampOf(sessionTime(session));
    for await (const [key, value] of walk(tables, lines, { from, to: '', reverse: false })) {
      if (!mentions(value, session)) continue;
      const wanted = decodeDirectory(value).filter(
        (l) => l.session === session && (part === undefined || l.part === part),
      );
      if (wanted.length === 0) continue;
      const block = packets.get(keyOf(key));
      if (block) for (const line of wanted) pieces.push({ line, recording: cutOut(block, line) });
    }
  }
  if (open !== null && open.line.packets > 0 && (part === undefined || open.line.part === part))
    pieces.push(open);
  if (pieces.length === 0) return null;
  pieces.sort((a, b) => a.line.part - b.line.part || a.line.begin - b.line.begin);
  return showPieces(pieces);
}

/** Whether anything is kept of a session. */
export async function knowsSession(tables: Tables, session: string): Promise<boolean> {
  for (const [lines] of bothOf(tables))
    for await (const [, value] of walk(tables, lines, {
      from: stampOf(sessionTime(session)),
      to: '',
      reverse: false,
    }))
      if (mentions(value, session)) return true;
  return false;
}

/** Kept segments come first: they are the older ones. */
function bothOf(tables: Tables): readonly (readonly [lines: Table, packets: Table])[] {
  return [
    [tables.keptLines, tables.keptPackets],
    [tables.lines, tables.packets],
  ];
}

const cutOut = (block: Buffer, { offset, length }: PlacedLine): Uint8Array =>
  block.subarray(offset, offset + length);

function lineOf(
  line: PartLine,
  cursor: string,
  open: boolean,
  isPinned: (session: string) => boolean,
): ConversationLine {
  const { session, part, id, at, client, listener, from, to, packets, bytes, ms, outcome } = line;
  const { milters, slowest, errors, dropped } = line;
  return {
    cursor,
    session,
    part,
    id,
    at,
    client,
    listener,
    from,
    rcpt: to[0] ?? '',
    open,
    packets,
    bytes,
    ms,
    outcome,
    milters,
    slowest,
    errors,
    dropped,
    pinned: isPinned(session),
  };
}

function meaning(
  where: ConversationWhere,
  isPinned: (session: string) => boolean,
): (line: PartLine, open: boolean) => boolean {
  const tests: ((line: PartLine, open: boolean) => boolean)[] = [];
  const text = (wanted: string | undefined, of: (line: PartLine, test: Test) => boolean): void => {
    if (wanted === undefined) return;
    const test = patternOf(wanted);
    tests.push((line) => of(line, test));
  };
  text(where.listener, (line, test) => test(line.listener));
  text(where.milter, (line, test) => line.milters.some(test));
  text(where.from, (line, test) => test(line.from));
  text(where.rcpt, (line, test) => line.to.some(test));
  text(where.session, (line, test) => test(line.session));
  text(where.id, (line, test) => test(line.id));
  text(where.outcome, (line, test) => test(line.outcome));
  if (where.client !== undefined) {
    const test = clientTest(where.client);
    tests.push((line) => test(line.client));
  }
  const { errors, open, pinned, since = 0, until = Infinity, slower = 0 } = where;
  if (errors !== undefined) tests.push((line) => line.errors > 0 === errors);
  if (open !== undefined) tests.push((_, isOpen) => isOpen === open);
  if (pinned !== undefined) tests.push((line) => isPinned(line.session) === pinned);
  tests.push((line) => line.at >= since && line.at <= until && line.ms >= slower);
  return (line, isOpen) => tests.every((test) => test(line, isOpen));
}
