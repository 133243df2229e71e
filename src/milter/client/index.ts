/** The MTA's side of the milter protocol: one conversation with one filter. */
export { connectMilter, negotiate } from './open.ts';
export { addressesOf, connectTo, endpointText, secureOver, type Where } from './dial.ts';
export { MilterError, type MilterErrorCode } from './errors.ts';
export type { MilterConversation } from './conversation.ts';
export type { ContentAnswer, MilterContent } from './content.ts';
export * from './options.ts';
