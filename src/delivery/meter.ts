/** What is counted of delivery: plain numbers, handed to whoever keeps the figures. Pure declarations. */

/** Why a recipient was put off. */
export type DeferralReason =
  'dns' | 'connect' | 'timeout' | 'tls' | 'greeting' | 'mail' | 'rcpt' | 'data' | 'rate' | 'local';

/** How an entry left the queue by itself. */
export type RemovalReason = 'delivered' | 'bounced' | 'expired' | 'discarded';

/** Hears what became of attempts. `via` is that of the route. Must not throw, wait or make objects. */
export interface DeliveryMeter {
  /** One attempt at one destination is over. */
  attempted(via: string, ms: number): void;
  /** A recipient was delivered, so many milliseconds after the message was accepted. */
  delivered(via: string, ageMs: number): void;
  failed(via: string): void;
  deferred(via: string, reason: DeferralReason): void;
  /** Recipients were not tried as the destination has had its messages for now. */
  postponed(via: string, recipients: number): void;
  /** An entry is finished. */
  removed(reason: RemovalReason): void;
}
