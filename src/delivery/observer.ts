/** Who hears what becomes of recipients on the way out. Called synchronously; must not throw. */
import type { EntryMeta, EntryRecipient } from '#spool';

/** Hears outcomes. */
export interface DeliveryObserver {
  /** The recipient was tried, or given up, and stands like that now. */
  outcome(entry: EntryMeta, recipient: EntryRecipient): void;
}
