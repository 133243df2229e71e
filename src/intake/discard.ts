/**
 * A message nobody needs: a filter ordered it thrown away before its content came. The client sees success to the end.
 *
 * Made by path.ts with the order. No filter is asked any more, so who it was to go to is kept here for the log. Never fails.
 */
import { status, type Origin, type Recipient, type Status } from '#message';
import type { ContentSink } from '#smtp/server';
import type { Chain, Transaction } from '#stages';
import type { IntakeOptions } from './options.ts';
import { discardedFacts } from './record.ts';

/** What a recipient is told, of a message that is wanted and of one that is not alike. */
export const RECIPIENT_OK = status(250, '2.1.5', 'Ok');

/** See the head of the file. */
export class Discarded {
  /** The filter that ordered it. */
  readonly by: string;
  readonly #transaction: Transaction;

  /** `transaction`: as it was when the order came; the chain knows it no more. */
  constructor(by: string, transaction: Transaction) {
    this.by = by;
    this.#transaction = transaction;
  }

  /** A recipient, named with the order or after it. */
  rcpt(recipient: Recipient): Status {
    this.#transaction.recipients.push(recipient);
    return RECIPIENT_OK;
  }

  /** Takes the content, forgets it, says 250 as if it were queued and notes who ordered it. */
  content({ clock, notices }: IntakeOptions, origin: Origin, chain: Chain): ContentSink {
    const transaction = this.#transaction;
    const { id } = transaction;
    return {
      write: () => undefined,
      end: (fault) => {
        if (fault) return fault.status;
        notices('message.discarded', discardedFacts(this.by, origin, chain, clock.elapsed(), transaction));
        return status(250, '2.0.0', `Ok: queued as ${id}`);
      },
    };
  }
}
