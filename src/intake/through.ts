/**
 * Pass-through: mail that is not kept but handed to a next hop while its client waits, who hears that hop's own answers.
 *
 * Called by path.ts and reception.ts in place of the spool. The filters speak first; what they let pass is asked of the hop, and
 * the hop's word counts. Responsibility never changes hands: 250 after the final dot is said only when the hop said it, or a
 * filter ordered the message thrown away. The way to the hop is the gateway's (`PassThrough`). Refusals are values.
 */
import type { EditableMessage } from '#edits';
import { isPositive, status } from '#message';
import type { Body, Envelope, Origin, Path, Recipient, Status } from '#message';
import { settled, type Awaitable, type Chain, type Ruling } from '#stages';
import { headerBytes } from './entry.ts';

/** Who sends: what is known at MAIL. */
export interface PassedSender {
  readonly origin: Origin;
  readonly sender: Path;
  readonly senderParams: readonly string[];
}

/** A message the filters let pass. */
export interface PassedMessage {
  readonly envelope: Envelope;
  /** Header fields with CRLF each, without the blank line. */
  readonly header: Uint8Array;
  readonly body: Body;
  /** Bytes of header, blank line and body. */
  readonly size: number;
}

/** The way to the next hops. */
export interface PassThrough {
  /** A transaction, of which no hop knows yet. */
  begin(from: PassedSender): HopTransaction;
}

/**
 * One transaction with one next hop. Statuses are for the client: the hop's words, or bland ones of ours where it gave none.
 * One call at a time but for `interrupt`; none rejects.
 */
export interface HopTransaction {
  /** MAIL. null: which hop it is depends on the recipients, and it will be told with the first. */
  mail(): Awaitable<Status | null>;
  rcpt(recipient: Recipient): Awaitable<Status>;
  /** The message as the filters left it: one Status for each recipient of its envelope, in order. */
  send(message: PassedMessage): Promise<readonly Status[]>;
  /** The client is gone: gives up what the hop cannot have taken yet. */
  interrupt(): void;
  /** The transaction is over, however it ended. May be called again. */
  end(): void;
}

const PASS: Ruling = { kind: 'pass' };
const NO_HOLD = status(550, '5.7.1', 'Message refused by policy');

/** One client's way through: its transactions one after another. */
export class Passage {
  /** What the hop answered to the last command, when it took it. */
  said: Status | null = null;
  readonly #through: PassThrough;
  readonly #chain: Chain;
  #open: HopTransaction | null = null;

  constructor(through: PassThrough, chain: Chain) {
    this.#through = through;
    this.#chain = chain;
  }

  /** What is asked when the filters let MAIL pass; by then the chain has the transaction. */
  mail(origin: Origin): () => Awaitable<Ruling> {
    this.said = null;
    return () => {
      this.end();
      const { sender, senderParams } = this.#chain.transaction!;
      this.#open = this.#through.begin({ origin, sender, senderParams });
      return settled(this.#open.mail(), (reply) => {
        const ruling = this.#heard(reply);
        if (ruling.kind !== 'pass') this.end();
        return ruling;
      });
    };
  }

  /** What is asked when they let a recipient pass. */
  rcpt(recipient: Recipient): () => Awaitable<Ruling> {
    this.said = null;
    return () => settled(this.#open!.rcpt(recipient), (reply) => this.#heard(reply));
  }

  /**
   * The content: what the client is told, with LMTP for each recipient. The transaction is still open in the chain, and over here
   * afterwards.
   */
  async send(message: EditableMessage, { protocol }: Origin): Promise<Status | readonly Status[]> {
    // There is no place to hold it, and who asked for it does not want it delivered.
    if (message.quarantine)
      return status(NO_HOLD.code, NO_HOLD.enhanced, NO_HOLD.text, message.quarantine.by);
    const { envelope, fields, body } = message;
    const header = headerBytes(fields);
    const size = header.length + 2 + body.size;
    const statuses = await this.#open!.send({ envelope, header, body, size });
    this.end();
    return verdicts(this.#chain.transaction!.recipients, envelope.recipients, statuses, protocol);
  }

  /** The client is gone while it waits. */
  interrupt(): void {
    this.#open?.interrupt();
  }

  /** No transaction is open any more. */
  end(): void {
    this.#open?.end();
    this.#open = null;
  }

  #heard(reply: Status | null): Ruling {
    if (!reply || isPositive(reply)) {
      this.said = reply;
      return PASS;
    }
    return { kind: 'refuse', status: reply };
  }
}

const DELETED = status(250, '2.0.0', 'Ok');

/**
 * Who named these recipients hears what became of those the filters made of them. Mail is rather sent twice than lost: with SMTP
 * one refusal refuses the message, with LMTP that of a recipient whom a filter added refuses all.
 */
function verdicts(
  named: readonly Recipient[],
  sent: readonly Recipient[],
  statuses: readonly Status[],
  protocol: Origin['protocol'],
): Status | readonly Status[] {
  if (protocol === 'smtp') return statuses.find((s) => !isPositive(s)) ?? statuses[0] ?? DELETED;
  const added = sent.findIndex((r, i) => !named.includes(r) && !isPositive(statuses[i]!));
  return named.map((r) => {
    const at = sent.indexOf(r);
    const own = at < 0 ? DELETED : statuses[at]!;
    return added >= 0 && isPositive(own) ? statuses[added]! : own;
  });
}
