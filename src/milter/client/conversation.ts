/**
 * One conversation with one filter: everything an MTA may say to it, in the words of the law table.
 *
 * Made by connectMilter; used by one SMTP connection at a time, one call at a time. Answers are values. Any fault ends it: the
 * call that was waiting rejects with a MilterError, every later one rejects at once with the same, the socket is gone. Events
 * the filter does not want, or does not answer, cost no wait: their frames leave with the next one that waits.
 */
import {
  LAW,
  awaitsAnswer,
  encodeBare,
  encodeConnect,
  encodeHelo,
  encodeMail,
  encodeRcpt,
  encodeStageMacros,
  encodeUnknown,
  knowsEvent,
  sendsEvent,
  type Agreement,
  type ConnectFacts,
  type EventName,
  type FrameWriter,
  type MacroLookup,
  type Verdict,
} from '#milter/protocol';
import { Content, type MilterContent } from './content.ts';
import { MilterError, asMilterError } from './errors.ts';
import type { Link, LinkListener } from './link.ts';
import type { MilterObserver } from './options.ts';
import { Skips } from './skips.ts';

const CONTINUE: Verdict = Object.freeze({ kind: 'continue' });
/** Bytes gathered for a filter that answers nothing before they are sent all the same. */
const GATHER = 65536;
/** Milliseconds a filter has to take the farewell. */
const FAREWELL = 5000;

type Answered = Parameters<LinkListener['answered']>[0];

/** See the head of the file. */
export class MilterConversation implements LinkListener {
  readonly agreement: Agreement;
  readonly #link: Link;
  readonly #pipeline: boolean;
  readonly #skips = new Skips();
  #waiter: { resolve(verdict: Verdict): void; reject(error: MilterError): void } | null = null;
  #content: Content | null = null;
  /** The filter is in a message: an ABORT is due when the transaction dies. */
  #open = false;

  constructor(link: Link, agreement: Agreement, pipeline: boolean) {
    this.#link = link;
    this.agreement = agreement;
    this.#pipeline = pipeline;
    link.listener = this;
  }

  /** False once the filter closed the connection, a fault occurred, or the caller ended it. */
  get alive(): boolean {
    return this.#link.dead === null;
  }

  /** The conversation may go on to the next message. False: it is out of step or dead; quit or destroy it. */
  get reusable(): boolean {
    return this.#link.dead === null && !this.#link.voided;
  }

  /** Why it is dead, or null. */
  get error(): MilterError | null {
    return this.#link.dead;
  }

  /** Another SMTP connection's observer hears the packets from now on; null: nobody. */
  observe(observer: MilterObserver | null): void {
    this.#link.observe(observer);
  }

  /** The SMTP client connected. */
  connect(facts: ConnectFacts, macros: MacroLookup): Verdict | Promise<Verdict> {
    return this.#ask('connect', macros, (writer) => encodeConnect(writer, facts));
  }

  /** HELO, EHLO or LHLO, each time. A message still open is aborted first. */
  helo(name: string, macros: MacroLookup): Verdict | Promise<Verdict> {
    this.abort();
    return this.#ask('helo', macros, (writer) => encodeHelo(writer, name));
  }

  /** MAIL; `path` with its brackets, parameters as typed. A message still open is aborted first. */
  mail(path: string, params: readonly string[], macros: MacroLookup): Verdict | Promise<Verdict> {
    this.abort();
    return this.#ask('mail', macros, (writer) => encodeMail(writer, path, params));
  }

  /** RCPT, once per recipient. */
  rcpt(path: string, params: readonly string[], macros: MacroLookup): Verdict | Promise<Verdict> {
    return this.#ask('rcpt', macros, (writer) => encodeRcpt(writer, path, params));
  }

  /** DATA, before any content. */
  data(macros: MacroLookup): Verdict | Promise<Verdict> {
    return this.#ask('data', macros, (writer) => encodeBare(writer, 'data'));
  }

  /** An SMTP command nobody knows, the line without CRLF. */
  unknown(line: string, macros: MacroLookup): Verdict | Promise<Verdict> {
    return this.#ask('unknown', macros, (writer) => encodeUnknown(writer, line));
  }

  /** The content of the message, after DATA. `macros` is asked at end of headers and at end of message. */
  content(macros: MacroLookup): MilterContent {
    const link = this.#link;
    const fault =
      link.dead ??
      (this.reusable && link.awaited.count === 0
        ? null
        : new MilterError('disconnected', 'the conversation is out of step'));
    const done = (open: boolean): void => {
      this.#content = null;
      this.#open = open;
    };
    const { agreement } = this;
    const content = new Content(
      { link, agreement, skips: this.#skips, pipeline: this.#pipeline, done },
      macros,
      fault,
    );
    if (fault === null) {
      this.#open = true;
      this.#content = content;
      link.content(true);
    }
    return content;
  }

  /**
   * The message, if one is open, is over without a verdict: sends ABORT, waits for nothing. Content that was under way fails.
   * With answers still due the conversation is out of step and no longer reusable.
   */
  abort(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#skips.forget();
    const link = this.#link;
    if (link.dead !== null) return;
    const content = this.#content;
    this.#content = null;
    link.content(false);
    if (link.voided) return;
    const late = link.awaited.oldest !== undefined;
    // Content that has not left need not be sent just to be thrown away; the envelope must be, for its macros and its answers.
    if (content !== null) link.cut(late);
    else if (late) link.cut(true);
    encodeBare(link.writer, 'abort');
    link.flush();
    const error = new MilterError('disconnected', 'the message was aborted before the filter had decided');
    content?.failed(error);
    this.#settle(error);
  }

  /**
   * The SMTP connection is over and the next one is to have this conversation (QUIT_NC; milter reference 7.5). Afterwards call
   * `connect`. False: not possible, use `quit`. An UNKNOWN command goes first, for without it most filters ignore QUIT_NC.
   */
  async handOver(): Promise<boolean> {
    this.abort();
    this.#skips.forget();
    const { agreement } = this;
    if (!this.reusable || !knowsEvent(agreement, 'quitNc')) return false;
    const { writer, awaited } = this.#link;
    if (awaited.count > 0) return false;
    encodeUnknown(writer, 'NOOP');
    try {
      if (awaitsAnswer(agreement, 'unknown')) await this.#await('unknown');
    } catch (error) {
      if (error instanceof MilterError) return false;
      throw error;
    }
    encodeBare(writer, 'quitNc');
    this.#link.flush();
    return this.reusable;
  }

  /** Farewell: ABORT if a message is open, QUIT, and the socket is closed. Never waits. */
  quit(): void {
    this.abort();
    const link = this.#link;
    if (link.dead === null) encodeBare(link.writer, 'quit');
    link.finish(new MilterError('disconnected', 'the conversation was ended'), FAREWELL);
  }

  /** Closes the socket without a word. */
  destroy(): void {
    this.#link.fail(new MilterError('disconnected', 'the conversation was ended'));
  }

  /** Called by the link. */
  answered(answer: Answered): void {
    const { event, verdict, meaning } = answer;
    if (verdict.kind === 'skip') this.#skips.skip(event);
    if (this.#content !== null) return this.#content.answered(answer);
    if (event !== 'unknown' || meaning.does === 'accept') this.#open = meaning.open;
    const waiter = this.#waiter;
    this.#waiter = null;
    // SKIP lets the message go on; that it also leaves things out is nobody else's business.
    waiter?.resolve(verdict.kind === 'skip' ? CONTINUE : verdict);
  }

  /** Called by the link. */
  failed(error: MilterError): void {
    const content = this.#content;
    this.#content = null;
    content?.failed(error);
    this.#settle(error);
  }

  #settle(error: MilterError): void {
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.reject(error);
  }

  #ask(
    event: EventName,
    macros: MacroLookup,
    encode: (writer: FrameWriter) => void,
  ): Verdict | Promise<Verdict> {
    const { agreement } = this;
    const link = this.#link;
    if (link.dead !== null) return Promise.reject(link.dead);
    if (link.voided || link.awaited.count > 0)
      return Promise.reject(new MilterError('disconnected', 'the conversation is out of step', { event }));
    if (this.#skips.omits(event)) return CONTINUE;
    const law = LAW[event];
    const sends = sendsEvent(agreement, event);
    try {
      if (law.macros !== null && (sends || (law.macrosAlways && knowsEvent(agreement, event))))
        encodeStageMacros(link.writer, agreement, law.macros, macros);
      if (!sends) return CONTINUE;
      encode(link.writer);
    } catch (error) {
      link.fail(asMilterError(error, event));
      return Promise.reject(link.dead ?? error);
    }
    if (law.verdicts.continue?.open) this.#open = true;
    if (awaitsAnswer(agreement, event)) return this.#await(event);
    link.awaited.told(event);
    if (link.writer.size >= GATHER) link.flush();
    return CONTINUE;
  }

  #await(event: EventName): Promise<Verdict> {
    const link = this.#link;
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      link.awaited.asked(event, link.writer.size);
      link.flush();
    });
  }
}
