/** Sends accepted mail on: from the spool to next hops, with retries, expiry and notices to senders. */
export type { DeliveryObserver } from './observer.ts';
export * from './agent.ts';
export { makeDiscardAgent } from './agents/discard.ts';
export { makeMaildirAgent } from './agents/maildir.ts';
export type { MaildirOptions } from './agents/maildir.ts';
export { makeMxAgent, mxDestination } from './agents/mx.ts';
export type { MxOptions } from './agents/mx.ts';
export { makeSmtpAgent } from './agents/smtp.ts';
export type { Troubled } from './back-off.ts';
export type { Returned } from './dsn.ts';
export { giveUp, type GivenUp } from './give-up.ts';
export type { DeferralReason, DeliveryMeter, RemovalReason } from './meter.ts';
export { LEASE_MS } from './options.ts';
export type {
  Concurrency,
  Delivery,
  DeliveryOptions,
  DeliverySettings,
  Rate,
  Route,
  RouteFacts,
  RouteLimits,
} from './options.ts';
export { startDelivery } from './start.ts';
export { MAX_SUSPENSION_TEXT, MAX_SUSPENSIONS, Suspensions } from './suspensions.ts';
export type { Suspended, SuspendRefusal, Suspension, SuspensionsOptions } from './suspensions.ts';
