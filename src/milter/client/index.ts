/** The MTA's side of the milter protocol: one conversation with one filter. */
export { connectMilter } from './open.ts';
export { MilterError, type MilterErrorCode } from './errors.ts';
export type { MilterConversation } from './conversation.ts';
export type { ContentAnswer, MilterContent } from './content.ts';
export * from './options.ts';
