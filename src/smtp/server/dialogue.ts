/**
 * The order of an SMTP conversation: which command may come when, and what is said to it (RFC 5321 4.1, 4.3.2; RFC 3207).
 *
 * Called by the session with one command line at a time; writes the reply and says what comes next. One reply per command, in
 * order. Never touches the socket. What the handler throws goes through to the session, which closes.
 */
import { isPositive, status, type Origin, type Status } from '#message';
import { ehloReply, formatReply, hasControl, isHttp, parseCommand, type Verb } from '#smtp/protocol';
import { after } from './awaitable.ts';
import type { Awaitable, ResetReason, SmtpHandler } from './handler.ts';
import type { LineFault } from './input.ts';
import type { Settings } from './options.ts';
import * as texts from './texts.ts';
import { Transaction, type Answer } from './transaction.ts';

/** What the session does after a command. */
export type Next = 'command' | 'content' | 'starttls' | 'close';

/** Verbs that wait for TLS where it is required (RFC 3207 4). */
const NEEDS_TLS: ReadonlySet<Verb | null> = new Set<Verb>([
  'MAIL',
  'RCPT',
  'DATA',
  'BDAT',
  'VRFY',
  'EXPN',
  'AUTH',
]);

/** One connection's conversation. */
export class Dialogue {
  /** What is known of the client now. */
  origin: Origin;
  readonly transaction: Transaction;
  readonly #handler: SmtpHandler;
  readonly #settings: Settings;
  readonly #write: (text: string) => void;
  #refused = false;
  #errors = 0;
  #commands = 0;

  constructor(settings: Settings, handler: SmtpHandler, origin: Origin, write: (text: string) => void) {
    this.#settings = settings;
    this.#handler = handler;
    this.origin = origin;
    this.#write = write;
    this.transaction = new Transaction(handler, settings);
  }

  /** Asks the handler about the connection and greets. A refusal stands until QUIT (RFC 5321 3.1), 421 closes. */
  greet(): Awaitable<Next> {
    return after(this.#handler.connect(this.origin), (answer) => {
      if (answer !== null && !isPositive(answer)) {
        this.#refused = true;
        return this.say(answer);
      }
      const { hostname, protocol } = this.#settings;
      return this.say(status(220, '', `${hostname} ${protocol === 'lmtp' ? 'LMTP' : 'ESMTP'} Millrace`));
    });
  }

  /** Answers a command line. */
  command(line: string): Awaitable<Next> {
    if (++this.#commands > this.#settings.limits.maxCommands)
      return this.#limit('commands', texts.TOO_MANY_COMMANDS);
    const { verb, args } = parseCommand(line);
    if (verb === null && isHttp(line)) return this.#limit('http', texts.NOT_A_WEB_SERVER);
    if (this.#refused && verb !== 'QUIT') return this.#wrong(texts.BAD_SEQUENCE);
    if (verb === 'RCPT' && this.transaction.open) return after(this.transaction.rcpt(args), this.#answered);
    if (NEEDS_TLS.has(verb) && this.#settings.tls === 'require' && !this.origin.tls)
      return this.#wrong(texts.NEED_TLS);
    if (verb === null || (verb !== 'MAIL' && verb !== 'RCPT' && hasControl(args)))
      return this.#odd(verb, line);
    return this.#known(verb, args);
  }

  /** Answers a line that cannot be read as a command. */
  fault(fault: LineFault): Next {
    if (fault.kind === 'flood') return this.#limit('flood', texts.FLOOD);
    return this.#wrong(fault.kind === 'too-long' ? texts.LINE_TOO_LONG : texts.BAD_LINE);
  }

  /** Content has come to its end. */
  contentEnded(): Awaitable<Next> {
    return after(this.transaction.verdict(), (verdicts) => {
      let next: Next = 'command';
      for (const verdict of verdicts) {
        if (isPositive(verdict)) this.#commands = 0;
        if (this.say(verdict) === 'close') next = 'close';
      }
      return next;
    });
  }

  /** TLS is on: what was said before it is forgotten (RFC 3207 4.2). */
  secured(tls: Origin['tls']): void {
    this.origin = { ...this.origin, tls, helo: '', heloVerb: '' };
  }

  /** The client is gone while the handler is being asked. */
  interrupted(): void {
    this.#handler.interrupted?.();
  }

  /** The connection ends: the handler's last calls. */
  end(reason: ResetReason): Awaitable<void> {
    return after(this.transaction.reset(reason), () => this.#handler.close());
  }

  /** Sends a reply; 421 closes. */
  say(reply: Status): Next {
    this.#write(formatReply(reply));
    return reply.code === 421 ? 'close' : 'command';
  }

  #known(verb: Verb, args: string): Awaitable<Next> {
    switch (verb) {
      case 'HELO':
      case 'EHLO':
      case 'LHLO':
        return this.#hello(verb, args);
      case 'MAIL':
        if (this.origin.helo === '') return this.#wrong(texts.NEED_HELO);
        return after(this.transaction.mail(args), this.#answered);
      case 'RCPT':
        return after(this.transaction.rcpt(args), this.#answered);
      case 'DATA':
        if (args !== '') return this.#wrong(texts.NO_ARGUMENTS);
        return after(this.transaction.data(), (answer) =>
          answer.status === texts.START_CONTENT ? this.#startContent() : this.#answered(answer),
        );
      case 'RSET':
        if (args !== '') return this.#wrong(texts.NO_ARGUMENTS);
        return after(this.transaction.reset('RSET'), () => this.say(texts.OK));
      case 'NOOP':
        return this.say(texts.OK);
      case 'HELP':
        return this.say(texts.HELP);
      case 'VRFY':
        return args === '' ? this.#wrong(texts.BAD_ARGUMENTS) : this.say(texts.CANNOT_VERIFY);
      case 'QUIT':
        if (args !== '') return this.#wrong(texts.NO_ARGUMENTS);
        return after(this.transaction.reset('disconnect'), () => {
          this.say(texts.BYE);
          return 'close' as const;
        });
      case 'STARTTLS':
        return this.#starttls(args);
      case 'AUTH': // not offered
      case 'BDAT':
      case 'EXPN':
        return this.#wrong(texts.NOT_IMPLEMENTED);
    }
  }

  #hello(verb: 'HELO' | 'EHLO' | 'LHLO', args: string): Awaitable<Next> {
    const { protocol, hostname, limits, dsn, tls } = this.#settings;
    if ((verb === 'LHLO') !== (protocol === 'lmtp')) return this.#wrong(texts.NOT_RECOGNISED);
    if (!/^[\x21-\x7e]{1,255}$/.test(args)) return this.#wrong(texts.BAD_ARGUMENTS);
    return after(this.transaction.reset('HELO'), () => {
      const origin: Origin = { ...this.origin, helo: args, heloVerb: verb };
      this.origin = { ...this.origin, helo: '', heloVerb: '' };
      return after(this.#handler.helo(origin), (answer) => {
        if (answer !== null && !isPositive(answer)) return this.say(answer);
        this.origin = origin;
        if (verb === 'HELO') return this.say(status(250, '', hostname));
        const starttls = (tls === 'starttls' || tls === 'require') && origin.tls === null;
        this.#write(ehloReply(hostname, { maxMessageSize: limits.maxMessageSize, starttls, dsn }));
        return 'command';
      });
    });
  }

  #starttls(args: string): Awaitable<Next> {
    const { tls } = this.#settings;
    if (this.origin.tls !== null) return this.#wrong(texts.TLS_ACTIVE);
    if (tls === 'off' || tls === 'implicit') return this.#wrong(texts.NOT_IMPLEMENTED);
    if (args !== '') return this.#wrong(texts.NO_ARGUMENTS);
    return after(this.transaction.reset('STARTTLS'), () => 'starttls' as const);
  }

  /** A verb that nobody knows, or control characters where none may be. */
  #odd(verb: Verb | null, line: string): Awaitable<Next> {
    if (hasControl(line.replace(/[\t ]+/g, ' '))) return this.#wrong(texts.BAD_LINE);
    if (verb !== null) return this.#wrong(texts.BAD_ARGUMENTS);
    if (line.trim() === '') return this.#wrong(texts.NOT_RECOGNISED);
    return after(this.#handler.unknown(line), (answer) => this.#wrong(answer ?? texts.NOT_RECOGNISED));
  }

  #startContent(): Next {
    this.say(texts.START_CONTENT);
    return 'content';
  }

  readonly #answered = (answer: Answer): Next =>
    answer.error ? this.#wrong(answer.status) : this.say(answer.status);

  /** An error of the client's: counted, and one too many closes. */
  #wrong(reply: Status): Next {
    if (++this.#errors > this.#settings.limits.maxErrors && reply.code !== 421)
      return this.#limit('errors', texts.TOO_MANY_ERRORS);
    return this.say(reply);
  }

  #limit(kind: string, reply: Status): Next {
    const { listener, session, remoteAddress } = this.origin;
    this.#settings.notices('smtp.session-cut', { listener, session, client: remoteAddress, kind });
    return this.say(reply);
  }
}
