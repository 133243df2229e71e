/** The filter SDK: write a milter in TypeScript, run it behind any MTA. */
export type { Action } from './actions.ts';
export { converse, type Conversation, type Wire } from './conversation.ts';
export { accept, discard, quarantine, reject, tempfail } from './decisions.ts';
export type { Answer, Decision, Reply } from './decisions.ts';
export { DEFAULT_LIMITS, defineMilter } from './definition.ts';
export type { Filter, Limits, MilterDefinition, Observers } from './definition.ts';
export { FilterError, type FilterErrorCode } from './errors.ts';
export type { Header, Headers } from './headers.ts';
export type { Log, LogEntry } from './log.ts';
export type { Message } from './message.ts';
export type { Path } from './path.ts';
export { serve, type ServeOptions, type Serving } from './serve.ts';
export type { Client, Envelope, Session } from './session.ts';
