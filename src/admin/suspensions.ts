/** Destinations and domains taken out of delivery, as a resource of the HTTP API. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { NOT_SUSPENDED, suspensionLine, type Desk } from '#gateway';
import { needs } from './access/needs.ts';
import { whoOf } from './access/who.ts';
import { PROBLEM } from './answers.ts';
import * as contract from './contract.ts';
import { problem } from './problem.ts';

const PATH = '/api/v1/suspensions';
const listed = {
  description: 'Those in force',
  content: { 'application/json': { schema: z.array(contract.suspensionSchema) } },
};
const made = {
  description: 'The suspension',
  content: { 'application/json': { schema: contract.suspensionSchema } },
};

/** Adds the resource below /api/v1/suspensions. */
export function addSuspensions(app: OpenAPIHono, { suspensions, clock, wake }: Desk): void {
  const list = createRoute({
    method: 'get',
    path: PATH,
    summary: 'Suspensions',
    middleware: needs('viewer'),
    responses: { 200: listed },
  });
  app.openapi(list, async (c) => {
    await suspensions.refresh();
    return c.json(suspensions.list().map(suspensionLine), 200);
  });
  const suspend = createRoute({
    method: 'post',
    path: PATH,
    middleware: needs('operator'),
    summary: 'Takes a destination or a domain out of delivery',
    request: {
      body: { required: true, content: { 'application/json': { schema: contract.suspendSchema } } },
    },
    responses: { 200: made, 400: PROBLEM },
  });
  app.openapi(suspend, async (c) => {
    const { kind, name, reason, for: ms } = c.req.valid('json');
    const until = ms === undefined ? null : clock.now() + ms;
    const result = await suspensions.suspend({ kind, name }, { until, reason, by: whoOf(c) });
    return typeof result === 'string'
      ? problem(c, 400, NOT_SUSPENDED[result])
      : c.json(suspensionLine(result), 200);
  });
  const resume = createRoute({
    method: 'delete',
    path: PATH,
    middleware: needs('operator'),
    summary: 'Gives it back',
    request: { query: contract.suspendedSchema },
    responses: { 204: { description: 'It is delivered to again' }, 404: PROBLEM },
  });
  app.openapi(resume, async (c) => {
    if (!(await suspensions.resume(c.req.valid('query'), whoOf(c))))
      return problem(c, 404, 'there is no such suspension');
    wake();
    return c.body(null, 204);
  });
}
