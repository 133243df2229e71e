/**
 * One message over one connection: MAIL, RCPT, DATA, content, and what it means for each recipient.
 *
 * With PIPELINING all commands go out in one write and the content in a second; the commands of the message that follows may
 * ride behind the final dot (RFC 2920 3.1), and count for nothing until that dot is answered. A recipient counts as delivered
 * only when a 2yz came after the dot of its own message. Trouble with the connection is never a refusal: who has no answer yet
 * is temporary, and marked `elsewhere` when nothing of the content can have been taken, so that another host may be tried at
 * once. Never sends the final dot after content that could not be read to its end. Never throws.
 */
import { status } from '#message';
import type { Status } from '#message';
import { DotStuffer } from '#smtp/protocol';
import { planTransaction } from './commands.ts';
import type { OutgoingMessage } from './commands.ts';
import type { Extensions } from './extensions.ts';
import type { Timeouts } from './options.ts';
import { statusOfFault } from './trouble.ts';
import { JOINED, WireFault } from './wire.ts';
import type { Wire } from './wire.ts';

/** The result of one transaction. */
export interface Sent {
  /** One per recipient, in order. */
  readonly statuses: readonly Status[];
  /** Recipients (by index) that another host may be asked for at once: this one gave no answer about them. */
  readonly elsewhere: readonly number[];
  /** The connection turned out to be dead, or out of step, before anything was answered. */
  readonly stale: boolean;
  /** The peer still has a transaction open: RSET before the next. */
  readonly open: boolean;
}

const CRLF = Uint8Array.of(13, 10);

/** Whether a message's content goes out in one write, so that another one's commands may ride behind it. */
export function isShort(message: OutgoingMessage): boolean {
  return message.body.chunks !== null && message.size <= JOINED;
}

/** One message over one connection. `run` it once, when the transaction before it is over. */
export class Transaction {
  readonly message: OutgoingMessage;
  readonly #wire: Wire;
  readonly #ext: Extensions;
  readonly #timeouts: Timeouts;
  readonly #statuses: (Status | undefined)[];
  readonly #mail: string;
  readonly #rcpts: readonly string[];
  readonly #asked: readonly number[];
  #open: boolean;
  /** The commands went out behind the content of the message before. */
  #announced = false;
  #answers = 0;
  /** RCPT commands that were answered with 2yz, even those behind a refused MAIL. */
  #taken = 0;
  #dotSent = false;
  /** A 421 was said: the peer is closing. */
  #closing: Status | null = null;

  /** `open`: an earlier transaction was left open. */
  constructor(wire: Wire, ext: Extensions, message: OutgoingMessage, timeouts: Timeouts, open: boolean) {
    const plan = planTransaction(message, ext, wire.by);
    this.#wire = wire;
    this.#ext = ext;
    this.message = message;
    this.#timeouts = timeouts;
    this.#statuses = plan.refused.slice();
    this.#mail = plan.mail;
    this.#rcpts = plan.rcpts;
    this.#asked = plan.asked;
    this.#open = open;
  }

  /** Sends the message. `follow` is asked when the content of a short one is about to be written: who rides behind it? */
  async run(follow: () => Transaction | null): Promise<Sent> {
    try {
      await this.#converse(follow);
    } catch (cause) {
      return this.#broken(cause);
    }
    return this.#result();
  }

  /** The commands as a byte string and the number of their replies; whoever asks sends them, and `run` only reads the replies. */
  announce(): { readonly commands: string; readonly replies: number } {
    this.#announced = true;
    if (this.#asked.length === 0) return { commands: '', replies: 0 };
    return {
      commands: (this.#open ? 'RSET\r\n' : '') + this.#mail + this.#rcpts.join('') + 'DATA\r\n',
      replies: this.#rcpts.length + (this.#open ? 3 : 2),
    };
  }

  async #converse(follow: () => Transaction | null): Promise<void> {
    if (this.#asked.length === 0) return;
    const pipelined = this.#ext.pipelining;
    const along = this.#announced;
    if (pipelined && !along) {
      const { commands, replies } = this.announce();
      this.#wire.command(commands, replies);
    }
    if (this.#open) {
      if (!pipelined) this.#wire.command('RSET\r\n', 1);
      await this.#answer(this.#timeouts.command);
    }
    this.#open = true;
    if (!pipelined) this.#wire.command(this.#mail, 1);
    const mail = await this.#answer(along ? this.#timeouts.along : this.#timeouts.mail);
    if (along && mail.code === 503) {
      // The hop did not see a new message begin: that says nothing about this one, which begins anew elsewhere.
      this.#answers = 0;
      throw new WireFault('protocol', 'commands behind the content were not understood');
    }
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
    await this.#data(accepted, follow);
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

  async #data(accepted: readonly number[], follow: () => Transaction | null): Promise<void> {
    const reply = await this.#answer(this.#timeouts.data);
    if (reply.code === 354) {
      this.#open = false;
      if (accepted.length > 0) await this.#content(accepted, follow);
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

  async #content(accepted: readonly number[], follow: () => Transaction | null): Promise<void> {
    const { header, body } = this.message;
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
    const next = isShort(this.message) ? follow() : null;
    if (next !== null) this.#add(next, out);
    const wait = this.#wire.send(out, this.#timeouts.block);
    if (wait !== undefined) await wait;
    const reply = await this.#answer(this.#timeouts.dot);
    if (reply.code >= 300 && reply.code < 400)
      throw new WireFault('protocol', `the content was answered with ${reply.code}`);
    for (const i of accepted) this.#statuses[i] = reply;
  }

  /** Puts the commands of the next message behind the content. */
  #add(next: Transaction, out: Uint8Array[]): void {
    const { commands, replies } = next.announce();
    if (replies === 0) return;
    this.#wire.expectReply(replies);
    out.push(Buffer.from(commands, 'latin1'));
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
    return { statuses, elsewhere: [], stale: false, open: this.#open };
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
    return { statuses, elsewhere, stale: elsewhere.length > 0 && this.#answers === 0, open: false };
  }
}
