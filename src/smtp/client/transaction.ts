/**
 * One message over one connection: MAIL, RCPT, DATA, content, and what it means for each recipient.
 *
 * With PIPELINING all commands go out in one write and the content in a second. A recipient counts as delivered only when a
 * 2yz came after the final dot. Trouble with the connection is never a refusal: who has no answer yet is temporary, and
 * marked `elsewhere` when nothing of the content can have been taken, so that another host may be tried at once.
 * Never sends the final dot after content that could not be read to its end. Never throws.
 */
import { status } from '#message';
import type { Status } from '#message';
import { DotStuffer } from '#smtp/protocol';
import { planTransaction } from './commands.ts';
import type { OutgoingMessage } from './commands.ts';
import type { Extensions } from './extensions.ts';
import type { Timeouts } from './options.ts';
import { statusOfFault } from './trouble.ts';
import { WireFault } from './wire.ts';
import type { Wire } from './wire.ts';

/** The result of one transaction. */
export interface Sent {
  /** One per recipient, in order. */
  readonly statuses: readonly Status[];
  /** Recipients (by index) that another host may be asked for at once: this one gave no answer about them. */
  readonly elsewhere: readonly number[];
  /** The connection turned out to be dead before anything was answered. */
  readonly stale: boolean;
  /** The peer still has a transaction open: RSET before the next. */
  readonly open: boolean;
}

const CRLF = Uint8Array.of(13, 10);

/** Sends a message. `open`: an earlier transaction was left open. */
export async function transact(
  wire: Wire,
  ext: Extensions,
  message: OutgoingMessage,
  timeouts: Timeouts,
  open: boolean,
): Promise<Sent> {
  const run = new Transaction(wire, ext, message, timeouts, open);
  try {
    await run.converse();
  } catch (cause) {
    return run.broken(cause);
  }
  return run.result();
}

/** The state of one transaction; lives as long as `transact`. */
class Transaction {
  readonly #wire: Wire;
  readonly #ext: Extensions;
  readonly #message: OutgoingMessage;
  readonly #timeouts: Timeouts;
  readonly #statuses: (Status | undefined)[];
  readonly #mail: string;
  readonly #rcpts: readonly string[];
  readonly #asked: readonly number[];
  #open: boolean;
  #answers = 0;
  /** RCPT commands that were answered with 2yz, even those behind a refused MAIL. */
  #taken = 0;
  #dotSent = false;
  /** A 421 was said: the peer is closing. */
  #closing: Status | null = null;

  constructor(wire: Wire, ext: Extensions, message: OutgoingMessage, timeouts: Timeouts, open: boolean) {
    const plan = planTransaction(message, ext, wire.by);
    this.#wire = wire;
    this.#ext = ext;
    this.#message = message;
    this.#timeouts = timeouts;
    this.#statuses = plan.refused.slice();
    this.#mail = plan.mail;
    this.#rcpts = plan.rcpts;
    this.#asked = plan.asked;
    this.#open = open;
  }

  async converse(): Promise<void> {
    if (this.#asked.length === 0) return;
    const pipelined = this.#ext.pipelining;
    if (pipelined) this.#sayAll();
    if (this.#open) {
      if (!pipelined) this.#wire.command('RSET\r\n', 1);
      await this.#answer(this.#timeouts.command);
    }
    this.#open = true;
    if (!pipelined) this.#wire.command(this.#mail, 1);
    const mail = await this.#answer(this.#timeouts.mail);
    if (mail.code >= 300) {
      for (const i of this.#asked) this.#statuses[i] = this.#refusal(mail);
      if (!pipelined) this.#open = false;
    }
    if (mail.code < 300 || pipelined) await this.#recipients(pipelined, mail.code < 300);
    const accepted = this.#asked.filter((i) => this.#statuses[i] === undefined);
    if (!pipelined) {
      if (accepted.length === 0) return;
      this.#wire.command('DATA\r\n', 1);
    }
    await this.#data(accepted);
  }

  /** RSET when needed, MAIL, every RCPT and DATA in one write. */
  #sayAll(): void {
    const commands = (this.#open ? 'RSET\r\n' : '') + this.#mail + this.#rcpts.join('') + 'DATA\r\n';
    this.#wire.command(commands, this.#rcpts.length + (this.#open ? 3 : 2));
  }

  async #recipients(pipelined: boolean, mailTaken: boolean): Promise<void> {
    for (let n = 0; n < this.#asked.length; n++) {
      if (!pipelined) this.#wire.command(this.#rcpts[n]!, 1);
      const reply = await this.#answer(this.#timeouts.rcpt);
      if (reply.code < 300) this.#taken++;
      if (!mailTaken || reply.code < 300) continue;
      // 552 at RCPT is what old servers say for "too many recipients" (RFC 5321 4.5.3.1.10): temporary.
      this.#statuses[this.#asked[n]!] =
        reply.code === 552 ? status(452, '4.5.3', reply.text, reply.by) : this.#refusal(reply);
    }
  }

  async #data(accepted: readonly number[]): Promise<void> {
    const reply = await this.#answer(this.#timeouts.data);
    if (reply.code === 354) {
      this.#open = false;
      if (accepted.length > 0) await this.#content(accepted);
      else await this.#emptyContent();
      return;
    }
    if (reply.code < 400) throw new WireFault('protocol', `DATA was answered with ${reply.code}`);
    for (const i of accepted) this.#statuses[i] = reply;
  }

  /** The peer wants content although it took no recipient: it gets none (RFC 2920 3.1). One that took some would deliver that. */
  async #emptyContent(): Promise<void> {
    if (this.#taken > 0) throw new WireFault('protocol', 'recipients were taken although MAIL was refused');
    this.#wire.command('.\r\n', 1);
    await this.#answer(this.#timeouts.dot);
  }

  async #content(accepted: readonly number[]): Promise<void> {
    const { header, body } = this.#message;
    const stuffer = new DotStuffer();
    let out: Uint8Array[] = [];
    stuffer.push(header, out);
    stuffer.push(CRLF, out);
    if (body.chunks !== null) for (const chunk of body.chunks) stuffer.push(chunk, out);
    else
      for await (const chunk of body.read()) {
        stuffer.push(chunk, out);
        const wait = this.#wire.send(out, this.#timeouts.block);
        if (wait !== undefined) await wait;
        out = [];
      }
    stuffer.end(out);
    this.#wire.expectReply();
    this.#dotSent = true;
    const wait = this.#wire.send(out, this.#timeouts.block);
    if (wait !== undefined) await wait;
    const reply = await this.#answer(this.#timeouts.dot);
    if (reply.code >= 300 && reply.code < 400)
      throw new WireFault('protocol', `the content was answered with ${reply.code}`);
    for (const i of accepted) this.#statuses[i] = reply;
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

  result(): Sent {
    const statuses = this.#statuses.map(
      (s) => s ?? status(451, '4.5.0', `no answer of ${this.#wire.by} for this recipient`),
    );
    return { statuses, elsewhere: [], stale: false, open: this.#open };
  }

  /** The conversation ended early: who has no answer yet is temporary. */
  broken(cause: unknown): Sent {
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
    return { statuses, elsewhere, stale: elsewhere.length > 0 && this.#answers === 0, open: false };
  }
}
