/**
 * Held mail as a resource of the HTTP API: pages, a look inside, what the filters would say now, notes, and who did what.
 *
 * Letting go and deleting are orders of the queue (queue.ts, jobs.ts). Looking inside is for operators.
 */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi';
import { heldLines, lookInto, parseWhere, type Desk, type Rescan, type Where } from '#gateway';
import type { EntryMeta } from '#spool';
import { needs } from './access/needs.ts';
import { json, PROBLEM } from './answers.ts';
import * as contract from './contract-quarantine.ts';
import { idSchema } from './contract.ts';
import { fieldChanges, fieldsOf } from './diff/fields.ts';
import { fieldView, type FieldView } from './diff/view.ts';
import { problem } from './problem.ts';
import { whoOf } from './access/who.ts';

type Page = z.output<typeof contract.heldPage>;
type Held = z.output<typeof contract.heldSchema>;
type Look = z.output<typeof contract.previewSchema>;
type Verdict = z.output<typeof contract.verdictSchema>;
type Records = z.output<typeof contract.trailSchema>;

/** Entries looked at for one page. */
const LOOKED_AT = 10_000;
const PAGE = 500;
const NOT_HELD = 'no such entry is held';
const STATUS_OF = {
  absent: 404,
  unfit: 409,
  failed: 503,
  pass: 200,
  hold: 200,
  refuse: 200,
  discard: 200,
} as const;

/** Adds the resource below /api/v1/quarantine. */
export function addQuarantine(app: OpenAPIHono, desk: Desk): void {
  addReading(app, desk);
  addLooks(app, desk);
  addNotes(app, desk);
}

function addReading(app: OpenAPIHono, desk: Desk): void {
  const list = createRoute({
    method: 'get',
    path: '/api/v1/quarantine',
    summary: 'Held entries that match, oldest first',
    middleware: [needs('viewer')] as const,
    request: { query: contract.heldQuery },
    responses: { 200: json(contract.heldPage, 'A page'), 400: PROBLEM },
  });
  app.openapi(list, async (c) => {
    const { where: conditions, after = '', limit } = c.req.valid('query');
    const where = parseWhere(conditions);
    if ('trouble' in where) return problem(c, 400, where.trouble);
    return c.json((await heldPage(desk, where, after, limit)) as Page, 200);
  });
  const show = createRoute({
    method: 'get',
    path: '/api/v1/quarantine/{id}',
    summary: 'One held entry',
    middleware: [needs('viewer')] as const,
    request: { params: idSchema },
    responses: { 200: json(contract.heldSchema, 'The entry'), 404: PROBLEM },
  });
  app.openapi(show, async (c) => {
    const entry = await desk.store.get(c.req.valid('param').id);
    if (entry?.state !== 'held') return problem(c, 404, NOT_HELD);
    const [line] = await heldLines(desk, [entry]);
    return c.json(line as Held, 200);
  });
}

function addLooks(app: OpenAPIHono, desk: Desk): void {
  const look = createRoute({
    method: 'get',
    path: '/api/v1/quarantine/{id}/preview',
    summary: 'Its header and its text, undisplayed',
    middleware: [needs('operator')] as const,
    request: { params: idSchema },
    responses: { 200: json(contract.previewSchema, 'What can be seen'), 404: PROBLEM },
  });
  app.openapi(look, async (c) => {
    const seen = await lookInto(desk.store, c.req.valid('param').id);
    return seen ? c.json(seen as Look, 200) : problem(c, 404, NOT_HELD);
  });
  const rescan = createRoute({
    method: 'post',
    path: '/api/v1/quarantine/{id}/rescan',
    summary: 'What the filters would say now; nothing is changed',
    middleware: [needs('operator')] as const,
    request: {
      params: idSchema,
      body: { required: true, content: { 'application/json': { schema: contract.rescanSchema } } },
    },
    responses: {
      200: json(contract.verdictSchema, 'What they say'),
      404: json(contract.verdictSchema, 'There is no such entry'),
      409: json(contract.verdictSchema, 'It is not held, or there is no such filter'),
      503: json(contract.verdictSchema, 'The spool has trouble'),
    },
  });
  app.openapi(rescan, async (c) => {
    const { skip = [] } = c.req.valid('json');
    const said = await desk.orders.rescan(c.req.valid('param').id, skip, whoOf(c));
    return c.json(verdictOf(said) as Verdict, STATUS_OF[said.verdict]);
  });
}

/** The answer of the filters as it is given out, with what they would make of the header. */
export interface VerdictLine extends Pick<Rescan, 'id' | 'verdict' | 'detail'> {
  readonly fields?: readonly FieldView[];
  readonly to?: readonly string[];
}

/** Makes it. */
export function verdictOf({ passed, ...said }: Rescan): VerdictLine {
  if (!passed) return said;
  const changes = fieldChanges(fieldsOf(passed.before), fieldsOf(passed.after));
  const fields = changes.filter(({ kind }) => kind !== 'kept').map((c) => fieldView(c, [], null));
  return { ...said, to: passed.to, fields };
}

function addNotes(app: OpenAPIHono, { store, trail }: Desk): void {
  const note = createRoute({
    method: 'put',
    path: '/api/v1/quarantine/{id}/note',
    summary: 'Writes a note beside a held entry; an empty one takes it away',
    middleware: [needs('operator')] as const,
    request: {
      params: idSchema,
      body: { required: true, content: { 'application/json': { schema: contract.noteSchema } } },
    },
    responses: { 200: json(contract.noteSchema, 'It is written'), 404: PROBLEM },
  });
  app.openapi(note, async (c) => {
    const { id } = c.req.valid('param');
    const { text } = c.req.valid('json');
    if ((await store.get(id))?.state !== 'held') return problem(c, 404, NOT_HELD);
    await trail.note(id, text, whoOf(c));
    return c.json({ text }, 200);
  });
  const audit = createRoute({
    method: 'get',
    path: '/api/v1/quarantine/{id}/audit',
    summary: 'Who did what to an entry, also when it is gone; oldest first',
    middleware: [needs('viewer')] as const,
    request: { params: idSchema },
    responses: { 200: json(contract.trailSchema, 'Records'), 404: PROBLEM },
  });
  app.openapi(audit, async (c) => {
    const { id } = c.req.valid('param');
    const records = await trail.of(id);
    if (records.length === 0 && !(await store.get(id)))
      return problem(c, 404, 'nothing is known of such an entry');
    return c.json({ records } as Records, 200);
  });
}

/** A page of held entries; short when what matches is rare. */
async function heldPage(desk: Desk, where: Where, from: string, limit: number) {
  const found: EntryMeta[] = [];
  const page = async (next: string | null) => ({ entries: await heldLines(desk, found), next });
  let after = from;
  for (let looked = 0; looked < LOOKED_AT && (where.state ?? 'held') === 'held';) {
    const listed = await desk.store.list({ limit: PAGE, state: 'held', ...(after && { after }) });
    const now = desk.clock.now();
    for (const entry of listed) {
      after = entry.id;
      if (where.holds(entry, now) && found.push(entry) === limit) return page(after);
    }
    looked += listed.length;
    if (listed.length < PAGE) return page(null);
  }
  return page(after === from ? null : after);
}
