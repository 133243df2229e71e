/** Which conversations are kept, as a resource of the HTTP API. Whoever changes that is written down. */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi';
import type { Office } from '#gateway';
import type { CapturePolicy, JournalReader } from '#journal';
import { needs } from './access/needs.ts';
import { json, PROBLEM } from './answers.ts';
import { captureSchema, policySchema } from './contract-conversations.ts';
import { JOURNAL_OFF } from './history.ts';
import { problem } from './problem.ts';
import { whoOf } from './access/who.ts';

const PATH = '/api/v1/capture';
type Capture = z.output<typeof captureSchema>;

/** Adds the resource /api/v1/capture. */
export function addCapture(app: OpenAPIHono, { journal, desk }: Office): void {
  const show = createRoute({
    method: 'get',
    path: PATH,
    summary: 'Which conversations are kept, and how much there is of them',
    middleware: [needs('viewer')] as const,
    responses: { 200: json(captureSchema, 'The policy'), 404: PROBLEM },
  });
  app.openapi(show, (c) => (journal ? c.json(captureOf(journal), 200) : problem(c, 404, JOURNAL_OFF)));
  const change = createRoute({
    method: 'put',
    path: PATH,
    summary: 'Another policy, from now on and after a restart',
    middleware: [needs('operator')] as const,
    request: { body: { required: true, content: { 'application/json': { schema: policySchema } } } },
    responses: { 200: json(captureSchema, 'The policy'), 400: PROBLEM, 404: PROBLEM },
  });
  app.openapi(change, async (c) => {
    if (!journal) return problem(c, 404, JOURNAL_OFF);
    const given = Object.entries(c.req.valid('json')).filter(([, value]) => value !== undefined);
    const policy = Object.fromEntries(given) as unknown as CapturePolicy;
    await journal.setPolicy(policy);
    const text = JSON.stringify(policy);
    await desk.trail.record({
      id: 'capture',
      verb: 'capture',
      by: whoOf(c),
      result: 'done',
      detail: '',
      text,
    });
    return c.json(captureOf(journal), 200);
  });
}

function captureOf(journal: JournalReader): Capture {
  return { policy: journal.policy(), figures: journal.figures() } as Capture;
}
