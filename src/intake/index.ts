/** Answers the SMTP client: from socket to spool. */
export { INTAKE_LIMITS, type HandOver, type IntakeLimits, type IntakeOptions } from './options.ts';
export { IntakePath } from './path.ts';
export { relayPolicy, type RelayNetwork, type RelayPolicy } from './relay.ts';
