/** Conversations and the capture policy in the words of the HTTP API. Fields are only ever added. */
import { isIP } from 'node:net';
import { z } from '@hono/zod-openapi';
import { MAX_POLICY_BODY, MAX_POLICY_CLIENTS, MAX_TEXT as MAX_PATTERN, OUTCOMES } from '#journal';
import { COUNT, duration, limit, MS, time } from './contract-history.ts';
import { MAX_TEXT } from './contract.ts';

const text = z.string().min(1).max(MAX_TEXT);
const flag = z
  .enum(['true', 'false'])
  .transform((v) => v === 'true')
  .openapi({ type: 'boolean' });

/** Conditions on a part of a conversation. */
export const conversationWords = {
  client: text.optional(),
  listener: text.optional(),
  milter: text.optional(),
  from: text.optional(),
  rcpt: text.optional(),
  session: text.optional(),
  id: text.optional(),
  outcome: z.enum(OUTCOMES as [string, ...string[]]).optional(),
  errors: flag.optional(),
  open: flag.optional(),
  pinned: flag.optional(),
  since: time.optional(),
  until: time.optional(),
  slower: duration.optional(),
};

/** `before`: the cursor of the line to go on from, as `next` said. */
export const conversationQuery = z.strictObject({
  ...conversationWords,
  before: z
    .string()
    .max(200)
    .regex(/^[\w.:-]+$/)
    .optional(),
  limit,
});

export const lineSchema = z
  .object({
    cursor: z.string(),
    session: z.string(),
    part: COUNT,
    id: z.string(),
    at: MS,
    client: z.string(),
    listener: z.string(),
    from: z.string(),
    rcpt: z.string(),
    open: z.boolean(),
    packets: COUNT,
    bytes: COUNT,
    ms: MS,
    outcome: z.string(),
    milters: z.array(z.string()),
    slowest: MS,
    errors: COUNT,
    dropped: COUNT,
    pinned: z.boolean(),
  })
  .openapi('ConversationLine');

export const linesPage = z.object({ lines: z.array(lineSchema), next: z.string().nullable(), looked: COUNT });

/** Session ids as the SMTP server makes them; nothing else is looked for. */
export const SESSION = /^[A-Za-z0-9._-]{1,64}$/;

export const sessionParam = z.object({
  session: z
    .string()
    .regex(SESSION, 'a session is 1 to 64 letters and digits')
    .openapi({ param: { name: 'session', in: 'path' } }),
});

/** A conversation: its first line, and all its parts in order. */
export const conversationSchema = z.object({ line: lineSchema, parts: z.array(lineSchema) });

export const packetSchema = z
  .object({
    n: COUNT,
    part: COUNT,
    at: z.number(),
    delta: z.number(),
    lane: z.string(),
    direction: z.enum(['sent', 'received']),
    kind: z.enum(['smtp', 'milter', 'decision', 'note']),
    code: z.string(),
    summary: z.string(),
    fields: z.array(z.object({ name: z.string(), value: z.string() })),
    bytes: COUNT,
    waited: z.number().nullable(),
    /** Base64; '' where the scope does not reach. */
    data: z.string(),
    cut: COUNT,
    note: z.string(),
  })
  .openapi('PacketRow');

export const packetsQuery = z.strictObject({
  part: z.coerce.number().int().min(0).max(1_000_000).optional(),
  after: z.coerce.number().int().min(0).max(1_000_000_000).optional(),
});
export const packetsSchema = z.object({ packets: z.array(packetSchema) });

export const FORMATS = ['json', 'pcapng', 'test'] as const;
export const exportQuery = z.strictObject({
  format: z.enum(FORMATS).default('json'),
  part: packetsQuery.shape.part,
});

export const pinSchema = z.strictObject({ pinned: z.boolean() }).openapi('Pin');

/** An address, or a network `192.0.2.0/24`. */
function isNetwork(written: string): boolean {
  const [address = '', bits, ...more] = written.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

const pattern = z.string().min(1).max(MAX_PATTERN);

export const policySchema = z
  .strictObject({
    mode: z.enum(['all', 'matching', 'off']),
    client: z
      .array(z.string().max(60).refine(isNetwork, 'an address or a network such as 192.0.2.0/24'))
      .min(1)
      .max(MAX_POLICY_CLIENTS)
      .optional(),
    sender: pattern.optional(),
    recipient: pattern.optional(),
    milter: pattern.optional(),
    errorsOnly: z.boolean().optional(),
    slowerThan: z.number().int().nonnegative().max(86_400_000).optional(),
    body: z.number().int().nonnegative().max(MAX_POLICY_BODY),
  })
  .openapi('CapturePolicy');

/** The policy in force, and how much is kept. */
export const captureSchema = z.object({
  policy: policySchema,
  figures: z.object({
    rows: COUNT,
    sessions: COUNT,
    bytes: COUNT,
    capacity: COUNT,
    droppedBytes: COUNT,
  }),
});
