/** The SMTP and LMTP server: bytes, order, TLS and replies; what to do with mail is decided by an SmtpHandler. */
export { clientNetwork } from './client-network.ts';
export { openDoor, type Door, type DoorKeeper } from './door.ts';
export type { Authenticator, AuthOptions, PasswordAttempt, Verification } from './authenticator.ts';
export * from './handler.ts';
export type { RefusalReason, SmtpMeter } from './meter.ts';
export { DEFAULT_LIMITS, type ClientName, type SmtpLimits, type SmtpServerOptions } from './options.ts';
export type { MechanismName, ScramCredentials } from './sasl/mechanism.ts';
export type { ObservedSession, SmtpObserver } from './observer.ts';
export { createSmtpServer, type SmtpServer } from './server.ts';
