/** The queue as operators see it: looking, ordering, expiring what is held. */
export { mailboxOf, operatorOf, VERBS, type Act, type ActResult, type Operator, type Verb } from './acts.ts';
export { makeDesk, openDesk, openSuspensions, type Desk, type DeskOptions, type OpenDesk } from './desk.ts';
export { HeldExpiry, heldExpirySettings } from './held-expiry.ts';
export type { QueueObserver } from './observer.ts';
export { matching, MAX_IDS, onEach, type Selection } from './many.ts';
export { NOT_SUSPENDED, suspensionLine, type SuspensionLine } from './suspended.ts';
export { shapeOf, statsOf, type Shape, type Stats } from './survey.ts';
export { MAX_WHERE, MAX_WHERE_TEXT, parseWhere, WHERE_KEYS, type BadWhere, type Where } from './where.ts';
