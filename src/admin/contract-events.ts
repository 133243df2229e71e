/** Streams of events in the words of the HTTP API. */
import { z } from '@hono/zod-openapi';
import { conversationWords } from './contract-conversations.ts';
import { historyWords } from './contract-history.ts';

export const TOPICS = ['history', 'conversations', 'queue', 'metrics'] as const;
export type Topic = (typeof TOPICS)[number];

const topics = z
  .string()
  .max(100)
  .transform((text, cx): readonly Topic[] => {
    const named = text.split(',').map((t) => t.trim());
    if (named.every((t): t is Topic => (TOPICS as readonly string[]).includes(t))) return [...new Set(named)];
    cx.addIssue({ code: 'custom', message: `the topics are ${TOPICS.join(', ')}` });
    return z.NEVER;
  })
  .openapi({ type: 'string', example: 'history,queue' });

/** Conditions hold for the topics that know them: those of the history and of conversations. */
export const eventsQuery = z.strictObject({ topics, ...conversationWords, ...historyWords });

/** A browser hands back the id of the last event that it got. */
export const eventsHeaders = z.object({
  'last-event-id': z
    .string()
    .regex(/^\d{1,16}-[A-Za-z0-9]{0,64}$/)
    .optional()
    .openapi({ description: 'The id of the last event that came' }),
});
export const packetHeaders = z.object({
  'last-event-id': z
    .string()
    .regex(/^\d{1,7}\.\d{1,10}$/)
    .optional()
    .openapi({ description: 'The id of the last event that came' }),
});
export const packetEventsQuery = z.strictObject({
  part: z.coerce.number().int().min(0).max(1_000_000).default(0),
  after: z.coerce.number().int().min(0).max(1_000_000_000).default(0),
});
