/**
 * The history as a resource of the HTTP API: rows by condition, single rows, what filters changed, the message before and after.
 *
 * Rows are for viewers; what was changed and the bytes of messages are for operators. While the journal is off everything here
 * answers 404 and says so. Requests to this API are no mail and leave no row.
 */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Office } from '#gateway';
import type { HistoryWhere, JournalReader } from '#journal';
import { needs } from './access/needs.ts';
import { json, PROBLEM } from './answers.ts';
import { bytes, download } from './download.ts';
import * as contract from './contract-history.ts';
import { idSchema } from './contract.ts';
import { changesView, messageOf } from './diff/view.ts';
import { problem } from './problem.ts';

type Page = z.output<typeof contract.historyPage>;
type Row = z.output<typeof contract.rowSchema>;
type View = z.output<typeof contract.changesSchema>;
type Words = Omit<z.output<typeof contract.historyQuery>, 'before' | 'after' | 'limit'>;

/** Said where the journal is off. */
export const JOURNAL_OFF = 'the journal is off: see journal in the configuration';

/** Conditions as the journal takes them. */
export function historyWhere({ since, until, ...words }: Words, now: number): HistoryWhere {
  const given = Object.entries(words).filter(([, value]) => value !== undefined);
  const times = { ...(since && { since: since(now) }), ...(until && { until: until(now) }) };
  return { ...(Object.fromEntries(given) as HistoryWhere), ...times };
}

/** Adds the resource below /api/v1/history. */
export function addHistory(app: OpenAPIHono, { journal, desk }: Office): void {
  const list = createRoute({
    method: 'get',
    path: '/api/v1/history',
    summary: 'Messages, whatever became of them; newest first, oldest first with `after`',
    middleware: [needs('viewer')] as const,
    request: { query: contract.historyQuery },
    responses: { 200: json(contract.historyPage, 'A page'), 400: PROBLEM, 404: PROBLEM },
  });
  app.openapi(list, async (c) => {
    if (!journal) return problem(c, 404, JOURNAL_OFF);
    const { before, after, limit, ...words } = c.req.valid('query');
    if (before !== undefined && after !== undefined)
      return problem(c, 400, 'a page is either before or after a message');
    const where = historyWhere(words, desk.clock.now());
    const place = { ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
    return c.json((await journal.history({ where, limit, ...place })) as Page, 200);
  });
  const show = createRoute({
    method: 'get',
    path: '/api/v1/history/{id}',
    summary: 'One message',
    middleware: [needs('viewer')] as const,
    request: { params: idSchema },
    responses: { 200: json(contract.rowSchema, 'Its row'), 404: PROBLEM },
  });
  app.openapi(show, async (c) => {
    const row = await journal?.message(c.req.valid('param').id);
    return row ? c.json(row as Row, 200) : absent(c, journal);
  });
  addBytes(app, journal);
}

function addBytes(app: OpenAPIHono, journal: JournalReader | null): void {
  const changes = createRoute({
    method: 'get',
    path: '/api/v1/history/{id}/changes',
    summary: 'What each filter changed, field by field and line by line',
    middleware: [needs('operator')] as const,
    request: { params: idSchema },
    responses: { 200: json(contract.changesSchema, 'Before and after'), 404: PROBLEM },
  });
  app.openapi(changes, async (c) => {
    const found = await journal?.changes(c.req.valid('param').id);
    return found ? c.json(changesView(found) as View, 200) : absent(c, journal, NO_CHANGES);
  });
  const message = createRoute({
    method: 'get',
    path: '/api/v1/history/{id}/message',
    summary:
      'The message as it came, or as the filters left it; X-Millrace-Cut: bytes of its body that are not kept',
    middleware: [needs('operator')] as const,
    request: { params: idSchema, query: contract.whichQuery },
    responses: { 200: bytes('message/rfc822', 'The bytes'), 404: PROBLEM },
  });
  app.openapi(message, async (c) => {
    const { id } = c.req.valid('param');
    const found = await journal?.changes(id);
    if (!found) return absent(c, journal, NO_CHANGES);
    const { bytes: content, cut } = messageOf(found, c.req.valid('query').which);
    if (cut > 0) c.header('x-millrace-cut', String(cut));
    return download(c, 'message/rfc822', `${id}.eml`, content);
  });
}

const NO_CHANGES = 'no filter changed such a message, or what was changed is not kept any more';

function absent(c: Context, journal: JournalReader | null, why = 'there is no such message') {
  return problem(c, 404, journal ? why : JOURNAL_OFF);
}
