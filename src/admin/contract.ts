/**
 * The words of the HTTP API: what requests and answers look like. One schema validates requests and makes the OpenAPI document.
 *
 * Fields are only ever added. Addresses are readable text; whoever sends bytes that are no UTF-8 in an address cannot name it.
 */
import { z } from '@hono/zod-openapi';
import { MAX_IDS, MAX_WHERE, MAX_WHERE_TEXT, VERBS } from '#gateway';
import { ENTRY_ID } from '#spool';

const COUNT = z.number().int().nonnegative();
const TIME = z.string().openapi({ format: 'date-time' });
const STATES = ['queued', 'leased', 'held'] as const;

/** Longest address and reason in a request, in characters. */
export const MAX_TEXT = 500;
/** Recipients, or filters, named in one order. */
export const MAX_NAMED = 1000;

const text = z.string().min(1).max(MAX_TEXT);

/** One entry, as QueueLine says. */
export const entrySchema = z
  .object({
    id: z.string(),
    state: z.enum(STATES),
    receivedAt: TIME,
    size: COUNT,
    sender: z.string(),
    recipients: z.array(
      z.object({ address: z.string(), state: z.string(), attempts: COUNT, lastError: z.string() }),
    ),
    attempts: COUNT,
    nextAttempt: TIME.nullable(),
    expiresAt: TIME,
    lastError: z.string(),
    hold: z.object({ reason: z.string(), by: z.string(), since: TIME }).nullable(),
  })
  .openapi('Entry');

/** A page of the queue. `next`: the `after` of the next one, null behind the last; a page may be short and have one. */
export const pageSchema = z.object({ entries: z.array(entrySchema), next: z.string().nullable() });

export const idSchema = z.object({
  id: z
    .string()
    .regex(ENTRY_ID, 'an id is 1 to 64 letters and digits')
    .openapi({ param: { name: 'id', in: 'path' } }),
});

const conditions = z.array(z.string().max(MAX_WHERE_TEXT)).max(MAX_WHERE);
/** A query parameter that may come once, often or not at all. */
const whereParameter = z
  .preprocess((v) => (v === undefined ? [] : Array.isArray(v) ? v : [v]), conditions)
  .openapi({ type: 'array', items: { type: 'string' }, example: ['rcpt_domain=example.org', 'age>2h'] });

export const listQuery = z.object({
  where: whereParameter,
  after: z.string().regex(ENTRY_ID).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export const whereQuery = z.object({ where: whereParameter });
export const shapeQuery = z.object({
  where: whereParameter,
  by: z.enum(['rcpt_domain', 'sender_domain']).default('rcpt_domain'),
});

/** What orders say besides their verb. */
const details = {
  reason: z.string().max(MAX_TEXT).optional(),
  recipients: z.array(text).min(1).max(MAX_NAMED).optional(),
  filters: z.enum(['auto', 'again', 'none']).optional(),
  skip: z.array(text).max(MAX_NAMED).optional(),
  to: text.optional(),
};

/** An order about one entry. */
export const orderSchema = z.strictObject(details).openapi('Order');
export type Order = z.output<typeof orderSchema>;

export const verbSchema = idSchema.extend({
  verb: z.enum(VERBS).openapi({ param: { name: 'verb', in: 'path' } }),
});

/** An order about many: by ids, by conditions, or all there are. */
export const ordersSchema = z
  .strictObject({
    verb: z.enum(VERBS),
    ids: z.array(z.string().max(MAX_TEXT)).min(1).max(MAX_IDS).optional(),
    where: conditions.min(1).optional(),
    all: z.literal(true).optional(),
    dryRun: z.boolean().optional(),
    ...details,
  })
  .refine(({ ids, where, all }) => [ids, where, all].filter((s) => s !== undefined).length === 1, {
    error: 'name either ids, or where, or all',
  })
  .openapi('Orders');

export const resultSchema = z
  .object({
    id: z.string(),
    result: z.enum(['done', 'would', 'absent', 'busy', 'unfit', 'refused', 'failed']),
    detail: z.string(),
    as: z.string().optional(),
  })
  .openapi('Result');

export const shapeSchema = z.object({
  by: z.string(),
  ages: z.array(COUNT),
  rows: z.array(z.object({ domain: z.string(), total: COUNT, counts: z.array(COUNT) })),
});

export const statsSchema = z.object({
  messages: COUNT,
  queued: COUNT,
  leased: COUNT,
  held: COUNT,
  deferred: COUNT,
  recipients: COUNT,
  bytes: COUNT,
  oldest: TIME.nullable(),
  nextAttempt: TIME.nullable(),
});

/** Ten years, in milliseconds: a longer suspension is one without an end. */
const LONGEST_FOR = 315_360_000_000;

export const suspendedSchema = z.strictObject({ kind: z.enum(['destination', 'domain']), name: text });
export const suspendSchema = suspendedSchema.extend({
  reason: text,
  /** Milliseconds from now on; left out: until it is taken back. */
  for: z.number().int().positive().max(LONGEST_FOR).optional(),
});
export const suspensionSchema = z
  .object({
    kind: z.enum(['destination', 'domain']),
    name: z.string(),
    until: TIME.nullable(),
    since: TIME,
    reason: z.string(),
    by: z.string(),
  })
  .openapi('Suspension');

/** What is wrong with a configuration, or worth a second look, at its place. */
export const findingSchema = z
  .object({
    severity: z.enum(['error', 'warning']),
    path: z.string().openapi({ example: 'milters[1].timeoutConnect' }),
    line: COUNT,
    column: COUNT,
    code: z.string(),
    message: z.string(),
    remedy: z.string(),
  })
  .openapi('Finding');

/** RFC 9457, and what else is known. */
export const problemSchema = z
  .object({
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    /** Of the first thing that is wrong: in the request, or in the configuration. */
    path: z.string().optional(),
    errors: z.array(findingSchema).optional(),
    warnings: z.array(findingSchema).optional(),
    /** The revision that there is by now. */
    revision: z.string().optional(),
    /** What would stand in the file, to be put there by hand. */
    text: z.string().optional(),
  })
  .openapi('Problem');
export type Problem = z.output<typeof problemSchema>;
