/**
 * One SMTP transaction after another: MAIL, RCPT, DATA and the verdict on content (RFC 5321 3.3, 4.1.4).
 *
 * Called by the dialogue, which has checked that a transaction may begin. Checks syntax and order, asks the handler, and answers
 * with the Status to send. Never writes and never closes: that is the session's. What the handler throws goes through.
 */
import { isPositive, status, type Status } from '#message';
import {
  DotUnstuffer,
  parseForwardPath,
  parseParameters,
  parseReversePath,
  utf8Refusal,
} from '#smtp/protocol';
import { after } from './awaitable.ts';
import { Gather } from './gather.ts';
import type { Awaitable, ContentFault, ContentSink, ResetReason, SmtpHandler } from './handler.ts';
import type { Input } from './input.ts';
import type { SmtpObserver } from './observer.ts';
import type { Settings } from './options.ts';
import * as texts from './texts.ts';

/** A Status and whether the client broke a rule of syntax or order. */
export interface Answer {
  readonly status: Status;
  readonly error: boolean;
}

const right = (status: Status): Answer => ({ status, error: false });
const wrong = (status: Status): Answer => ({ status, error: true });

/** Said when a handler gives a positive status where only a refusal makes sense. */
const CONTRADICTION = status(451, '4.3.0', 'Temporary internal problem');

/** The transactions of one connection. */
export class Transaction {
  /** MAIL was accepted and nothing has ended it. */
  open = false;
  /** The client is not there any more. */
  gone = false;
  readonly #handler: SmtpHandler;
  readonly #settings: Settings;
  readonly #offered: { dsn: boolean; auth: boolean };
  readonly #observer: SmtpObserver | null;
  #utf8 = false;
  #accepted = 0;
  #tried = false;
  /** How the recipient refused last was answered; 0 when none was. */
  #refusal = 0;
  #sink: ContentSink | null = null;
  #content: DotUnstuffer | null = null;
  #gather = new Gather();

  constructor(handler: SmtpHandler, settings: Settings, observer: SmtpObserver | null) {
    this.#handler = handler;
    this.#observer = observer;
    this.#settings = settings;
    this.#offered = { dsn: settings.dsn, auth: settings.auth !== null };
  }

  /** `MAIL`, with what follows the verb. */
  mail(args: string): Awaitable<Answer> {
    if (this.open) return wrong(texts.NESTED_MAIL);
    if (!args.startsWith('FROM:') && !/^from:/i.test(args)) return wrong(texts.MAIL_SYNTAX);
    const parsed = parseReversePath(args, 5);
    if ('code' in parsed) return wrong(parsed);
    const params = parseParameters('MAIL', args, parsed.next, this.#offered);
    if ('code' in params) return wrong(params);
    if (parsed.needsUtf8 && !params.utf8) return wrong(utf8Refusal());
    const { limits, meter } = this.#settings;
    if (params.size > limits.maxMessageSize) {
      meter?.lost(texts.TOO_BIG.code);
      return right(texts.TOO_BIG);
    }
    return after(this.#handler.mail(parsed.path, params.params), (status) => {
      if (isPositive(status)) {
        this.open = true;
        this.#utf8 = params.utf8;
        this.#accepted = this.#refusal = 0;
        this.#tried = false;
      } else meter?.lost(this.gone ? 0 : status.code);
      return right(status);
    });
  }

  /** `RCPT`, with what follows the verb. */
  rcpt(args: string): Awaitable<Answer> {
    if (!this.open) return wrong(texts.NEED_MAIL);
    if (!args.startsWith('TO:') && !/^to:/i.test(args)) return wrong(texts.RCPT_SYNTAX);
    this.#tried = true;
    const parsed = parseForwardPath(args, 3);
    if ('code' in parsed) return wrong(parsed);
    const params = parseParameters('RCPT', args, parsed.next, this.#offered);
    if ('code' in params) return wrong(params);
    if (parsed.needsUtf8 && !this.#utf8) return wrong(utf8Refusal());
    const { limits, meter } = this.#settings;
    if (this.#accepted >= limits.maxRecipients) {
      meter?.recipient(texts.TOO_MANY_RECIPIENTS.code);
      return right(texts.TOO_MANY_RECIPIENTS);
    }
    return after(this.#handler.rcpt(parsed.path, params.params), (status) => {
      if (isPositive(status)) this.#accepted++;
      else this.#refusal = status.code;
      if (!this.gone) meter?.recipient(status.code);
      return right(status);
    });
  }

  /** `DATA`. A positive answer means that content follows: read it with `receive`. */
  data(): Awaitable<Answer> {
    if (!this.open) return wrong(texts.NEED_MAIL);
    const { protocol } = this.#settings;
    // LMTP has one answer for both (RFC 2033 4.2).
    if (this.#accepted === 0)
      return wrong(this.#tried && protocol === 'smtp' ? texts.NO_RECIPIENTS : texts.NEED_RCPT);
    return after(this.#handler.data(), (answer) => {
      if ('code' in answer) {
        this.open = false;
        const refusal = isPositive(answer) ? CONTRADICTION : answer;
        this.#settings.meter?.lost(this.gone ? 0 : refusal.code);
        return right(refusal);
      }
      const { limits, bareLineEnds } = this.#settings;
      this.#sink = answer;
      this.#gather = new Gather();
      this.#content = new DotUnstuffer({
        bareLineEnds,
        maxSize: limits.maxMessageSize,
        maxLineLength: limits.maxLineLength,
      });
      return right(texts.START_CONTENT);
    });
  }

  /** Hands on the next chunk of content. True when its end has come: `verdict` is next. */
  receive(input: Input): Awaitable<boolean> {
    const content = this.#content!;
    const sink = this.#sink!;
    const pieces: Uint8Array[] = [];
    input.readTo(content.push(input.chunk!, input.at, pieces));
    const ready: Uint8Array[] = [];
    for (const piece of pieces) {
      this.#observer?.content(piece);
      this.#gather.add(piece, ready);
    }
    if (content.done) this.#gather.flush(ready);
    let taken: Awaitable<void> = undefined;
    if (content.fault === null) for (const piece of ready) taken = after(taken, () => sink.write(piece));
    return after(taken, () => content.done);
  }

  /** The end of content: what the client is told, one Status, or with LMTP one per accepted recipient (RFC 2033 4.2). */
  verdict(): Awaitable<readonly Status[]> {
    const { notices, listener, protocol, meter, clock } = this.#settings;
    const began = meter ? clock.elapsed() : 0;
    const size = this.#content!.size;
    const kind = this.#content!.fault;
    const fault: ContentFault | null = kind && { kind, status: texts.CONTENT_FAULTS[kind] };
    if (fault) notices('smtp.content-refused', { listener, kind: fault.kind });
    const wanted = protocol === 'lmtp' ? this.#accepted : 1;
    return after(this.#sink!.end(fault), (answer) => {
      this.#over();
      const given: readonly Status[] = 'code' in answer ? Array<Status>(wanted).fill(answer) : answer;
      const told = Array.from({ length: wanted }, (_, i) => {
        const one = given[i] ?? CONTRADICTION;
        return fault && isPositive(one) ? fault.status : one;
      });
      meter?.content(size, clock.elapsed() - began);
      if (meter && !told.some(isPositive)) meter.lost(this.gone ? 0 : told[0]!.code);
      return told;
    });
  }

  /** Ends an open transaction for another reason than a verdict. */
  reset(reason: ResetReason): Awaitable<void> {
    if (!this.open) return;
    this.#over();
    this.#settings.meter?.lost(this.gone || this.#accepted > 0 ? 0 : this.#refusal);
    return this.#handler.reset(reason);
  }

  #over(): void {
    this.open = false;
    this.#sink = null;
    this.#content = null;
  }
}
