/**
 * Who may use the HTTP API: those who show a token, or the cookie of a session that was begun with one or with a password.
 *
 * A cookie is sent by browsers whatever page makes them: with it, requests of foreign pages are refused, and those that may change
 * something need the session's CSRF value too. Wrong tokens and passwords are logged (never their text) and cost time (brake.ts). On loopback
 * only names of ours are answered (origin.ts). Whoever reaches the control socket may do everything.
 */
import type { IncomingMessage } from 'node:http';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Clock } from '#clock';
import type { Accounts } from '#gateway';
import type { NoticeSink } from '#notices';
import { problem } from '../problem.ts';
import { Brake, MAX_FAILURES } from './brake.ts';
import type { Admitted } from './needs.ts';
import { isForeign, isHostOfOurs, isLoopback } from './origin.ts';
import { Sessions, type Beginner, type Session } from './sessions.ts';
import { DEFAULT_TOKEN, MAX_TOKEN_TEXT, type Holder, type Tokens } from './tokens.ts';

/** The cookie of a session. */
export const COOKIE = 'millrace_session';
/** The way to begin a session, open to everybody. */
export const SESSION_PATH = '/api/v1/session';

/** What access control stands on. */
export interface AccessOptions {
  readonly tokens: Tokens;
  readonly accounts: Accounts;
  /** Names the interface has besides those of loopback, in lower case. */
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** Whose a text is; or that it is nobody's, or not looked at because too many wrong ones came from there. */
export type Shown = Holder | 'wrong' | 'braked';

/** Whose a name and a password are; `nothing`: of a user who may do nothing here; `busy`: it cannot be found out now. */
export type Known = Beginner | 'wrong' | 'braked' | 'nothing' | 'busy';

/** Access by token and session, shared by all doors of a gateway but the control socket. */
export class Access {
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly #accounts: Accounts;
  readonly #names: ReadonlySet<string>;
  readonly #brake: Brake;
  readonly #notices: NoticeSink;

  constructor({ tokens, accounts, names, clock, notices }: AccessOptions) {
    this.tokens = tokens;
    this.#accounts = accounts;
    this.sessions = new Sessions(clock);
    this.#names = new Set(names);
    this.#brake = new Brake(clock);
    this.#notices = notices;
  }

  /** Takes back a token and ends the sessions begun with it. */
  async revoke(name: string): ReturnType<Tokens['revoke']> {
    const trouble = await this.tokens.revoke(name);
    if (trouble === null) this.sessions.endOf(name);
    return trouble;
  }

  /** For every request at a door on loopback: whether it names us. Health is told to anybody. */
  readonly host: MiddlewareHandler = async (c, next) => {
    const { path } = c.req;
    if (path === '/healthz' || path === '/readyz' || isHostOfOurs(c.req.header('host'), this.#names))
      return next();
    return problem(c, 403, 'this name is not served here: add it to admin.names');
  };

  /** For every request that needs a token or a session. */
  readonly gate: MiddlewareHandler<Admitted> = async (c, next) => {
    if (c.req.method === 'POST' && c.req.path === SESSION_PATH) return next();
    const shown = /^Bearer +([\x21-\x7e]+)$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (shown !== undefined) {
      const holder = this.look(c, shown);
      if (typeof holder === 'string') return this.refusal(c, holder);
      return admit(c, { ...holder, account: null }, next);
    }
    const session = await this.sessionOf(c);
    if (!session) return unknown(c);
    const trouble = this.#troubleWith(c, session);
    return trouble === null ? admit(c, session, next) : problem(c, 403, trouble);
  };

  /** Whose token a request shows. */
  look(c: Context, text: string): Shown {
    const address = peerOf(c);
    if (!this.#brake.examines(address)) return 'braked';
    const holder = text.length <= MAX_TOKEN_TEXT ? this.tokens.holderOf(text) : null;
    if (holder) return holder;
    this.#brake.failed(address);
    this.#refused(c);
    return 'wrong';
  }

  /** Whose name and password a request shows. */
  async lookAtPassword(c: Context, name: string, password: string): Promise<Known> {
    const client = peerOf(c);
    if (!this.#brake.admits(client)) return 'braked';
    this.#brake.failed(client);
    const { signal } = c.req.raw;
    // Before the password is checked: a session begun with one that was changed meanwhile has the mark of the old one.
    const standing = await this.#accounts.standing(name);
    const kind = await this.#accounts.check({ name, password, client, signal });
    if (kind === 'wrong') this.#refused(c);
    // Who does not wait for the answer has cost the work all the same.
    else if (!signal.aborted) this.#brake.forgive(client);
    if (kind !== 'right') return kind;
    return standing ? { name, scope: standing.scope, account: standing.mark } : 'nothing';
  }

  /** The answer to who shows no good token. */
  refusal(c: Context, why: 'wrong' | 'braked') {
    const wait = this.#brake.wait(peerOf(c));
    if (why === 'wrong' && wait === 0) return unknown(c);
    c.header('retry-after', String(Math.max(1, wait)));
    return problem(c, 429, 'too many wrong tokens or passwords came from this address');
  }

  /** The session of a request's cookie; that of a user has the scope the user has now. */
  async sessionOf(c: Context): Promise<Session | null> {
    const cookie = getCookie(c, COOKIE);
    if (cookie === undefined || cookie.length > MAX_TOKEN_TEXT) return null;
    const session = this.sessions.find(cookie);
    if (!session || session.account === null) return session;
    const standing = await this.#accounts.standing(session.name);
    if (standing?.mark === session.account) return { ...session, scope: standing.scope };
    this.sessions.end(cookie);
    return null;
  }

  /** Whether a page of somebody else sent this. */
  isForeign(c: Context): boolean {
    const { req } = c;
    const provenance = {
      host: req.header('host'),
      origin: req.header('origin'),
      site: req.header('sec-fetch-site'),
    };
    return isForeign(provenance, this.#names);
  }

  /** Says that something wrong was shown; of many, now and then. */
  #refused(c: Context): void {
    const client = peerOf(c);
    const failures = this.#brake.failures(client);
    const request = { method: c.req.method, path: c.req.path.slice(0, 200), client };
    if (failures <= MAX_FAILURES) this.#notices('admin.refused', request);
    else if (failures % 100 === MAX_FAILURES + 1) this.#notices('admin.braked', { client, failures });
  }

  #troubleWith(c: Context, { csrf }: Session): string | null {
    if (this.isForeign(c)) return 'the request comes from another site';
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return null;
    return same(c.req.header('x-csrf-token') ?? '', csrf)
      ? null
      : 'the header X-CSRF-Token is missing or wrong';
  }
}

/** Address of who is connected; '' at a unix socket. */
export function peerOf(c: Context): string {
  const { incoming } = (c.env ?? {}) as { readonly incoming?: IncomingMessage };
  return incoming?.socket.remoteAddress ?? '';
}

/** Whether the browser speaks TLS, to a proxy on this machine. */
export function isSecure(c: Context): boolean {
  const first = c.req.header('x-forwarded-proto')?.split(',')[0]?.trim().toLowerCase();
  return first === 'https' && isLoopback(peerOf(c));
}

function admit(
  c: Context<Admitted>,
  { name, scope, account }: Beginner,
  next: () => Promise<void>,
): Promise<void> {
  c.set('scope', scope);
  c.set('caller', name);
  c.set('shared', account === null && name === DEFAULT_TOKEN);
  return next();
}

function unknown(c: Context) {
  c.header('www-authenticate', 'Bearer realm="millrace"');
  return problem(c, 401, 'a valid token is needed');
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

function same(a: string, b: string): boolean {
  return timingSafeEqual(digestOf(a), digestOf(b));
}
