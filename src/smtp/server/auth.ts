/**
 * AUTH inside the conversation (RFC 4954): which mechanism, challenge and response, and what failures cost.
 *
 * Called by the dialogue with the command and, while an exchange is on, with every line; answers with the reply and never
 * writes. A failure is answered late, later with each one in the session and from the address, and the last one allowed
 * ends the session. Nothing a client sends here gets into a notice but the name of a user who exists.
 */
import { status, type Origin, type Status } from '#message';
import type { PasswordAttempt, Verification } from './authenticator.ts';
import { after } from './awaitable.ts';
import type { Awaitable } from './handler.ts';
import type { Settings } from './options.ts';
import { fromBase64, toBase64 } from './sasl/base64.ts';
import type { Mechanism, MechanismName, Step } from './sasl/mechanism.ts';
import { mechanismOf } from './sasl/mechanisms.ts';
import * as texts from './texts.ts';

/** Failures in one session, whatever the limits say. */
const MAX_FAILURES = 10;
/** What a command line with an initial response may have besides the response: verb, mechanism, blanks, CRLF. */
export const MAX_AUTH_WORDS = 64;

/** A reply to send. `error`: a rule was broken. */
export interface AuthReply {
  readonly kind: 'reply';
  readonly status: Status;
  readonly error: boolean;
}

/** How a command or response was answered. `passed`: the client is this user. */
export type AuthAnswer =
  AuthReply | { readonly kind: 'passed'; readonly user: string; readonly method: MechanismName };

const wrong = (status: Status): AuthReply => ({ kind: 'reply', status, error: true });
const right = (status: Status): AuthReply => ({ kind: 'reply', status, error: false });

/** Authentication in one session. */
export class Authentication {
  readonly #settings: Settings;
  #mechanism: Mechanism | null = null;
  /** The client has said AUTH. */
  #tried = false;
  #failures = 0;
  /** Gives up what is being waited for. */
  readonly #gone = new AbortController();

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** An exchange is on: the next line is a response. */
  get active(): boolean {
    return this.#mechanism !== null;
  }

  /** What EHLO lists for this client now. */
  offered(origin: Origin): readonly MechanismName[] {
    const { auth } = this.#settings;
    if (auth === null || origin.user !== '' || (origin.tls === null && !auth.insecure)) return [];
    return auth.authenticator.mechanisms();
  }

  /** The AUTH command, with what follows the verb. */
  command(args: string, origin: Origin, inTransaction: boolean): Awaitable<AuthAnswer> {
    const { auth, limits } = this.#settings;
    this.#tried = true;
    if (auth === null) return wrong(texts.NOT_IMPLEMENTED);
    if (origin.heloVerb !== 'EHLO' && origin.heloVerb !== 'LHLO') return wrong(texts.NEED_EHLO);
    if (origin.user !== '') return wrong(texts.AUTH_DONE);
    if (inTransaction) return wrong(texts.AUTH_IN_TRANSACTION);
    if (origin.tls === null && !auth.insecure) return wrong(texts.AUTH_NEEDS_TLS);
    const m = /^([A-Za-z0-9_-]{1,20})(?: +([^ ]+))?$/.exec(args);
    if (m === null) return wrong(texts.BAD_ARGUMENTS);
    const [, name = '', initial] = m;
    const mechanism = mechanismOf(name, this.offered(origin));
    if (mechanism === null) return wrong(texts.NO_SUCH_MECHANISM);
    if (initial !== undefined && initial.length > limits.maxAuthResponse) return wrong(texts.AUTH_TOO_LONG);
    // RFC 4954 4: `=` stands for an initial response that is there and empty.
    const response = initial === undefined ? null : initial === '=' ? '' : fromBase64(initial);
    if (initial !== undefined && response === null) return wrong(texts.AUTH_NOT_BASE64);
    this.#mechanism = mechanism;
    return this.#follow(mechanism.start(response), origin);
  }

  /** A line while an exchange is on. */
  line(line: string, origin: Origin): Awaitable<AuthAnswer> {
    const mechanism = this.#mechanism!;
    if (line.length > this.#settings.limits.maxAuthResponse) return this.fault(true);
    const response = line === '*' ? null : fromBase64(line);
    if (response !== null) return this.#follow(mechanism.next(response), origin);
    this.#mechanism = null;
    return wrong(line === '*' ? texts.AUTH_ABORTED : texts.AUTH_NOT_BASE64);
  }

  /** A line that cannot be read as a response; the exchange is over. */
  fault(tooLong: boolean): AuthReply {
    this.#mechanism = null;
    return wrong(tooLong ? texts.AUTH_TOO_LONG : texts.AUTH_NOT_BASE64);
  }

  /** Whether an unknown command may be what a client sent behind an AUTH that was refused: no filter is to see it. */
  mayBeSecret(line: string): boolean {
    return this.#tried && /^[A-Za-z0-9+/]+={0,2}$/.test(line);
  }

  /** The client is gone: what is being waited for is given up. */
  interrupted(): void {
    this.#gone.abort();
  }

  #follow(step: Step, origin: Origin): Awaitable<AuthAnswer> {
    const mechanism = this.#mechanism!;
    const { authenticator } = this.#settings.auth!;
    switch (step.kind) {
      case 'challenge':
        return right(status(334, '', toBase64(step.text)));
      case 'credentials':
        return after(authenticator.scram(step.name), (found) => this.#follow(step.go(found), origin));
      case 'password':
        this.#mechanism = null;
        return this.#verify(step, mechanism.name, origin);
      case 'proved':
        this.#mechanism = null;
        return this.#passed(step.name, mechanism.name, origin);
      case 'disproved':
        this.#mechanism = null;
        return this.#failed(step.known ? step.name : '', mechanism.name, origin, this.#now());
      case 'malformed':
        this.#mechanism = null;
        return wrong(texts.AUTH_MALFORMED);
    }
  }

  async #verify(
    { name, authority, password }: Extract<Step, { kind: 'password' }>,
    method: MechanismName,
    origin: Origin,
  ): Promise<AuthAnswer> {
    const began = this.#now();
    // Nobody acts as somebody else (RFC 4616 2): the identity is that of who authenticates.
    if (authority !== '' && authority !== name) return this.#failed('', method, origin, began);
    const attempt: PasswordAttempt = {
      name,
      password,
      client: origin.remoteAddress,
      failures: this.#failures,
      signal: this.#gone.signal,
    };
    const found: Verification = await this.#settings.auth!.authenticator.verify(attempt);
    switch (found.kind) {
      case 'right':
        return this.#passed(name, method, origin);
      case 'busy':
        return right(texts.AUTH_BUSY);
      case 'wrong':
        return this.#failed(found.known ? name : '', method, origin, began);
    }
  }

  #passed(user: string, method: MechanismName, origin: Origin): AuthAnswer {
    this.#notice('smtp.auth-succeeded', user, method, origin);
    return { kind: 'passed', user, method };
  }

  /** Answers late; counted from when the attempt began, so that the time the check took does not show. */
  async #failed(user: string, method: MechanismName, origin: Origin, began: number): Promise<AuthAnswer> {
    const { auth, limits } = this.#settings;
    this.#notice('smtp.auth-failed', user, method, origin);
    const inSession = ++this.#failures;
    const remembered = auth!.authenticator.failed(origin.remoteAddress);
    const delay = Math.min(limits.maxAuthDelay, limits.authDelay * Math.max(inSession, remembered));
    await this.#wait(began + delay - this.#now());
    const last = inSession >= Math.min(limits.maxAuthFailures, MAX_FAILURES);
    return right(last ? texts.TOO_MANY_AUTH_FAILURES : texts.AUTH_FAILED);
  }

  #wait(ms: number): Promise<void> {
    const { signal } = this.#gone;
    if (signal.aborted || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#settings.clock.after(ms, () => {
        signal.removeEventListener('abort', given);
        resolve();
      });
      const given = (): void => {
        cancel();
        resolve();
      };
      signal.addEventListener('abort', given, { once: true });
    });
  }

  #now(): number {
    return this.#settings.clock.elapsed();
  }

  #notice(
    name: 'smtp.auth-succeeded' | 'smtp.auth-failed',
    user: string,
    method: MechanismName,
    { listener, session, remoteAddress }: Origin,
  ): void {
    this.#settings.notices(name, { listener, session, client: remoteAddress, method, user });
  }
}
