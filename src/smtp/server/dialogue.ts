/**
 * The order of an SMTP conversation: which command may come when, and what is said to it (RFC 5321 4.1, 4.3.2; RFC 3207).
 *
 * Called by the session with one command line at a time; writes the reply and says what comes next. One reply per command, in
 * order. Never touches the socket. What the handler throws goes through to the session, which closes.
 */
import { isPositive, status, type Origin, type Status } from '#message';
import {
  ehloReply,
  formatReply,
  hasControl,
  isHttp,
  isProxyHeader,
  parseCommand,
  type Verb,
} from '#smtp/protocol';
import { Authentication, MAX_AUTH_WORDS, type AuthAnswer, type AuthReply } from './auth.ts';
import { after } from './awaitable.ts';
import type { Awaitable, ResetReason, SmtpHandler } from './handler.ts';
import type { LineFault } from './input.ts';
import { HIDDEN_LINE, shownLine, shownReply, type SmtpObserver } from './observer.ts';
import type { Settings } from './options.ts';
import * as texts from './texts.ts';
import { lackingTls } from './tls-demand.ts';
import { Transaction, type Answer } from './transaction.ts';
import { Spokesman } from './xclient.ts';

/** What the session does after a command. */
export type Next = 'command' | 'content' | 'starttls' | 'close';

/** Verbs that wait for TLS, or for a client's certificate, where it is required (RFC 3207 4). */
const NEEDS_TLS: ReadonlySet<Verb | null> = new Set<Verb>([
  'MAIL',
  'RCPT',
  'DATA',
  'BDAT',
  'VRFY',
  'EXPN',
  'AUTH',
]);

/** The longest line that is read: that of a command, or with AUTH that of a response (RFC 4954 4). */
export function longestLine({ auth, limits }: Settings): number {
  return auth
    ? Math.max(limits.maxCommandLine, limits.maxAuthResponse + MAX_AUTH_WORDS)
    : limits.maxCommandLine;
}

/** One connection's conversation. */
export class Dialogue {
  /** What is known of the client now. */
  origin: Origin;
  transaction: Transaction;
  readonly #spokesman: Spokesman;
  readonly #auth: Authentication;
  #handler: SmtpHandler;
  readonly #settings: Settings;
  readonly #write: (text: string) => void;
  readonly #observer: SmtpObserver | null;
  #refused = false;
  #gone = false;
  #errors = 0;
  #commands = 0;
  #transactions = 0;
  /** The command that is being answered and when it came, by Clock.elapsed; -1: none, or nobody wants to know. */
  #verb: Verb | null = null;
  #since = -1;

  constructor(
    settings: Settings,
    handler: SmtpHandler,
    origin: Origin,
    write: (text: string) => void,
    observer: SmtpObserver | null = null,
  ) {
    this.#settings = settings;
    this.#handler = handler;
    this.origin = origin;
    this.#write = write;
    this.#observer = observer;
    this.transaction = new Transaction(handler, settings, observer);
    this.#auth = new Authentication(settings);
    this.#spokesman = new Spokesman(settings, origin);
  }

  /** Asks the handler about the connection and greets, or refuses who `talked` before it. A refusal stands until QUIT (RFC 5321 3.1), 421 closes. */
  greet(talked: () => boolean): Awaitable<Next> {
    return after(this.#handler.connect(this.origin), (answer) => {
      if (!this.#settings.refuseEarlyTalkers || !talked()) return this.#greeted(answer);
      this.#settings.notices('smtp.early-talker', {
        listener: this.#settings.listener,
        session: this.origin.session,
        client: this.origin.remoteAddress,
      });
      this.#settings.meter?.refused('early_talker');
      this.say(texts.EARLY_TALKER);
      return 'close';
    });
  }

  #greeted(answer: Status | null): Next {
    if (answer !== null && !isPositive(answer)) {
      this.#refused = true;
      this.#settings.meter?.refused('milter');
      return this.say(answer);
    }
    const { hostname, protocol } = this.#settings;
    return this.say(status(220, '', `${hostname} ${protocol === 'lmtp' ? 'LMTP' : 'ESMTP'} Millrace`));
  }

  /** Answers a command line. */
  command(line: string): Awaitable<Next> {
    this.#begin(this.#auth.active ? 'AUTH' : null);
    if (++this.#commands > this.#settings.limits.maxCommands)
      return this.#limit('commands', texts.TOO_MANY_COMMANDS);
    if (this.#observer) this.#observe(this.#observer, line);
    if (this.#auth.active) return after(this.#auth.line(line, this.origin), this.#authAnswered);
    const { verb, args } = parseCommand(line);
    this.#verb = verb;
    if (line.length + 2 > this.#settings.limits.maxCommandLine && verb !== 'AUTH')
      return this.#wrong(texts.LINE_TOO_LONG);
    if (verb === null && isHttp(line)) return this.#limit('http', texts.NOT_A_WEB_SERVER);
    if (verb === null && isProxyHeader(line, this.#commands)) return this.#limit('proxy', texts.NOT_A_PROXY);
    if (this.#refused && verb !== 'QUIT') return this.#wrong(texts.BAD_SEQUENCE);
    if (verb === 'RCPT' && this.transaction.open) return after(this.transaction.rcpt(args), this.#answered);
    const lacking = NEEDS_TLS.has(verb) ? lackingTls(this.#settings, this.origin) : null;
    if (lacking !== null) return this.#wrong(lacking);
    if (verb === null || (verb !== 'MAIL' && verb !== 'RCPT' && hasControl(args)))
      return this.#odd(verb, line);
    return this.#known(verb, args);
  }

  /** Answers a line that cannot be read as a command. */
  fault(fault: LineFault): Next {
    this.#begin(null);
    this.#observer?.note(`a line that cannot be read: ${fault.kind}`);
    if (fault.kind === 'flood') return this.#limit('flood', texts.FLOOD);
    if (this.#auth.active) return this.#authReply(this.#auth.fault(fault.kind === 'too-long'));
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
    this.origin = { ...this.origin, tls, helo: '', heloVerb: '', user: '', authMethod: '' };
  }

  /** The client is gone while the handler is being asked. */
  interrupted(): void {
    this.#gone = this.transaction.gone = true;
    this.#auth.interrupted();
    this.#handler.interrupted?.();
  }

  /** The connection ends: the handler's last calls. */
  end(reason: ResetReason): Awaitable<void> {
    return after(this.transaction.reset(reason), () => this.#handler.close());
  }

  /** Sends a reply; 421 closes. */
  say(reply: Status): Next {
    if (this.#since >= 0) this.#replied(reply.code);
    this.#send(formatReply(reply));
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
        if (this.#settings.auth?.required && this.origin.user === '') return this.#wrong(texts.NEED_AUTH);
        if (++this.#transactions > this.#settings.limits.maxTransactions)
          return this.#limit('transactions', texts.TOO_MANY_TRANSACTIONS);
        return this.#mail(args);
      case 'RCPT':
        return after(this.transaction.rcpt(args), this.#answered);
      case 'DATA':
        if (args !== '') return this.#wrong(texts.NO_ARGUMENTS);
        return after(this.transaction.data(), (answer) =>
          answer.status === texts.START_CONTENT ? this.#startContent() : this.#answered(answer),
        );
      case 'RSET':
        if (args !== '') return this.#wrong(texts.NO_ARGUMENTS);
        this.#spokesman.forget();
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
      case 'AUTH':
        return after(this.#auth.command(args, this.origin, this.transaction.open), this.#authAnswered);
      case 'XCLIENT':
        return after(this.#spokesman.xclient(args, this.origin, this.transaction.open), (spoken) =>
          'code' in spoken ? this.#wrong(spoken) : this.#beginAnew(spoken),
        );
      case 'XFORWARD': {
        const said = this.#spokesman.xforward(args, this.transaction.open);
        return said === texts.OK ? this.say(said) : this.#wrong(said);
      }
      case 'BDAT':
      case 'EXPN':
        return this.#wrong(texts.NOT_IMPLEMENTED);
    }
  }

  #hello(verb: 'HELO' | 'EHLO' | 'LHLO', args: string): Awaitable<Next> {
    const { protocol, hostname, limits, dsn, tls } = this.#settings;
    if ((verb === 'LHLO') !== (protocol === 'lmtp')) return this.#wrong(texts.NOT_RECOGNISED);
    if (!/^[\x21-\x7e]{1,255}$/.test(args)) return this.#wrong(texts.BAD_ARGUMENTS);
    this.#spokesman.forget();
    return after(this.transaction.reset('HELO'), () => {
      const origin: Origin = { ...this.origin, helo: args, heloVerb: verb };
      this.origin = { ...this.origin, helo: '', heloVerb: '' };
      return after(this.#handler.helo(origin), (answer) => {
        if (answer !== null && !isPositive(answer)) return this.say(answer);
        this.origin = origin;
        if (verb === 'HELO') return this.say(status(250, '', hostname));
        const starttls = (tls === 'starttls' || tls === 'require') && origin.tls === null;
        const auth = this.#auth.offered(origin);
        const xclient = this.#spokesman.trusted;
        const { maxMessageSize } = limits;
        if (this.#since >= 0) this.#replied(250);
        this.#send(ehloReply(hostname, { maxMessageSize, starttls, dsn, auth, xclient }));
        return 'command';
      });
    });
  }

  #mail(args: string): Awaitable<Next> {
    const spokesman = this.#spokesman;
    if (!spokesman.trusted || this.transaction.open)
      return after(this.transaction.mail(args), this.#answered);
    spokesman.introduce(this.#handler);
    return after(this.transaction.mail(args), (answer) => {
      if (this.transaction.open) spokesman.forget();
      return this.#answered(answer);
    });
  }

  /** The client is another now (XCLIENT): a handler of its own is asked as if it had just come, with its greeting if it has one. */
  #beginAnew(origin: Origin): Awaitable<Next> {
    if (this.#gone) return 'close';
    const former = this.#handler;
    this.#handler = this.#settings.makeHandler();
    this.transaction = new Transaction(this.#handler, this.#settings, this.#observer);
    this.origin = { ...origin, helo: '', heloVerb: '' };
    former.close();
    return after(this.#handler.connect(this.origin), (answer) => {
      if (origin.helo === '' || (answer !== null && !isPositive(answer))) return this.#greeted(answer);
      return after(this.#handler.helo(origin), (helo) => {
        if (helo !== null && !isPositive(helo)) return this.say(helo);
        this.origin = origin;
        return this.#greeted(null);
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
    if (this.#auth.mayBeSecret(line)) return this.#wrong(texts.NOT_RECOGNISED);
    return after(this.#handler.unknown(line), (answer) => this.#wrong(answer ?? texts.NOT_RECOGNISED));
  }

  readonly #authAnswered = (answer: AuthAnswer): Awaitable<Next> =>
    answer.kind === 'reply' ? this.#authReply(answer) : this.#identified(answer.user, answer.method);

  #authReply({ status, error }: AuthReply): Next {
    if (status.code === 421) return this.#limit('auth', status);
    return error ? this.#wrong(status) : this.say(status);
  }

  /** The client has proved who he is; whether he may be it here is the handler's to say. */
  #identified(user: string, authMethod: string): Awaitable<Next> {
    const origin: Origin = { ...this.origin, user, authMethod };
    return after(this.#handler.auth(origin), (answer) => {
      if (answer !== null && !isPositive(answer)) return this.say(answer);
      this.origin = origin;
      return this.say(texts.AUTH_OK);
    });
  }

  #send(text: string): void {
    this.#observer?.reply(shownReply(text));
    this.#write(text);
  }

  /** Tells of a line, but of nothing that may be a secret. */
  #observe(observer: SmtpObserver, line: string): void {
    observer.line(this.#auth.active ? HIDDEN_LINE : shownLine(line, this.#auth.mayBeSecret(line)));
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

  /** A command has come. */
  #begin(verb: Verb | null): void {
    const { meter, clock } = this.#settings;
    if (meter === null) return;
    this.#verb = verb;
    this.#since = clock.elapsed();
  }

  /** It is answered. */
  #replied(code: number): void {
    const { meter, clock } = this.#settings;
    meter?.replied(this.#verb, code, clock.elapsed() - this.#since);
    this.#since = -1;
  }

  #limit(kind: string, reply: Status): Next {
    const { listener, session, remoteAddress } = this.origin;
    this.#settings.notices('smtp.session-cut', { listener, session, client: remoteAddress, kind });
    return this.say(reply);
  }
}
