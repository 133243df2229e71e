/**
 * Who may use the HTTP API: those who show a token, or the cookie of a session that was begun with one.
 *
 * A cookie is sent by browsers whatever page makes them: with it, requests of foreign pages are refused, and those that may change
 * something need the session's CSRF value too. Wrong tokens are logged (never their text) and cost time (brake.ts). On loopback
 * only names of ours are answered (origin.ts). Whoever reaches the control socket may do everything.
 */
import type { IncomingMessage } from 'node:http';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import { problem } from '../problem.ts';
import { Brake, MAX_FAILURES } from './brake.ts';
import type { Admitted } from './needs.ts';
import { isForeign, isHostOfOurs, isLoopback } from './origin.ts';
import { Sessions, type Session } from './sessions.ts';
import { MAX_TOKEN_TEXT, type Holder, type Tokens } from './tokens.ts';

/** The cookie of a session. */
export const COOKIE = 'millrace_session';
/** The way to begin a session, open to everybody. */
export const SESSION_PATH = '/api/v1/session';

/** What access control stands on. */
export interface AccessOptions {
  readonly tokens: Tokens;
  /** Names the interface has besides those of loopback, in lower case. */
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** Whose a text is; or that it is nobody's, or not looked at because too many wrong ones came from there. */
export type Shown = Holder | 'wrong' | 'braked';

/** Access by token, shared by all doors of a gateway but the control socket. */
export class Access {
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly #names: ReadonlySet<string>;
  readonly #brake: Brake;
  readonly #notices: NoticeSink;

  constructor({ tokens, names, clock, notices }: AccessOptions) {
    this.tokens = tokens;
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
      return admit(c, holder, next);
    }
    const session = this.sessionOf(c);
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
    const failures = this.#brake.failures(address);
    const request = { method: c.req.method, path: c.req.path.slice(0, 200), client: address };
    if (failures <= MAX_FAILURES) this.#notices('admin.refused', request);
    else if (failures % 100 === MAX_FAILURES + 1)
      this.#notices('admin.braked', { client: address, failures });
    return 'wrong';
  }

  /** The answer to who shows no good token. */
  refusal(c: Context, why: 'wrong' | 'braked') {
    const wait = this.#brake.wait(peerOf(c));
    if (why === 'wrong' && wait === 0) return unknown(c);
    c.header('retry-after', String(Math.max(1, wait)));
    return problem(c, 429, 'too many wrong tokens came from this address');
  }

  /** The session of a request's cookie. */
  sessionOf(c: Context): Session | null {
    const cookie = getCookie(c, COOKIE);
    return cookie !== undefined && cookie.length <= MAX_TOKEN_TEXT ? this.sessions.find(cookie) : null;
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

function admit(c: Context<Admitted>, { name, scope }: Holder, next: () => Promise<void>): Promise<void> {
  c.set('scope', scope);
  c.set('caller', name);
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
