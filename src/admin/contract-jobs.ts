/** Jobs in the words of the HTTP API. Fields are only ever added. */
import { z } from '@hono/zod-openapi';
import { VERBS } from '#gateway';
import { COUNT } from './contract-history.ts';
import { ordersSchema, resultSchema } from './contract.ts';

/** An order about many, as of /queue-orders. */
export const jobOrderSchema = ordersSchema;

/** Longest Idempotency-Key. */
export const MAX_KEY = 200;
export const jobHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, `an Idempotency-Key is 1 to ${MAX_KEY} printable characters`)
    .optional()
    .openapi({ description: 'A request sent twice with it begins one job' }),
});

export const jobParam = z.object({
  id: z
    .string()
    .regex(/^[0-9a-f]{18}$/, 'there is no such job')
    .openapi({ param: { name: 'id', in: 'path' } }),
});

export const jobSchema = z
  .object({
    id: z.string(),
    verb: z.enum(VERBS),
    by: z.string(),
    dryRun: z.boolean(),
    begunAt: z.number(),
    endedAt: z.number().nullable(),
    /** Null while the entries are looked for. */
    total: COUNT.nullable(),
    done: COUNT,
    failed: COUNT,
    finished: z.boolean(),
    stopped: z.boolean(),
    trouble: z.string(),
    /** The last 100. */
    results: z.array(resultSchema),
  })
  .openapi('Job');

export const jobsSchema = z.object({ jobs: z.array(jobSchema) });
export const begunSchema = z.object({ id: z.string() });
