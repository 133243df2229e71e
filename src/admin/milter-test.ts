/**
 * Test connection: of a configured filter, or of settings that are not in the configuration yet.
 *
 * For the scope admin alone, since it connects where it is told to. Never to the gateway's own doors for operators; what a
 * stranger answers comes back as a short harmless excerpt at most.
 */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi';
import type { Office } from '#gateway';
import { needs } from './access/needs.ts';
import { whoOf } from './access/who.ts';
import { body, json, PROBLEM } from './answers.ts';
import * as contract from './contract-milters.ts';
import { troubled } from './milter-health.ts';

type Report = z.output<typeof contract.reportSchema>;

/** Adds the resource at /api/v1/milter-test. */
export function addMilterTest(app: OpenAPIHono, { milters }: Office): void {
  const test = createRoute({
    method: 'post',
    path: '/api/v1/milter-test',
    summary: 'Tests a connection to a filter, step by step; what it finds wrong is an answer, not an error',
    middleware: needs('admin'),
    request: { body: body(contract.testSchema) },
    responses: {
      200: json(contract.reportSchema, 'The steps'),
      400: PROBLEM,
      404: PROBLEM,
      409: PROBLEM,
      429: PROBLEM,
    },
  });
  app.openapi(test, async (c) => {
    const { name, settings, probe } = c.req.valid('json');
    const what = name === undefined ? { settings: settings! } : { name };
    const report = await milters.check(what, probe, whoOf(c));
    return 'trouble' in report ? troubled(c, report) : c.json(report as Report, 200);
  });
}
