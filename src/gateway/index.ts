/** The program: starts, reloads and drains the gateway. */
export { systemClock } from './clock.ts';
export { Gateway, ReloadError, type Surroundings } from './gateway.ts';
export { openLog, type Log, type LogOptions } from './log.ts';
export { runGateway, type RunOptions } from './run.ts';
export { VERSION } from '#gateway/config';
