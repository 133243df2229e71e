/** The history in the words of the HTTP API. Fields are only ever added. Times are milliseconds since 1970. */
import { z } from '@hono/zod-openapi';
import { parseDuration } from '#clock';
import { OUTCOMES } from '#journal';
import { ENTRY_ID } from '#spool';
import { MAX_TEXT } from './contract.ts';

export const COUNT = z.number().int().nonnegative();
export const MS = z.number().nonnegative();
const text = z.string().min(1).max(MAX_TEXT);

/** Rows of a page. */
export const MAX_PAGE = 500;
export const limit = z.coerce.number().int().min(1).max(MAX_PAGE).default(100);

/** A time: ISO 8601, milliseconds since 1970, or how long ago (`2h`). */
export const time = z
  .string()
  .max(40)
  .transform((written, cx): ((now: number) => number) => {
    if (/^\d{1,16}$/.test(written)) return () => Number(written);
    const ago = parseDuration(written);
    if (ago !== null) return (now) => now - ago;
    const at = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?$/.test(written) ? Date.parse(written) : NaN;
    if (Number.isFinite(at)) return () => at;
    cx.addIssue({
      code: 'custom',
      message: 'a time is 2026-11-22T10:00:00Z, milliseconds since 1970, or 2h for so long ago',
    });
    return z.NEVER;
  })
  .openapi({ type: 'string', example: '2h' });

/** A duration: milliseconds, or `500ms`. */
export const duration = z
  .string()
  .max(20)
  .transform((written, cx): number => {
    const ms = /^\d{1,12}$/.test(written) ? Number(written) : parseDuration(written);
    if (ms !== null) return ms;
    cx.addIssue({ code: 'custom', message: 'a duration is 500ms, 2s, or a number of milliseconds' });
    return z.NEVER;
  })
  .openapi({ type: 'string', example: '500ms' });

/** Conditions of the history, each at most once. */
export const historyWords = {
  from: text.optional(),
  rcpt: text.optional(),
  client: text.optional(),
  listener: text.optional(),
  user: text.optional(),
  milter: text.optional(),
  verdict: text.optional(),
  outcome: z.enum(OUTCOMES as [string, ...string[]]).optional(),
  subject: text.optional(),
  id: text.optional(),
  session: text.optional(),
  state: text.optional(),
  q: text.optional(),
  since: time.optional(),
  until: time.optional(),
  slower: duration.optional(),
};

/** `before`: the id to go on from, as `next` said. An unknown word is refused, or it would be taken for no condition. */
export const historyQuery = z.strictObject({
  ...historyWords,
  before: z.string().regex(ENTRY_ID).optional(),
  after: z.string().regex(ENTRY_ID).optional(),
  limit,
});

export const rowSchema = z
  .object({
    id: z.string(),
    session: z.string(),
    part: COUNT,
    at: MS,
    listener: z.string(),
    client: z.string(),
    clientName: z.string(),
    helo: z.string(),
    tls: z.string(),
    user: z.string(),
    from: z.string(),
    to: z.array(z.string()),
    recipients: COUNT,
    subject: z.string(),
    size: COUNT,
    outcome: z.enum(OUTCOMES as [string, ...string[]]),
    reply: z.string(),
    by: z.string(),
    filters: z.array(
      z.object({
        name: z.string(),
        verdict: z.string(),
        ms: MS,
        edits: z.array(z.string()),
        error: z.string(),
      }),
    ),
    ms: MS,
    acceptMs: MS,
    filterMs: MS,
    changed: z.boolean(),
    delivery: z.array(
      z.object({
        recipient: z.string(),
        state: z.string(),
        at: MS,
        reply: z.string(),
        hop: z.string(),
        attempts: COUNT,
      }),
    ),
  })
  .openapi('HistoryRow');

/** `next`: the `before` (or `after`) of the following page, null at the end; a page may be short and have one. `looked`: rows looked at. */
export const historyPage = z.object({ rows: z.array(rowSchema), next: z.string().nullable(), looked: COUNT });

const place = z.object({
  /** From 0, in the header before or after. */
  at: COUNT,
  value: z.string(),
  /** The field as it stands, base64. */
  raw: z.string(),
});
export const fieldChangeSchema = z
  .object({
    kind: z.enum(['kept', 'moved', 'refolded', 'changed', 'added', 'removed']),
    name: z.string(),
    before: place.nullable(),
    after: place.nullable(),
    moved: z.boolean(),
    /** The position that the filter gave, when it inserted the field. */
    asked: z.number().int().nullable(),
    /** The filters that did it. */
    by: z.array(z.string()),
  })
  .openapi('FieldChange');

export const bodyDiffSchema = z
  .object({
    hunks: z.array(
      z.object({
        before: COUNT,
        beforeLines: COUNT,
        after: COUNT,
        afterLines: COUNT,
        lines: z.array(z.string()),
      }),
    ),
    added: COUNT,
    removed: COUNT,
    /** Not everything was compared, or is shown. */
    cut: z.boolean(),
  })
  .openapi('BodyDiff');

const message = {
  sender: z.string(),
  recipients: z.array(z.string()),
  /** Base64. */
  header: z.string(),
};
const edit = z.object({
  kind: z.string(),
  name: z.string().optional(),
  value: z.string().optional(),
  index: z.number().optional(),
  address: z.string().optional(),
  params: z.string().optional(),
  reason: z.string().optional(),
  bytes: z.number().optional(),
});
const difference = {
  added: z.array(z.string()),
  removed: z.array(z.string()),
  fields: z.array(fieldChangeSchema),
  bodyDiff: bodyDiffSchema.nullable(),
};

/** What filters did to a message: after each of them, and all together. Bytes are base64. */
export const changesSchema = z
  .object({
    id: z.string(),
    original: z.object({ ...message, body: z.string(), bodySize: COUNT }),
    steps: z.array(
      z.object({
        milter: z.string(),
        edits: z.array(edit),
        ...message,
        body: z.string().nullable(),
        bodySize: COUNT,
        ...difference,
      }),
    ),
    total: z.object({ ...message, ...difference }),
  })
  .openapi('Changes');

export const whichQuery = z.strictObject({ which: z.enum(['original', 'final']).default('final') });
