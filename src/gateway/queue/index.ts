/** The queue as operators see it: looking, ordering, expiring what is held. */
export { mailboxOf, operatorOf, VERBS, type Act, type ActResult, type Operator, type Verb } from './acts.ts';
export {
  makeDesk,
  openDesk,
  openSuspensions,
  openTrail,
  type Desk,
  type DeskOptions,
  type OpenDesk,
} from './desk.ts';
export { HeldExpiry, heldExpirySettings } from './held-expiry.ts';
export type { QueueObserver } from './observer.ts';
export { heldLines, type HeldDesk, type HeldLine } from './held.ts';
export { Jobs, type Job, type JobOrder } from './jobs.ts';
export { matching, MAX_IDS, onEach, type Selection } from './many.ts';
export { lookInto, type Preview } from './preview.ts';
export type { Rescan } from './refilter.ts';
export { NOT_SUSPENDED, suspensionLine, type SuspensionLine } from './suspended.ts';
export { shapeOf, statsOf, type Shape, type Stats } from './survey.ts';
export { MAX_NOTE, Trail, type Note, type TrailRecord } from './trail.ts';
export { MAX_WHERE, MAX_WHERE_TEXT, parseWhere, WHERE_KEYS, type BadWhere, type Where } from './where.ts';
