/**
 * One message over one connection: MAIL, RCPT, DATA, content, and what it means for each recipient.
 *
 * With PIPELINING all commands go out in one write and the content in a second (RFC 2920 3.1). A recipient counts as delivered
 * only when a 2yz came after the dot: one for the message in SMTP, one for each recipient in LMTP (RFC 2033 4.2). Trouble with
 * the connection is never a refusal: who has no answer yet is temporary, and marked `elsewhere` when nothing of the content can
 * have been taken, so that another host may be tried at once. Never sends the final dot after content that could not be read
 * to its end. Never throws.
 */
import { status } from '#message';
import type { Status } from '#message';
import { planTransaction } from './commands.ts';
import type { OutgoingMessage, Plan } from './commands.ts';
import { writeContent } from './content.ts';
import type { Extensions } from './extensions.ts';
import type { Timeouts } from './options.ts';
import { statusOfFault } from './trouble.ts';
import { at } from './where.ts';
import { WireFault } from './wire.ts';
import type { Wire } from './wire.ts';

/** The result of one transaction. */
export interface Sent {
  /** One per recipient, in order. */
  readonly statuses: readonly Status[];
  /** Recipients (by index) that another host may be asked for at once: this one gave no answer about them. */
  readonly elsewhere: readonly number[];
  /** The connection turned out to be dead, or out of step, before anything was answered. */
  readonly stale: boolean;
  /** The peer fell silent before it had answered commands that were sent together. */
  readonly stalled: boolean;
  /** The peer still has a transaction open: RSET before the next. */
  readonly open: boolean;
}

/** What a transaction goes over. */
export interface Talk {
  readonly wire: Wire;
  readonly ext: Extensions;
  readonly timeouts: Timeouts;
  readonly lmtp: boolean;
}

/** One message over one connection. `run` it once, when the transaction before it is over. */
export class Transaction {
  readonly #message: OutgoingMessage;
  readonly #wire: Wire;
  readonly #pipelined: boolean;
  readonly #lmtp: boolean;
  readonly #timeouts: Timeouts;
  readonly #statuses: (Status | undefined)[];
  readonly #plan: Plan;
  #open: boolean;
  #answers = 0;
  /** RCPT commands that were answered with 2yz, even those behind a refused MAIL. */
  #taken = 0;
  /** Every command before the content has its answer. */
  #envelopeDone = false;
  #dotSent = false;
  /** A 421 was said: the peer is closing. */
  #closing: Status | null = null;

  /** `open`: an earlier transaction was left open. */
  constructor({ wire, ext, timeouts, lmtp }: Talk, message: OutgoingMessage, open: boolean) {
    this.#plan = planTransaction(message, ext, wire.by);
    this.#wire = wire;
    this.#pipelined = ext.pipelining;
    this.#lmtp = lmtp;
    this.#message = message;
    this.#timeouts = timeouts;
    this.#statuses = this.#plan.refused.slice();
    this.#open = open;
  }

  /** Sends the message. */
  async run(): Promise<Sent> {
    try {
      await this.#converse();
    } catch (cause) {
      return this.#broken(cause);
    }
    return this.#result();
  }

  async #converse(): Promise<void> {
    const { mail, rcpts, asked } = this.#plan;
    if (asked.length === 0) return;
    const pipelined = this.#pipelined;
    if (pipelined)
      this.#wire.command(
        (this.#open ? 'RSET\r\n' : '') + mail + rcpts.join('') + 'DATA\r\n',
        rcpts.length + (this.#open ? 3 : 2),
      );
    if (this.#open) {
      if (!pipelined) this.#wire.command('RSET\r\n', 1);
      await this.#answer(this.#timeouts.command);
    }
    this.#open = true;
    if (!pipelined) this.#wire.command(mail, 1);
    const reply = await this.#answer(this.#timeouts.mail);
    if (reply.code >= 300) {
      const refusal = at('mail', this.#refusal(reply));
      for (const i of asked) this.#statuses[i] = refusal;
      if (!pipelined) this.#open = false;
    }
    if (reply.code < 300 || pipelined) await this.#recipients(reply.code < 300);
    const accepted = asked.filter((i) => this.#statuses[i] === undefined);
    if (!pipelined) {
      if (accepted.length === 0) return;
      this.#wire.command('DATA\r\n', 1);
    }
    await this.#data(accepted);
  }

  async #recipients(mailTaken: boolean): Promise<void> {
    const { rcpts, asked } = this.#plan;
    for (let n = 0; n < asked.length; n++) {
      if (!this.#pipelined) this.#wire.command(rcpts[n]!, 1);
      const reply = await this.#answer(this.#timeouts.rcpt);
      if (reply.code < 300) this.#taken++;
      if (!mailTaken || reply.code < 300) continue;
      // 552 at RCPT is what old servers say for "too many recipients" (RFC 5321 4.5.3.1.10): temporary.
      this.#statuses[asked[n]!] = at(
        'rcpt',
        reply.code === 552 ? status(452, '4.5.3', reply.text, reply.by) : this.#refusal(reply),
      );
    }
  }

  async #data(accepted: readonly number[]): Promise<void> {
    const reply = await this.#answer(this.#timeouts.data);
    this.#envelopeDone = true;
    if (reply.code === 354) {
      this.#open = false;
      if (accepted.length > 0) await this.#content(accepted);
      else await this.#emptyContent();
      return;
    }
    if (reply.code < 400) throw new WireFault('protocol', `DATA was answered with ${reply.code}`);
    for (const i of accepted) this.#statuses[i] = at('data', reply);
  }

  /** The peer wants content although it took no recipient: it gets none (RFC 2920 3.1). One that took some would deliver that. */
  async #emptyContent(): Promise<void> {
    if (this.#taken > 0) throw new WireFault('protocol', 'recipients were taken although MAIL was refused');
    if (this.#lmtp) throw new WireFault('protocol', 'content is wanted for nobody');
    this.#wire.command('.\r\n', 1);
    await this.#answer(this.#timeouts.dot);
  }

  async #content(accepted: readonly number[]): Promise<void> {
    const replies = this.#lmtp ? accepted.length : 1;
    const dotSent = (): void => void (this.#dotSent = true);
    await writeContent(this.#wire, this.#message, replies, this.#timeouts.block, dotSent);
    if (this.#lmtp) await this.#eachVerdict(accepted);
    else {
      const reply = this.#verdict(await this.#answer(this.#timeouts.dot));
      if (reply.code >= 400) at('data', reply);
      for (const i of accepted) this.#statuses[i] = reply;
    }
  }

  /** LMTP: a reply for each recipient. A 421 is one recipient's answer too; those behind it may still come. */
  async #eachVerdict(accepted: readonly number[]): Promise<void> {
    for (const i of accepted) {
      const reply = this.#verdict(await this.#wire.reply(this.#timeouts.dot));
      this.#statuses[i] = reply.code >= 400 ? at('data', reply) : reply;
      if (reply.code === 421) this.#closing = reply;
    }
    if (this.#closing !== null) throw new WireFault('closed', 'the peer closes the connection');
  }

  #verdict(reply: Status): Status {
    if (reply.code >= 300 && reply.code < 400)
      throw new WireFault('protocol', `the content was answered with ${reply.code}`);
    return reply;
  }

  /** The next reply; a 421 ends the conversation whatever was asked. */
  async #answer(ms: number): Promise<Status> {
    const wait = this.#wire.reply(ms);
    const reply = wait instanceof Promise ? await wait : wait;
    if (reply.code === 421) {
      this.#closing = reply;
      throw new WireFault('closed', 'the peer closes the connection');
    }
    this.#answers++;
    return reply;
  }

  /** What a reply that is no acceptance means: an intermediate code is the peer's mistake and proves nothing. */
  #refusal(reply: Status): Status {
    return reply.code < 400 ? status(451, '4.5.0', `unexpected reply ${reply.code} of ${reply.by}`) : reply;
  }

  #result(): Sent {
    const statuses = this.#statuses.map(
      (s) => s ?? status(451, '4.5.0', `no answer of ${this.#wire.by} for this recipient`),
    );
    return { statuses, elsewhere: [], stale: false, stalled: false, open: this.#open };
  }

  /** The conversation ended early: who has no answer yet is temporary. */
  #broken(cause: unknown): Sent {
    this.#wire.destroy();
    const wire = cause instanceof WireFault;
    const trouble =
      this.#closing ??
      (wire
        ? statusOfFault(cause, this.#wire.by)
        : status(451, '4.3.0', 'the message could not be read here'));
    const elsewhere: number[] = [];
    const statuses = this.#statuses.map((s, i) => {
      if (s !== undefined) return s;
      if (wire && cause.code !== 'aborted' && !this.#dotSent) elsewhere.push(i);
      return trouble;
    });
    const stalled = this.#pipelined && !this.#envelopeDone && wire && cause.code === 'timeout';
    const stale = elsewhere.length > 0 && this.#answers === 0;
    return { statuses, elsewhere, stale, stalled, open: false };
  }
}
