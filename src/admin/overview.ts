/** The gateway at a glance as a resource of the HTTP API. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import type { Office, Overview } from '#gateway';
import { needs } from './access/needs.ts';

const COUNT = z.number().int().nonnegative();
/** Milliseconds since 1970. */
const AT = z.number().openapi({ description: 'milliseconds since 1970' });
const MS = z.number().openapi({ description: 'milliseconds' });

const overviewSchema = z
  .object({
    now: AT,
    hostname: z.string(),
    version: z.string(),
    perMinute: z
      .array(
        z.object({
          at: AT,
          accepted: COUNT,
          rejected: COUNT,
          tempfailed: COUNT,
          held: COUNT,
          discarded: COUNT,
        }),
      )
      .openapi({ description: 'the last 60 minutes, the present one at the end' }),
    accept: z
      .object({ p50: MS.nullable(), p95: MS.nullable(), p99: MS.nullable() })
      .openapi({ description: 'final dot to reply within the last minutes' }),
    queue: z.object({ messages: COUNT, held: COUNT, deferred: COUNT, oldest: MS.nullable() }),
    milters: z.array(
      z.object({
        name: z.string(),
        state: z.string(),
        p95: MS.nullable(),
        errors: COUNT,
        answers: z.record(z.string(), COUNT),
      }),
    ),
    failures: z.array(z.object({ at: AT, text: z.string() })),
    configChanged: z.object({ at: AT, by: z.string() }).nullable(),
    certificates: z.array(z.object({ name: z.string(), daysLeft: z.number().int() })),
    spoolFree: z.number().nullable().openapi({ description: 'bytes' }),
    loopDelay: MS,
  })
  .openapi('Overview');

/** Adds `/api/v1/overview`. */
export function addOverview(app: OpenAPIHono, { metrics }: Office): void {
  const route = createRoute({
    method: 'get',
    path: '/api/v1/overview',
    summary: 'The gateway at a glance',
    middleware: needs('viewer'),
    responses: {
      200: { description: 'Figures', content: { 'application/json': { schema: overviewSchema } } },
    },
  });
  app.openapi(route, async (c) => c.json((await metrics.overview()) as Writable<Overview>, 200));
}

type Writable<T> = T extends readonly (infer I)[]
  ? Writable<I>[]
  : T extends object
    ? { -readonly [K in keyof T]: Writable<T[K]> }
    : T;
