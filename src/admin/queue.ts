/**
 * The queue as a resource of the HTTP API: pages, single entries with their bytes, orders about one or many, figures.
 *
 * Orders about one entry answer 200, 404 when there is none, 409 when its state or a filter does not allow it, 503 when the spool
 * has trouble. Orders about many answer 200 and one JSON line for each entry, as it happens; whoever hangs up stops what has not
 * been begun.
 */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi';
import type { Context, TypedResponse } from 'hono';
import { onEach, parseWhere, shapeOf, statsOf, type ActResult, type Desk, type Where } from '#gateway';
import { queueLine, type EntryContent } from '#spool';
import { needs } from './access/needs.ts';
import { whoOf } from './access/who.ts';
import { json, PROBLEM } from './answers.ts';
import * as contract from './contract.ts';
import { actOf } from './orders.ts';
import { problem } from './problem.ts';

const LINES = 'application/jsonl';

type Page = z.output<typeof contract.pageSchema>;
type Entry = z.output<typeof contract.entrySchema>;
type Shape = z.output<typeof contract.shapeSchema>;

/** HTTP status of a result. */
const STATUS_OF = {
  done: 200,
  would: 200,
  absent: 404,
  busy: 409,
  unfit: 409,
  refused: 409,
  failed: 503,
} as const;

/** Entries looked at for one page: who asks for rare ones gets short pages. */
const LOOKED_AT = 10_000;

/** Adds the resource below /api/v1/queue. */
export function addQueue(app: OpenAPIHono, desk: Desk): void {
  addReading(app, desk);
  addFigures(app, desk);
  addOrders(app, desk);
}

function addReading(app: OpenAPIHono, desk: Desk): void {
  const { store } = desk;
  const list = createRoute({
    method: 'get',
    path: '/api/v1/queue',
    middleware: needs('viewer'),
    summary: 'Entries that match, oldest first',
    request: { query: contract.listQuery },
    responses: { 200: json(contract.pageSchema, 'A page'), 400: PROBLEM },
  });
  app.openapi(list, async (c) => {
    const { where: conditions, after, limit } = c.req.valid('query');
    const where = parseWhere(conditions);
    if ('trouble' in where) return problem(c, 400, where.trouble);
    return c.json((await pageOf(desk, where, after ?? '', limit)) as Page, 200);
  });
  const show = createRoute({
    method: 'get',
    path: '/api/v1/queue/{id}',
    middleware: needs('viewer'),
    summary: 'One entry',
    request: { params: contract.idSchema },
    responses: { 200: json(contract.entrySchema, 'The entry'), 404: PROBLEM },
  });
  app.openapi(show, async (c) => {
    const entry = await store.get(c.req.valid('param').id);
    return entry ? c.json(queueLine(entry) as Entry, 200) : problem(c, 404, 'there is no such entry');
  });
  for (const part of ['message', 'header'] as const) {
    const bytes = createRoute({
      method: 'get',
      path: `/api/v1/queue/{id}/${part}`,
      middleware: needs('operator'),
      summary: part === 'message' ? 'The message as it will be sent' : 'Its header alone',
      request: { params: contract.idSchema },
      responses: { 200: { description: 'The bytes', content: { 'message/rfc822': {} } }, 404: PROBLEM },
    });
    app.openapi(bytes, async (c) => {
      const content = await store.content(c.req.valid('param').id);
      return content ? bytesOf(c, content, part) : problem(c, 404, 'there is no such entry');
    });
  }
}

async function pageOf({ store, clock }: Desk, where: Where, from: string, limit: number) {
  const entries = [];
  let after = from;
  for (let looked = 0; looked < LOOKED_AT;) {
    const size = Math.min(1000, LOOKED_AT - looked);
    const page = await store.list({
      limit: size,
      ...(after && { after }),
      ...(where.state && { state: where.state }),
    });
    const now = clock.now();
    for (const entry of page) {
      if (where.holds(entry, now)) entries.push(queueLine(entry));
      after = entry.id;
      if (entries.length === limit) return { entries, next: after };
    }
    looked += page.length;
    if (page.length < size) return { entries, next: null };
  }
  return { entries, next: after };
}

/** Hostile bytes: never shown by a browser as anything. */
function bytesOf(c: Context, { header, body }: EntryContent, part: 'message' | 'header'): Response {
  c.header('content-type', part === 'message' ? 'message/rfc822' : 'text/rfc822-headers');
  c.header('content-disposition', 'attachment');
  c.header('content-security-policy', "default-src 'none'; sandbox");
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    yield header;
    if (part === 'header') return;
    yield new Uint8Array([13, 10]);
    yield* body.read();
  };
  return c.body(ReadableStream.from(bytes()));
}

function addFigures(app: OpenAPIHono, desk: Desk): void {
  const { store, clock } = desk;
  const stats = createRoute({
    method: 'get',
    path: '/api/v1/queue-stats',
    middleware: needs('viewer'),
    summary: 'How much there is',
    request: { query: contract.whereQuery },
    responses: { 200: json(contract.statsSchema, 'Figures'), 400: PROBLEM },
  });
  app.openapi(stats, async (c) => {
    const where = parseWhere(c.req.valid('query').where);
    if ('trouble' in where) return problem(c, 400, where.trouble);
    return c.json(await statsOf(store, where, clock), 200);
  });
  const shape = createRoute({
    method: 'get',
    path: '/api/v1/queue-shape',
    middleware: needs('viewer'),
    summary: 'How old it is, by domain',
    request: { query: contract.shapeQuery },
    responses: { 200: json(contract.shapeSchema, 'A table'), 400: PROBLEM },
  });
  app.openapi(shape, async (c) => {
    const { where: conditions, by } = c.req.valid('query');
    const where = parseWhere(conditions);
    if ('trouble' in where) return problem(c, 400, where.trouble);
    return c.json((await shapeOf(store, where, by, clock)) as Shape, 200);
  });
}

function addOrders(app: OpenAPIHono, desk: Desk): void {
  const { store, orders } = desk;
  const one = createRoute({
    method: 'post',
    path: '/api/v1/queue/{id}/{verb}',
    middleware: needs('operator'),
    summary: 'An order about one entry',
    request: {
      params: contract.verbSchema,
      body: { required: true, content: { 'application/json': { schema: contract.orderSchema } } },
    },
    responses: {
      200: json(contract.resultSchema, 'It is done'),
      400: PROBLEM,
      404: json(contract.resultSchema, 'There is no such entry'),
      409: json(contract.resultSchema, 'Its state or a filter does not allow it'),
      503: json(contract.resultSchema, 'The spool has trouble'),
    },
  });
  app.openapi(one, async (c) => {
    const { id, verb } = c.req.valid('param');
    const act = actOf(verb, c.req.valid('json'));
    if ('trouble' in act) return problem(c, 400, act.trouble);
    const result = await orders.act(id, act, whoOf(c));
    return c.json(result, STATUS_OF[result.result]);
  });
  const many = createRoute({
    method: 'post',
    path: '/api/v1/queue-orders',
    middleware: needs('operator'),
    summary: 'An order about many entries; one result a line',
    request: {
      body: { required: true, content: { 'application/json': { schema: contract.ordersSchema } } },
    },
    responses: {
      200: { description: 'One Result a line', content: { [LINES]: { schema: contract.resultSchema } } },
      400: PROBLEM,
    },
  });
  app.openapi(many, (c) => {
    const { verb, ids, where: conditions = [], all: _all, dryRun, ...order } = c.req.valid('json');
    const act = actOf(verb, order);
    if ('trouble' in act) return problem(c, 400, act.trouble);
    const where = parseWhere(conditions);
    if ('trouble' in where) return problem(c, 400, where.trouble);
    const who = whoOf(c);
    const carryOut = (id: string): Promise<ActResult> =>
      dryRun ? orders.consider(id, act) : orders.act(id, act, who);
    return streamed(c, onEach(store, ids ? { ids } : { where }, carryOut, desk.clock));
  });
}

/** One result a line, as they come; typed as what each line is. */
function streamed(c: Context, results: AsyncIterable<ActResult>): TypedResponse<ActResult, 200, 'json'> {
  const encoder = new TextEncoder();
  const lines = async function* (): AsyncGenerator<Uint8Array> {
    for await (const result of results) yield encoder.encode(JSON.stringify(result) + '\n');
  };
  c.header('content-type', LINES);
  return c.body(ReadableStream.from(lines())) as unknown as TypedResponse<ActResult, 200, 'json'>;
}
