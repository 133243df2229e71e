/** The program: starts, reloads and drains the gateway. */
export type { Attend } from './attend.ts';
export { systemClock } from './clock.ts';
export type { Office } from './office.ts';
export { Gateway, ReloadError, type Prepared, type Surroundings } from './gateway.ts';
export * from './metrics/index.ts';
export type { Readiness } from './ready.ts';
export { openLog, type Log, type LogOptions } from './log.ts';
export * from './check/index.ts';
export * from './milters/index.ts';
export * from './queue/index.ts';
export { replaceFile } from './replace-file.ts';
export * from './settings/index.ts';
export { runGateway, type RunOptions } from './run.ts';
export { hashPassword, type Accounts, type SignIn, type Standing } from './users/index.ts';
export { VERSION } from '#gateway/config';
export { work } from './workers/worker.ts';
