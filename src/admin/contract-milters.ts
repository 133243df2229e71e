/** The words of the HTTP API about filters: health, tests, dry runs, expressions. See contract.ts for the rules. */
import { z } from '@hono/zod-openapi';
import { MAX_DRY_RECIPIENTS, MAX_PAUSE_TEXT, PROBES } from '#gateway';

const COUNT = z.number().int().nonnegative();
const MS = z.number().nonnegative();
const TIME = z.string().openapi({ format: 'date-time' });
const COUNTS = z.record(z.string(), COUNT);

/** Longest expression, or block, in characters of JSON. */
export const MAX_EXPRESSION = 65_536;

export const nameParam = z.object({
  name: z
    .string()
    .min(1)
    .max(128)
    .openapi({ param: { name: 'name', in: 'path' } }),
});

/** How a filter is doing, as MilterHealth says. */
export const healthSchema = z
  .object({
    name: z.string(),
    state: z.enum(['answering', 'slow', 'unreachable', 'paused', 'unused']),
    says: z.string(),
    since: TIME.nullable(),
    tries: COUNT,
    nextTry: TIME.nullable(),
    lastError: z.string(),
    lastErrorAt: TIME.nullable(),
    pausedBy: z.string(),
    pausedUntil: TIME.nullable(),
    reason: z.string(),
    version: COUNT,
    actions: z.array(z.string()),
    protocol: z.array(z.string()),
    inFlight: COUNT,
    idle: COUNT,
    p50: MS,
    p95: MS,
    p99: MS,
    messages: COUNT,
    answers: COUNTS,
    errors: COUNTS,
    troubles: z
      .record(z.string(), z.object({ at: TIME, text: z.string() }))
      .openapi({ description: 'the latest words of each kind of error' }),
  })
  .openapi('MilterHealth');

/** A year, in milliseconds. */
const LONGEST_PAUSE = 31_536_000_000;

export const pauseSchema = z
  .strictObject({
    reason: z.string().min(1).max(MAX_PAUSE_TEXT),
    /** Milliseconds; left out: until it is resumed. */
    for: z.number().int().positive().max(LONGEST_PAUSE).optional(),
  })
  .openapi('MilterPause');

export const testSchema = z
  .strictObject({
    name: z.string().min(1).max(128).optional(),
    settings: z.record(z.string().max(64), z.unknown()).optional(),
    probe: z.enum(PROBES).default('none'),
  })
  .refine(({ name, settings }) => (name === undefined) !== (settings === undefined), {
    error: 'name either a configured filter, or settings',
  })
  .openapi('MilterTest');

export const reportSchema = z
  .object({
    target: z.string(),
    ok: z.boolean(),
    steps: z.array(
      z.object({
        step: z.enum(['resolve', 'connect', 'tls', 'negotiate', 'flags', 'probe', 'quit']),
        ok: z.boolean(),
        ms: MS,
        says: z.string(),
        evidence: z.array(z.object({ name: z.string(), value: z.string() })),
      }),
    ),
    says: z.string(),
    exit: COUNT,
  })
  .openapi('MilterTestReport');

const address = z.string().max(1000);

export const dryRunSchema = z
  .strictObject({
    message: z.string().max(1_048_576),
    /** `base64`: the bytes of the message as they are. */
    encoding: z.enum(['text', 'base64']).default('text'),
    client: z.union([z.ipv4(), z.ipv6(), z.literal('')]).default('127.0.0.1'),
    clientName: z.string().max(255).default(''),
    helo: z.string().max(255).default('localhost'),
    user: z.string().max(255).default(''),
    listener: z.string().max(255),
    from: address.default(''),
    to: z.array(address).min(1).max(MAX_DRY_RECIPIENTS),
  })
  .openapi('DryRun');

const word = { name: z.string(), verdict: z.string(), ms: MS, error: z.string() };
const edit = z.object({
  kind: z.string(),
  name: z.string().optional(),
  value: z.string().optional(),
  index: COUNT.optional(),
  address: z.string().optional(),
  params: z.string().optional(),
  reason: z.string().optional(),
  bytes: COUNT.optional(),
});
const BYTES = z.string().openapi({ format: 'byte', description: 'base64' });
const moment = {
  sender: z.string(),
  recipients: z.array(z.string()),
  header: BYTES,
  body: BYTES.nullable(),
  bodySize: COUNT,
};

export const dryRunResultSchema = z
  .object({
    outcome: z.enum(['accepted', 'held', 'discarded', 'rejected', 'tempfailed']),
    says: z.string(),
    replies: z.array(z.object({ command: z.string(), reply: z.string(), filters: z.array(z.object(word)) })),
    filters: z.array(z.object({ ...word, edits: z.array(edit) })),
    changes: z
      .object({
        original: z.object(moment),
        steps: z.array(z.object({ ...moment, milter: z.string(), edits: z.array(edit) })),
      })
      .nullable(),
    delivery: z.array(
      z.object({
        recipient: z.string(),
        route: z.number().int().min(-1),
        passedOver: z.array(z.string()),
        via: z.string(),
        hops: z.array(z.string()),
        destination: z.string(),
        says: z.string(),
      }),
    ),
  })
  .openapi('DryRunResult');

/** A text, or a block in any form that the configuration takes. */
const expression = z
  .union([z.string(), z.boolean(), z.record(z.string(), z.unknown()), z.array(z.unknown())])
  .refine((value) => JSON.stringify(value).length <= MAX_EXPRESSION, {
    error: `longer than ${MAX_EXPRESSION} characters`,
  });
const place = z.enum(['enable', 'route']).default('enable');

export const checkSchema = z
  .strictObject({ expression, for: place, stages: z.array(z.string().max(16)).max(6).optional() })
  .openapi('ExpressionCheck');

const finding = z.object({
  path: z.string(),
  at: COUNT,
  length: COUNT,
  severity: z.enum(['error', 'warning']),
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
});
const checked = { ok: z.boolean(), diagnostics: z.array(finding), constant: z.boolean().nullable() };

export const checkedSchema = z.object(checked).openapi('ExpressionChecked');

export const evalSchema = z
  .strictObject({
    expression,
    for: place,
    variables: z
      .record(
        z.string().max(64),
        z.union([z.string().max(10_000), z.number(), z.boolean(), z.array(z.string().max(1000)).max(1000)]),
      )
      .default({}),
  })
  .openapi('ExpressionEval');

export const evaluatedSchema = z
  .object({
    ...checked,
    value: z.string(),
    holds: z.boolean().nullable(),
    steps: z.array(
      z.object({ path: z.string(), at: COUNT, length: COUNT, text: z.string(), value: z.string() }),
    ),
  })
  .openapi('ExpressionEvaluated');

const variable = z.object({
  name: z.string(),
  type: z.enum(['text', 'integer', 'array']),
  since: z.string(),
});

export const languageSchema = z
  .object({
    variables: z.object({ enable: z.array(variable), route: z.array(variable) }),
    functions: z.array(
      z.object({
        name: z.string(),
        signature: z.string(),
        tells: z.string(),
        available: z.boolean(),
      }),
    ),
  })
  .openapi('ExpressionLanguage');
