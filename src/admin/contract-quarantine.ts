/** Held mail in the words of the HTTP API. Fields are only ever added. */
import { z } from '@hono/zod-openapi';
import { MAX_NOTE } from '#gateway';
import { ENTRY_ID } from '#spool';
import { fieldChangeSchema, COUNT } from './contract-history.ts';
import { listQuery, MAX_NAMED, MAX_TEXT } from './contract.ts';

const TIME = z.string().openapi({ format: 'date-time' });

/** Entries of a page: the header of each is read. */
export const MAX_HELD_PAGE = 200;

export const heldQuery = z.strictObject({
  where: listQuery.shape.where,
  after: z.string().regex(ENTRY_ID).optional(),
  limit: z.coerce.number().int().min(1).max(MAX_HELD_PAGE).default(100),
});

/** One held entry, as HeldLine says. */
export const heldSchema = z
  .object({
    id: z.string(),
    receivedAt: TIME,
    since: TIME,
    expiresAt: TIME,
    reason: z.string(),
    by: z.string(),
    sender: z.string(),
    from: z.string(),
    subject: z.string(),
    to: z.array(z.string()),
    recipients: COUNT,
    size: COUNT,
    client: z.string(),
    clientName: z.string(),
    listener: z.string(),
    user: z.string(),
    malware: z.boolean(),
    note: z.string(),
    noteBy: z.string(),
  })
  .openapi('HeldEntry');

export const heldPage = z.object({ entries: z.array(heldSchema), next: z.string().nullable() });

export const previewSchema = z
  .object({
    header: z.array(z.object({ name: z.string(), value: z.string() })),
    text: z.string(),
    textType: z.string(),
    parts: z.array(z.object({ type: z.string(), name: z.string(), bytes: COUNT })),
    cut: z.boolean(),
  })
  .openapi('Preview');

/** Filters that are left out. */
export const rescanSchema = z
  .strictObject({ skip: z.array(z.string().min(1).max(MAX_TEXT)).max(MAX_NAMED).optional() })
  .openapi('RescanOrder');

/** What the filters would say. With `pass`: what they would make of its header, and who it would go to. */
export const verdictSchema = z
  .object({
    id: z.string(),
    verdict: z.enum(['pass', 'hold', 'refuse', 'discard', 'absent', 'unfit', 'failed']),
    detail: z.string(),
    fields: z.array(fieldChangeSchema).optional(),
    to: z.array(z.string()).optional(),
  })
  .openapi('Verdict');

export const noteSchema = z.strictObject({ text: z.string().max(MAX_NOTE) }).openapi('Note');

/** Who did what, oldest first. */
export const trailSchema = z.object({
  records: z.array(
    z.object({
      at: z.number(),
      id: z.string(),
      verb: z.string(),
      by: z.string(),
      result: z.string(),
      detail: z.string(),
      as: z.string().optional(),
      text: z.string().optional(),
    }),
  ),
});
