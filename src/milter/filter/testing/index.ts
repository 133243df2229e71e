/** Tests for filters: plays an MTA in memory or over a socket. Works with any test runner. */
export { drive } from './drive.ts';
export type { DriveOptions, MailSteps, Mta } from './drive.ts';
export { DriveError } from './error.ts';
export type { PlayedClient } from './player.ts';
export type { MtaName } from './profiles.ts';
export type { Packet, Result, ResultHeaders } from './result.ts';
export type { MessageSource } from './source.ts';
