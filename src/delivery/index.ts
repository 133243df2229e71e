/** Sends accepted mail on: from the spool to next hops, with retries, expiry and failure notices. */
export * from './agent.ts';
export { makeDiscardAgent } from './agents/discard.ts';
export { makeMaildirAgent } from './agents/maildir.ts';
export type { MaildirOptions } from './agents/maildir.ts';
export { makeSmtpAgent } from './agents/smtp.ts';
export { LEASE_MS } from './options.ts';
export type {
  Concurrency,
  Delivery,
  DeliveryOptions,
  DeliverySettings,
  Route,
  RouteFacts,
} from './options.ts';
export { startDelivery } from './start.ts';
