/** What happened: the history of messages, the conversations packet by packet, and what filters changed. */
export * from './changes.ts';
export * from './conversation.ts';
export { MAX_LOOKED_AT, MAX_PAGE } from './history.ts';
export { Journal, type JournalOptions, type JournalSettings } from './journal.ts';
export { markDamaged, openTables, type OpenOptions } from './open.ts';
export { KEEP_ALL, MAX_POLICY_BODY, MAX_POLICY_CLIENTS, readPolicy, type CapturePolicy } from './policy.ts';
export * from './reader.ts';
export type { Recorder } from './recorder.ts';
export * from './row.ts';
export { decodeWords } from './encoded-words.ts';
export { shown } from './shown.ts';
export { rowTest } from './history.ts';
