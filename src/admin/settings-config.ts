/** The configuration as a whole as a resource of the HTTP API: its text, checks, changes, what was in force before, its schema. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { Settings } from '#gateway';
import { configJsonSchema } from '#gateway/config';
import { needs } from './access/needs.ts';
import { whoOf } from './access/who.ts';
import { body, json, PROBLEM } from './answers.ts';
import { findingSchema } from './contract.ts';
import { problem } from './problem.ts';
import {
  answer,
  changeBy,
  changeHeaders,
  changeQuery,
  CHANGE_RESPONSES,
  findingOf,
  ifMatchOf,
} from './settings-outcome.ts';

const PATH = '/api/v1/config';
const textSchema = z.strictObject({ text: z.string() });
const changeSchema = textSchema.extend({ summary: z.string().max(200).optional() });
const nowSchema = z
  .object({
    revision: z.string(),
    text: z.string(),
    file: z.string().nullable(),
    writable: z.boolean(),
    readOnly: z.string().openapi({ description: 'Why it is not writable, and what to do' }),
  })
  .openapi('Configuration');
const checkedSchema = z
  .object({ ok: z.boolean(), errors: z.array(findingSchema), warnings: z.array(findingSchema) })
  .openapi('Checked');
const versionSchema = z
  .object({
    revision: z.string(),
    at: z.string().openapi({ format: 'date-time' }),
    by: z.string(),
    summary: z.string(),
  })
  .openapi('Version');
const rollbackSchema = z.strictObject({ revision: z.string().regex(/^[0-9a-f]{6,32}$/) });

/** Adds the resource. */
export function addConfig(app: OpenAPIHono, settings: Settings): void {
  addReading(app, settings);
  addChanging(app, settings);
}

function addReading(app: OpenAPIHono, settings: Settings): void {
  const middleware = needs('admin');
  const read = createRoute({
    method: 'get',
    path: PATH,
    middleware,
    summary: 'The text; without a file the settings in force',
    responses: { 200: json(nowSchema, 'The text') },
  });
  app.openapi(read, async (c) => {
    const now = await settings.read();
    c.header('etag', `"${now.revision}"`);
    return c.json(now, 200);
  });
  const check = createRoute({
    method: 'post',
    path: `${PATH}/check`,
    middleware,
    summary: 'Everything that is wrong with a text',
    request: { body: body(textSchema) },
    responses: { 200: json(checkedSchema, 'What was found'), 400: PROBLEM },
  });
  app.openapi(check, (c) => {
    const { errors, warnings } = settings.check(c.req.valid('json').text);
    const ok = errors.length === 0;
    return c.json({ ok, errors: errors.map(findingOf), warnings: warnings.map(findingOf) }, 200);
  });
  const diff = createRoute({
    method: 'post',
    path: `${PATH}/diff`,
    middleware,
    summary: 'What a text would change, as a unified diff',
    request: { body: body(textSchema) },
    responses: { 200: json(z.object({ diff: z.string() }), 'The diff'), 400: PROBLEM },
  });
  app.openapi(diff, async (c) => {
    const { text } = c.req.valid('json');
    const outcome = await settings.consider(() => ({ text }), { ifMatch: null });
    return c.json({ diff: 'diff' in outcome ? outcome.diff : '' }, 200);
  });
  const history = createRoute({
    method: 'get',
    path: `${PATH}/history`,
    middleware,
    summary: 'Configurations that were in force, the newest first',
    responses: { 200: json(z.array(versionSchema), 'At most fifty') },
  });
  app.openapi(history, async (c) => {
    const versions = await settings.history();
    return c.json(
      versions.map((version) => ({ ...version, at: new Date(version.at).toISOString() })),
      200,
    );
  });
  const schema = createRoute({
    method: 'get',
    path: `${PATH}/schema`,
    middleware: needs('viewer'),
    summary: 'The shape of a configuration, as JSON Schema',
    responses: { 200: json(z.looseObject({ title: z.string() }), 'JSON Schema 2020-12') },
  });
  app.openapi(schema, (c) => c.json({ title: '', ...configJsonSchema() }, 200));
}

/** A whole text is put in place of the one that was read: the request must say which that was. */
const fromRevision: MiddlewareHandler = async (c, next) => {
  if (c.req.header('if-match') !== undefined || c.req.query('dryRun') === 'true') return next();
  return problem(c, 428, 'say in If-Match which revision it begins from, or * for any');
};

function addChanging(app: OpenAPIHono, settings: Settings): void {
  const middleware = needs('admin');
  const put = createRoute({
    method: 'put',
    path: PATH,
    middleware: [middleware, fromRevision] as const,
    summary: 'Checks a text, writes it, and lets the gateway take it over: all of it or nothing',
    request: { query: changeQuery, headers: changeHeaders, body: body(changeSchema) },
    responses: CHANGE_RESPONSES,
  });
  app.openapi(put, async (c) => {
    const { text, summary = 'the whole text' } = c.req.valid('json');
    const make = () => ({ text });
    if (c.req.valid('query').dryRun)
      return answer(c, await settings.consider(make, { ifMatch: ifMatchOf(c) }), true);
    return answer(c, await settings.apply(make, changeBy(c, summary)));
  });
  const reload = createRoute({
    method: 'post',
    path: `${PATH}/reload`,
    middleware,
    summary: 'Lets the gateway read its file again',
    responses: {
      200: json(z.object({ trouble: z.string() }), 'Why everything stays as it was; empty: it is taken over'),
    },
  });
  app.openapi(reload, async (c) => c.json({ trouble: await settings.reload(whoOf(c)) }, 200));
  const rollback = createRoute({
    method: 'post',
    path: `${PATH}/rollback`,
    middleware,
    summary: 'Goes back to a configuration that was in force',
    request: { headers: changeHeaders, body: body(rollbackSchema) },
    responses: CHANGE_RESPONSES,
  });
  app.openapi(rollback, async (c) =>
    answer(c, await settings.rollback(c.req.valid('json').revision, changeBy(c, ''))),
  );
}
