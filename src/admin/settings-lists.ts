/**
 * Filters, listeners, routes and users as resources of the HTTP API: listed, added, changed, taken out, put in order.
 *
 * All four are lists of the configuration and work alike: an item is what stands in the file, under `settings`, and a change is one
 * of the text, with its diff. Every value is checked by the configuration's own schema, together with everything else in the file.
 * Secrets are null; given back like that they stay. A user may be given a `password` in words in place of a hash: it is hashed here.
 */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { changeOf, hashPassword, itemsIn, type ItemChange, type Settings } from '#gateway';
import type { ListName } from '#gateway/config';
import { needs, type Scope } from './access/needs.ts';
import { body, json, PROBLEM } from './answers.ts';
import { problem } from './problem.ts';
import {
  answer,
  changeBy,
  changeHeaders,
  changeQuery,
  CHANGE_RESPONSES,
  ifMatchOf,
} from './settings-outcome.ts';

/** Items in one request. */
const MAX_ITEMS = 1000;
/** Characters of a name. */
export const MAX_NAME = 300;

interface Kind {
  readonly list: ListName;
  /** One of them, in words. */
  readonly one: string;
  readonly schema: z.ZodType<Readonly<Record<string, unknown>>>;
  readonly read: Scope;
}

const group = z.record(z.string(), z.unknown());
/** Longest password that is hashed, in characters. */
export const MAX_PASSWORD = 1024;
const userSchema = group.and(
  z.object({
    password: z
      .union([
        z.string().max(MAX_PASSWORD),
        z.null(),
        z.strictObject({ file: z.string() }),
        z.strictObject({ env: z.string() }),
      ])
      .optional(),
  }),
);

const KINDS: readonly Kind[] = [
  { list: 'milters', one: 'filter', schema: group, read: 'viewer' },
  { list: 'listeners', one: 'listener', schema: group, read: 'viewer' },
  { list: 'routes', one: 'route', schema: group, read: 'viewer' },
  { list: 'users', one: 'user', schema: userSchema, read: 'viewer' },
];

const itemSchema = z
  .object({
    name: z.string().openapi({ description: 'What it is called; of a route its place' }),
    index: z.number().int(),
    settings: z.unknown().openapi({ description: 'As written, null in place of a secret' }),
    effective: z.unknown().openapi({ description: 'With every default; null while the file has errors' }),
    says: z.string().openapi({ description: 'Of a filter: what happens to mail while it is down' }),
  })
  .openapi('Item');
const nameSchema = z.object({
  name: z
    .string()
    .min(1)
    .max(MAX_NAME)
    .openapi({ param: { name: 'name', in: 'path' } }),
});
const orderSchema = z.strictObject({ names: z.array(z.string().max(MAX_NAME)).max(MAX_ITEMS) });

/** Adds the four resources. */
export function addLists(app: OpenAPIHono, settings: Settings): void {
  for (const kind of KINDS) {
    addReading(app, settings, kind);
    addWholes(app, settings, kind);
    addSingles(app, settings, kind);
  }
}

function addReading(app: OpenAPIHono, settings: Settings, { list, one, read }: Kind): void {
  const path = `/api/v1/${list}`;
  const itemsNow = async () => {
    const { text, revision, writable } = await settings.read();
    return { revision, writable, items: itemsIn(text, list, (t) => settings.load(t)) };
  };
  const all = createRoute({
    method: 'get',
    path,
    middleware: needs(read),
    summary: `Every ${one}, in the order of the file`,
    responses: {
      200: json(
        z.object({ revision: z.string(), writable: z.boolean(), [list]: z.array(itemSchema) }),
        'All of them',
      ),
      409: PROBLEM,
    },
  });
  app.openapi(all, async (c) => {
    const { items, revision, writable } = await itemsNow();
    if ('trouble' in items) return problem(c, 409, items.trouble);
    c.header('etag', `"${revision}"`);
    return c.json({ revision, writable, [list]: items } as never, 200);
  });
  const single = createRoute({
    method: 'get',
    path: `${path}/{name}`,
    middleware: needs(read),
    summary: `One ${one}`,
    request: { params: nameSchema },
    responses: { 200: json(itemSchema.extend({ revision: z.string() }), 'It'), 404: PROBLEM, 409: PROBLEM },
  });
  app.openapi(single, async (c) => {
    const { items, revision } = await itemsNow();
    if ('trouble' in items) return problem(c, 409, items.trouble);
    const { name } = c.req.valid('param');
    const item = items.find((other) => other.name === name);
    if (!item) return problem(c, 404, `there is no such ${one}`);
    c.header('etag', `"${revision}"`);
    return c.json({ ...item, revision }, 200);
  });
}

/** What concerns several of them. */
function addWholes(app: OpenAPIHono, settings: Settings, { list, one, schema }: Kind): void {
  const path = `/api/v1/${list}`;
  const middleware = needs('admin');
  const add = createRoute({
    method: 'post',
    path,
    middleware,
    summary: `Adds a ${one}; behind the others, or at a place`,
    request: {
      query: changeQuery,
      headers: changeHeaders,
      body: body(
        z.strictObject({ settings: schema, index: z.number().int().min(0).max(MAX_ITEMS).optional() }),
      ),
    },
    responses: CHANGE_RESPONSES,
  });
  app.openapi(add, async (c) => {
    const { settings: written, index = null } = c.req.valid('json');
    const item = await hashed(list, written);
    return change(c, settings, list, { kind: 'add', settings: item, at: index }, c.req.valid('query').dryRun);
  });
  const replace = createRoute({
    method: 'put',
    path,
    middleware,
    summary: `Makes this the whole list; what has the name of one that is there changes it`,
    request: {
      query: changeQuery,
      headers: changeHeaders,
      body: body(z.strictObject({ [list]: z.array(schema).max(MAX_ITEMS) })),
    },
    responses: CHANGE_RESPONSES,
  });
  app.openapi(replace, async (c) => {
    const written = Object.values(c.req.valid('json'))[0] as readonly Readonly<Record<string, unknown>>[];
    const items = await Promise.all(written.map((item) => hashed(list, item)));
    return change(c, settings, list, { kind: 'all', settings: items }, c.req.valid('query').dryRun);
  });
  const order = createRoute({
    method: 'put',
    path: `${path}-order`,
    middleware,
    summary: 'Puts them into this order',
    request: { query: changeQuery, headers: changeHeaders, body: body(orderSchema) },
    responses: CHANGE_RESPONSES,
  });
  app.openapi(order, (c) =>
    change(c, settings, list, { kind: 'order', ...c.req.valid('json') }, c.req.valid('query').dryRun),
  );
}

function addSingles(app: OpenAPIHono, settings: Settings, { list, one, schema }: Kind): void {
  const path = `/api/v1/${list}/{name}`;
  const middleware = needs('admin');
  const request = { query: changeQuery, headers: changeHeaders, params: nameSchema };
  const put = createRoute({
    method: 'put',
    path,
    middleware,
    summary: `Changes a ${one}: what is left out is taken out of the file`,
    request: { ...request, body: body(z.strictObject({ settings: schema })) },
    responses: CHANGE_RESPONSES,
  });
  app.openapi(put, async (c) => {
    const { name } = c.req.valid('param');
    const item = await hashed(list, c.req.valid('json').settings);
    return change(c, settings, list, { kind: 'put', name, settings: item }, c.req.valid('query').dryRun);
  });
  const remove = createRoute({
    method: 'delete',
    path,
    middleware,
    summary: `Takes a ${one} out of the file`,
    request,
    responses: CHANGE_RESPONSES,
  });
  app.openapi(remove, (c) =>
    change(
      c,
      settings,
      list,
      { kind: 'remove', name: c.req.valid('param').name },
      c.req.valid('query').dryRun,
    ),
  );
}

async function change(c: Context, settings: Settings, list: ListName, what: ItemChange, dryRun: boolean) {
  const make = changeOf(list, what, (text) => settings.load(text));
  if (dryRun) return answer(c, await settings.consider(make, { ifMatch: ifMatchOf(c), hide: true }), true);
  return answer(c, await settings.apply(make, { ...changeBy(c, summaryOf(list, what)), hide: true }));
}

function summaryOf(list: ListName, what: ItemChange): string {
  switch (what.kind) {
    case 'add': {
      const { name } = what.settings as { readonly name?: unknown };
      return `${list}: added ${typeof name === 'string' ? name.slice(0, 64) : 'one'}`;
    }
    case 'put':
      return `${list}: changed ${what.name.slice(0, 64)}`;
    case 'remove':
      return `${list}: removed ${what.name.slice(0, 64)}`;
    case 'order':
      return `${list}: new order`;
    case 'all':
      return `${list}: the whole list`;
  }
}

/** An item with the hash of a password that came in words. */
async function hashed(list: ListName, item: Readonly<Record<string, unknown>>): Promise<unknown> {
  const { password } = item;
  if (list !== 'users' || typeof password !== 'string' || /^\$(?:scrypt|scram-sha-256)\$/.test(password))
    return item;
  return { ...item, password: await hashPassword(password) };
}
