/** Tokens as a resource of the HTTP API: listed, made (their text is told once), revoked. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import type { NoticeSink } from '#notices';
import type { Access } from './access/access.ts';
import { needs, SCOPES } from './access/needs.ts';
import { MAX_TOKENS, TOKEN_NAME, type NotMade, type NotRevoked, type TokenFacts } from './access/tokens.ts';
import { whoOf } from './access/who.ts';
import { body, json, PROBLEM } from './answers.ts';
import { problem } from './problem.ts';

const PATH = '/api/v1/tokens';
const TIME = z.string().openapi({ format: 'date-time' });
const name = z.string().regex(TOKEN_NAME, 'a name is 1 to 64 letters, digits and .@+-_');

const tokenSchema = z
  .object({
    name: z.string(),
    scope: z.enum(SCOPES),
    created: TIME.nullable().openapi({ description: 'null: it stands in the configuration' }),
    lastUsed: TIME.nullable(),
  })
  .openapi('Token');
const madeSchema = tokenSchema.extend({ token: z.string() });
const newSchema = z.strictObject({ name, scope: z.enum(SCOPES) });
const nameSchema = z.object({ name: name.openapi({ param: { name: 'name', in: 'path' } }) });

const SAYS = {
  taken: [409, 'there is a token of this name'],
  full: [409, `there are ${MAX_TOKENS} tokens: revoke one first`],
  absent: [404, 'there is no such token'],
  configured: [409, 'this token stands in the configuration: change admin.token there'],
  unwritable: [503, 'the file of the tokens cannot be read or written; the log of the gateway tells more'],
} as const satisfies Record<NotMade | NotRevoked, readonly [number, string]>;

const timeOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
const line = ({ name: called, scope, created, lastUsed }: TokenFacts) => ({
  name: called,
  scope,
  created: timeOf(created),
  lastUsed: timeOf(lastUsed),
});

/** Adds the resource. */
export function addTokens(app: OpenAPIHono, access: Access, notices: NoticeSink): void {
  const list = createRoute({
    method: 'get',
    path: PATH,
    summary: 'Tokens, without their text',
    middleware: needs('admin'),
    responses: { 200: json(z.array(tokenSchema), 'All of them') },
  });
  app.openapi(list, (c) => c.json(access.tokens.list().map(line), 200));
  const create = createRoute({
    method: 'post',
    path: PATH,
    summary: 'Makes a token; its text is told once',
    middleware: needs('admin'),
    request: { body: body(newSchema) },
    responses: { 201: json(madeSchema, 'The token'), 400: PROBLEM, 409: PROBLEM, 503: PROBLEM },
  });
  app.openapi(create, async (c) => {
    const { name: called, scope } = c.req.valid('json');
    const made = await access.tokens.create(called, scope);
    if (typeof made === 'string') return problem(c, SAYS[made][0], SAYS[made][1]);
    notices('admin.changed', { what: `token ${called}`, summary: `made, scope ${scope}`, by: whoOf(c) });
    return c.json({ ...line(made.facts), token: made.token }, 201);
  });
  const revoke = createRoute({
    method: 'delete',
    path: `${PATH}/{name}`,
    summary: 'Revokes a token and ends its sessions',
    middleware: needs('admin'),
    request: { params: nameSchema },
    responses: {
      204: { description: 'It opens nothing any more' },
      404: PROBLEM,
      409: PROBLEM,
      503: PROBLEM,
    },
  });
  app.openapi(revoke, async (c) => {
    const { name: called } = c.req.valid('param');
    const trouble = await access.revoke(called);
    if (trouble !== null) return problem(c, SAYS[trouble][0], SAYS[trouble][1]);
    notices('admin.changed', { what: `token ${called}`, summary: 'revoked', by: whoOf(c) });
    return c.body(null, 204);
  });
}
