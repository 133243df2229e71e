/** The client side of SMTP: connections to next hops and the pool that keeps them. */
export type { Credentials } from './auth.ts';
export type { OutgoingMessage, OutgoingRecipient } from './commands.ts';
export { SmtpConnection, openSmtpConnection } from './connection.ts';
export type { Extensions } from './extensions.ts';
export { parseHop } from './hop.ts';
export type { Hop } from './hop.ts';
export type { Inquiry } from './inquiry.ts';
export { TIMEOUTS } from './options.ts';
export type { ConnectOptions, HopMeter, Timeouts, TlsMode } from './options.ts';
export { POOL_LIMITS, SmtpPool } from './pool.ts';
export type { Answered, Balance, PoolLimits, PoolOptions } from './pool.ts';
export { ResolveFault, makeResolve } from './resolve.ts';
export type { Resolve } from './resolve.ts';
export type { Step, StepSender, Steps } from './steps.ts';
export type { Sent } from './transaction.ts';
export { troubleOf } from './where.ts';
export type { Trouble } from './where.ts';
