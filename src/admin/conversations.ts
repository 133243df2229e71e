/**
 * Conversations as a resource of the HTTP API: parts by condition, packets, pins, and copies to take away.
 *
 * Lines and packets are for viewers, but without the bytes of content; those, pins and exports are for operators.
 */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Office } from '#gateway';
import type { ConversationLine, ConversationWhere, JournalReader, PacketRow } from '#journal';
import { mayAct, needs } from './access/needs.ts';
import { json, PROBLEM } from './answers.ts';
import { download } from './download.ts';
import * as contract from './contract-conversations.ts';
import { exportOf, type Conversation } from './export/index.ts';
import { isContent } from './export/pcapng.ts';
import { JOURNAL_OFF } from './history.ts';
import { problem } from './problem.ts';

type LinesPage = z.output<typeof contract.linesPage>;
type Shown = z.output<typeof contract.conversationSchema>;
type Packets = z.output<typeof contract.packetsSchema>;
type Words = Omit<z.output<typeof contract.conversationQuery>, 'before' | 'limit'>;

/** Parts of one conversation that are given out, and characters of packets in one copy of it. */
const MAX_PARTS = 500;
const MAX_COPY = 33_554_432;
const ABSENT = 'nothing is kept of such a conversation';

/** Conditions as the journal takes them. */
export function conversationWhere({ since, until, ...words }: Words, now: number): ConversationWhere {
  const given = Object.entries(words).filter(([, value]) => value !== undefined);
  const times = { ...(since && { since: since(now) }), ...(until && { until: until(now) }) };
  return { ...(Object.fromEntries(given) as ConversationWhere), ...times };
}

/** The parts of a conversation in order; none when nothing is kept. */
export async function partsOf(journal: JournalReader, session: string): Promise<readonly ConversationLine[]> {
  const { lines } = await journal.conversations({ where: { session }, limit: MAX_PARTS });
  return lines.filter((line) => line.session === session).toSorted((a, b) => a.part - b.part);
}

/** A packet as a viewer may see it. */
export const withoutContent = (row: PacketRow): PacketRow =>
  isContent(row) ? { ...row, data: '', fields: [] } : row;

/** Adds the resource below /api/v1/conversations. */
export function addConversations(app: OpenAPIHono, office: Office): void {
  const { journal, desk } = office;
  const list = createRoute({
    method: 'get',
    path: '/api/v1/conversations',
    summary: 'Parts of conversations, newest first',
    middleware: [needs('viewer')] as const,
    request: { query: contract.conversationQuery },
    responses: { 200: json(contract.linesPage, 'A page'), 400: PROBLEM, 404: PROBLEM },
  });
  app.openapi(list, async (c) => {
    if (!journal) return problem(c, 404, JOURNAL_OFF);
    const { before, limit, ...words } = c.req.valid('query');
    const where = conversationWhere(words, desk.clock.now());
    const page = await journal.conversations({ where, limit, ...(before !== undefined && { before }) });
    return c.json(page as LinesPage, 200);
  });
  addOne(app, journal);
  addPin(app, journal);
  addExport(app, journal);
}

function addOne(app: OpenAPIHono, journal: JournalReader | null): void {
  const show = createRoute({
    method: 'get',
    path: '/api/v1/conversations/{session}',
    summary: 'One conversation and its parts',
    middleware: [needs('viewer')] as const,
    request: { params: contract.sessionParam },
    responses: { 200: json(contract.conversationSchema, 'It'), 404: PROBLEM },
  });
  app.openapi(show, async (c) => {
    const parts = journal ? await partsOf(journal, c.req.valid('param').session) : [];
    const [line] = parts;
    return line ? c.json({ line, parts } as Shown, 200) : absent(c, journal);
  });
  const packets = createRoute({
    method: 'get',
    path: '/api/v1/conversations/{session}/packets',
    summary: 'Its packets in order; of one `part`, and those `after` a number in it',
    middleware: [needs('viewer')] as const,
    request: { params: contract.sessionParam, query: contract.packetsQuery },
    responses: { 200: json(contract.packetsSchema, 'Packets'), 400: PROBLEM, 404: PROBLEM },
  });
  app.openapi(packets, async (c) => {
    const { part, after } = c.req.valid('query');
    if (after !== undefined && part === undefined) return problem(c, 400, 'after needs a part');
    const rows = await journal?.packets(c.req.valid('param').session, part, after);
    if (!rows) return absent(c, journal);
    const shown = mayAct(c) ? rows : rows.map(withoutContent);
    return c.json({ packets: shown } as Packets, 200);
  });
}

function addPin(app: OpenAPIHono, journal: JournalReader | null): void {
  const pin = createRoute({
    method: 'post',
    path: '/api/v1/conversations/{session}/pin',
    summary: 'Keeps a conversation from being pushed out, or no longer',
    middleware: [needs('operator')] as const,
    request: {
      params: contract.sessionParam,
      body: { required: true, content: { 'application/json': { schema: contract.pinSchema } } },
    },
    responses: { 200: json(contract.pinSchema, 'It is so'), 404: PROBLEM, 409: PROBLEM },
  });
  app.openapi(pin, async (c) => {
    const { session } = c.req.valid('param');
    const { pinned } = c.req.valid('json');
    if (!journal) return problem(c, 404, JOURNAL_OFF);
    if (await journal.pin(session, pinned)) return c.json({ pinned }, 200);
    if ((await partsOf(journal, session)).length === 0) return problem(c, 404, ABSENT);
    return problem(c, 409, 'no more conversations can be pinned');
  });
}

function addExport(app: OpenAPIHono, journal: JournalReader | null): void {
  const copy = createRoute({
    method: 'get',
    path: '/api/v1/conversations/{session}/export',
    summary: 'A copy to take away: json, pcapng (for Wireshark), or a test for the filter SDK',
    middleware: [needs('operator')] as const,
    request: { params: contract.sessionParam, query: contract.exportQuery },
    responses: {
      200: {
        description: 'The copy',
        content: { 'application/json': {}, 'application/x-pcapng': {}, 'text/typescript': {} },
      },
      404: PROBLEM,
      409: PROBLEM,
    },
  });
  app.openapi(copy, async (c) => {
    const { session } = c.req.valid('param');
    const { format, part } = c.req.valid('query');
    const found = journal && (await wholeOf(journal, session, part));
    if (!found) return absent(c, journal);
    const made = exportOf(found, format);
    if (typeof made === 'string') return problem(c, 409, made);
    return download(c, made.type, made.name, made.content);
  });
}

/** Everything there is of a conversation, or of one part and the beginning. */
async function wholeOf(
  journal: JournalReader,
  session: string,
  part: number | undefined,
): Promise<Conversation | null> {
  const all = await partsOf(journal, session);
  const parts = part === undefined ? all : all.filter((line) => line.part === 0 || line.part === part);
  const packets: PacketRow[] = [];
  let size = 0;
  for (const line of parts) {
    if (size > MAX_COPY) break;
    for (const row of (await journal.packets(session, line.part)) ?? []) {
      packets.push(row);
      size += row.data.length;
    }
  }
  if (packets.length === 0) return null;
  const changes = [];
  for (const { id } of parts) if (id !== '') changes.push(await journal.changes(id));
  return { session, parts, packets, changes: changes.filter((c) => c !== null) };
}

function absent(c: Context, journal: JournalReader | null) {
  return problem(c, 404, journal ? ABSENT : JOURNAL_OFF);
}
