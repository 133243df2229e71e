/** What happened: the history of messages, the conversations packet by packet, and what filters changed. */
export * from './changes.ts';
export * from './conversation.ts';
export * from './policy.ts';
export * from './reader.ts';
export * from './row.ts';
