/** How each filter is doing, and taking it out, giving it back, forgetting what was learnt about it. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { MilterHealth, Office, Trouble } from '#gateway';
import { needs } from './access/needs.ts';
import { whoOf } from './access/who.ts';
import { body, json, PROBLEM } from './answers.ts';
import * as contract from './contract-milters.ts';
import { problem } from './problem.ts';

const STATUS = { absent: 404, unfit: 400, conflict: 409, busy: 429 } as const;
const HEALTH = json(contract.healthSchema, 'How it is doing');

type Answer = z.output<typeof contract.healthSchema>;

/** A copy that the framework may have: it takes no read-only lists. */
const answerOf = (health: MilterHealth): Answer => ({
  ...health,
  actions: [...health.actions],
  protocol: [...health.protocol],
});

/** What was not done, as a problem. */
export function troubled(c: Context, { kind, trouble }: Trouble) {
  return problem(c, STATUS[kind], trouble);
}

/** Adds the resource below /api/v1/milters/{name}. */
export function addMilterHealth(app: OpenAPIHono, { milters }: Office): void {
  const show = createRoute({
    method: 'get',
    path: '/api/v1/milters/{name}/health',
    summary: 'How a filter is doing: state, waits, answers, errors',
    middleware: needs('viewer'),
    request: { params: contract.nameParam },
    responses: { 200: HEALTH, 404: PROBLEM },
  });
  app.openapi(show, (c) => {
    const health = milters.health(c.req.valid('param').name);
    return health ? c.json(answerOf(health), 200) : problem(c, 404, 'there is no such filter');
  });
  const all = createRoute({
    method: 'get',
    path: '/api/v1/milter-health',
    summary: 'How all filters are doing, in configured order',
    middleware: needs('viewer'),
    responses: { 200: json(z.object({ milters: z.array(contract.healthSchema) }), 'All of them') },
  });
  app.openapi(all, (c) => {
    const found = milters.names().flatMap((name) => milters.health(name) ?? []);
    return c.json({ milters: found.map(answerOf) }, 200);
  });
  const pause = createRoute({
    method: 'post',
    path: '/api/v1/milters/{name}/pause',
    summary: 'Takes a filter out: it is not asked, and mail passes without it',
    middleware: needs('operator'),
    request: { params: contract.nameParam, body: body(contract.pauseSchema) },
    responses: { 200: HEALTH, 404: PROBLEM, 400: PROBLEM, 409: PROBLEM, 429: PROBLEM },
  });
  app.openapi(pause, async (c) => {
    const { reason, for: ms = null } = c.req.valid('json');
    const done = await milters.pause(c.req.valid('param').name, { reason, for: ms }, whoOf(c));
    return 'trouble' in done ? troubled(c, done) : c.json(answerOf(done), 200);
  });
  for (const verb of ['resume', 'reset'] as const) {
    const route = createRoute({
      method: 'post',
      path: `/api/v1/milters/{name}/${verb}`,
      summary:
        verb === 'resume'
          ? 'Gives a filter back that was taken out'
          : 'Closes kept connections and forgets failures: the filter is tried at once',
      middleware: needs('operator'),
      request: { params: contract.nameParam },
      responses: { 200: HEALTH, 404: PROBLEM, 400: PROBLEM, 409: PROBLEM, 429: PROBLEM },
    });
    app.openapi(route, async (c) => {
      const done = await milters[verb](c.req.valid('param').name, whoOf(c));
      return 'trouble' in done ? troubled(c, done) : c.json(answerOf(done), 200);
    });
  }
}
