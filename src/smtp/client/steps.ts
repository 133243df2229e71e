/**
 * One message over one connection, command by command: for whoever must hear each answer before deciding what is said next.
 *
 * What the peer replies is given as it was said. Steps go one after another; after trouble, and after a 421, the connection is
 * of no use. Nothing is asked that planTransaction says cannot honestly be asked. Never sends the final dot after content that
 * could not be read to its end. Never rejects for anything the peer does.
 */
import { bodyOf, status, type Status } from '#message';
import { planTransaction, type OutgoingMessage, type OutgoingRecipient } from './commands.ts';
import { writeContent, type Content } from './content.ts';
import type { Talk } from './transaction.ts';
import { statusOfFault } from './trouble.ts';
import { WireFault } from './wire.ts';

/**
 * `said`: the peer's own reply. `refused`: it was not asked, since that could not be done honestly. `trouble`: no reply, or none
 * that is legal; temporary.
 */
export interface Step {
  readonly kind: 'said' | 'refused' | 'trouble';
  readonly status: Status;
}

/** Who sends. `size`: bytes as declared, null when nobody said. */
export interface StepSender {
  readonly sender: string;
  readonly senderParams: readonly string[];
  readonly size: number | null;
}

const NO_CONTENT = { header: new Uint8Array(), body: bodyOf([]) };
/** Stands in for a recipient where only the sender is looked at. */
const ANYBODY: OutgoingRecipient = { address: 'postmaster', params: [] };
const UNREADABLE = status(451, '4.3.0', 'the message could not be read here');

/** The transactions of one connection, step by step. Not together with `SmtpConnection.send`. */
export class Steps {
  /** A transaction is open at the peer. */
  open = false;
  /** The peer may have the message whose content was sent last. */
  dotSent = false;
  readonly #talk: Talk;
  #from: StepSender = { sender: '', senderParams: [], size: null };
  #taken = 0;

  constructor(talk: Talk) {
    this.#talk = talk;
  }

  /** Why this message cannot be sent to this peer, its size and header fields looked at; null: nothing is known against it. */
  refusal(message: OutgoingMessage): Status | null {
    const { ext, wire } = this.#talk;
    return planTransaction(message, ext, wire.by).refused.find((s) => s !== undefined) ?? null;
  }

  /** MAIL; the transaction before it must be over. */
  async mail(from: StepSender): Promise<Step> {
    this.#from = from;
    this.#taken = 0;
    this.dotSent = false;
    const { mail, refused } = this.#plan(ANYBODY);
    if (refused[0]) return { kind: 'refused', status: refused[0] };
    const step = await this.#ask(mail, this.#talk.timeouts.mail);
    if (step.kind === 'said' && step.status.code < 300) this.open = true;
    return step;
  }

  /** RCPT, after a MAIL that was taken. */
  async rcpt(recipient: OutgoingRecipient): Promise<Step> {
    const { rcpts, refused } = this.#plan(recipient);
    if (refused[0]) return { kind: 'refused', status: refused[0] };
    const step = await this.#ask(rcpts[0]!, this.#talk.timeouts.rcpt);
    if (step.kind === 'said' && step.status.code < 300) this.#taken++;
    return step;
  }

  /** DATA and the content, after a RCPT that was taken. One Step; with LMTP one for each recipient taken, if it came so far. */
  async content(content: Content): Promise<readonly Step[]> {
    const { wire, timeouts, lmtp } = this.#talk;
    const go = await this.#ask('DATA\r\n', timeouts.data, true);
    if (go.kind !== 'said' || go.status.code !== 354) return [go];
    const steps: Step[] = [];
    const wanted = lmtp ? this.#taken : 1;
    this.open = false;
    try {
      await writeContent(wire, content, wanted, timeouts.block, () => (this.dotSent = true));
      while (steps.length < wanted) {
        const reply = await wire.reply(timeouts.dot);
        if (reply.code >= 300 && reply.code < 400) throw outOfPlace(reply);
        steps.push({ kind: 'said', status: reply });
      }
      if (steps.some(({ status: { code } }) => code === 421)) wire.destroy();
    } catch (cause) {
      const trouble = this.#trouble(cause);
      while (steps.length < wanted) steps.push(trouble);
    }
    return steps;
  }

  /** Ends the open transaction. False: the connection is of no use. */
  async reset(): Promise<boolean> {
    this.dotSent = false;
    if (!this.open) return this.#talk.wire.usable;
    const step = await this.#ask('RSET\r\n', this.#talk.timeouts.command);
    this.open = false;
    return step.kind === 'said' && step.status.code < 300;
  }

  /** How sender and one recipient are named here; the size counts only where it was declared. */
  #plan(recipient: OutgoingRecipient): ReturnType<typeof planTransaction> {
    const { ext, wire } = this.#talk;
    const { size, ...from } = this.#from;
    const offered = size === null ? { ...ext, size: false } : ext;
    const message = { ...from, ...NO_CONTENT, size: size ?? 0, recipients: [recipient] };
    return planTransaction(message, offered, wire.by);
  }

  async #ask(line: string, ms: number, wantsContent = false): Promise<Step> {
    const { wire } = this.#talk;
    try {
      wire.command(line, 1);
      const reply = await wire.reply(ms);
      const { code } = reply;
      if (wantsContent ? code < 400 && code !== 354 : code >= 300 && code < 400) throw outOfPlace(reply);
      if (code === 421) {
        this.open = false;
        wire.destroy();
      }
      return { kind: 'said', status: reply };
    } catch (cause) {
      return this.#trouble(cause);
    }
  }

  #trouble(cause: unknown): Step {
    const { wire } = this.#talk;
    this.open = false;
    wire.destroy();
    const known = cause instanceof WireFault;
    return { kind: 'trouble', status: known ? statusOfFault(cause, wire.by) : UNREADABLE };
  }
}

function outOfPlace({ code }: Status): WireFault {
  return new WireFault('protocol', `a reply with ${code} out of place`);
}
