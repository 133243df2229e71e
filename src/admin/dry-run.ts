/** A message run through the gateway as if a client brought it, nothing queued: what each command, filter and route says. */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi';
import { messageBytes, type DryRun, type Moment, type Office } from '#gateway';
import { needs } from './access/needs.ts';
import { body, json, PROBLEM } from './answers.ts';
import * as contract from './contract-milters.ts';
import { troubled } from './milter-health.ts';

type Result = z.output<typeof contract.dryRunResultSchema>;

/** Adds the resource at /api/v1/dry-run. */
export function addDryRun(app: OpenAPIHono, { milters }: Office): void {
  const run = createRoute({
    method: 'post',
    path: '/api/v1/dry-run',
    summary: 'Runs a message through intake, filters and routes, and queues nothing',
    middleware: needs('admin'),
    request: { body: body(contract.dryRunSchema) },
    responses: {
      200: json(contract.dryRunResultSchema, 'What would have happened'),
      400: PROBLEM,
      404: PROBLEM,
      409: PROBLEM,
      429: PROBLEM,
    },
  });
  app.openapi(run, async (c) => {
    const { message, encoding, ...input } = c.req.valid('json');
    const bytes = encoding === 'base64' ? Buffer.from(message, 'base64') : messageBytes(message);
    const result = await milters.dryRun({ ...input, message: bytes });
    return 'trouble' in result ? troubled(c, result) : c.json(resultOf(result), 200);
  });
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** The result with its bytes as base64. */
function resultOf({ changes, ...result }: DryRun): Result {
  const shown = changes && {
    original: encoded(changes.original),
    steps: changes.steps.map((step) => ({ ...encoded(step), milter: step.milter, edits: [...step.edits] })),
  };
  return { ...result, changes: shown } as Result;
}

function encoded({ sender, recipients, header, body: bytes, bodySize }: Moment) {
  const text = { header: base64(header), body: bytes && base64(bytes) };
  return { sender, recipients: [...recipients], ...text, bodySize };
}
