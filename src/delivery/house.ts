/** What a delivery is carried out with: everything that entries on their way share. */
import type { BackOff } from './back-off.ts';
import type { Holding } from './holding.ts';
import type { Lanes } from './lanes.ts';
import type { DeliveryOptions } from './options.ts';
import type { Rates } from './rates.ts';
import type { Suspensions } from './suspensions.ts';

/** Where entries are delivered from. */
export interface House {
  readonly options: DeliveryOptions;
  readonly holding: Holding;
  readonly lanes: Lanes;
  readonly rates: Rates;
  readonly backOff: BackOff;
  readonly suspensions: Suspensions;
  /** Makes queue ids for notices. */
  readonly newId: () => string;
  /** The time by which entries expire. */
  readonly expiryNow: () => number;
  /** Delivery is ending: what was not tried goes back into the queue at once. */
  readonly stopping: boolean;
  /** The queue has a new entry. */
  wake(): void;
  /** An entry is back in the queue, due at this time. */
  dueAt(time: number): void;
}
