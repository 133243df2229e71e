/** Answers the SMTP client: from socket to spool. */
export { INTAKE_LIMITS, type HandOver, type IntakeLimits, type IntakeOptions } from './options.ts';
export { ObservedPath } from './observed.ts';
export type { IntakeObserver, TransactionFacts, TransactionOutcome } from './observer.ts';
export { IntakePath } from './path.ts';
export { RecipientList, recipientCheck, type RecipientCheck } from './recipients.ts';
export type { HopTransaction, PassedMessage, PassedSender, PassThrough } from './through.ts';
export { resubmit, type Resubmission, type Resubmitted } from './resubmit.ts';
export { among } from './networks.ts';
export { relayPolicy, type RelayPolicy } from './relay.ts';
