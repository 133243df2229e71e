/**
 * Sessions of the pages: what a cookie stands for, in memory.
 *
 * A session ends when it was not used for twelve hours, when its token is revoked, when its user has another password or may do
 * nothing here any more, when the gateway ends, or when too many newer ones were begun. Cookies are random and kept as digests. Never throws.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '#clock';
import type { Holder } from './tokens.ts';

/** Sessions at one time. */
export const MAX_SESSIONS = 1000;
/** Milliseconds without a request after which a session is over. */
export const SESSION_LIFE = 43_200_000;

/** Who begins a session. `account`: the mark of the user who signed in with a password; null: by a token. */
export interface Beginner extends Holder {
  readonly account: string | null;
}

/** An open session. */
export interface Session extends Beginner {
  /** What requests that change something must show besides the cookie. */
  readonly csrf: string;
}

interface Kept extends Session {
  used: number;
}

const keyOf = (cookie: string): string => createHash('sha256').update(cookie).digest('base64');

export class Sessions {
  readonly #clock: Clock;
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Begins one. */
  begin({ name, scope, account }: Beginner): { readonly cookie: string; readonly session: Session } {
    const cookie = randomBytes(32).toString('base64url');
    const csrf = randomBytes(24).toString('base64url');
    const session = { name, scope, account, csrf, used: this.#clock.elapsed() };
    this.#kept.set(keyOf(cookie), session);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_SESSIONS) break;
      this.#kept.delete(oldest);
    }
    return { cookie, session };
  }

  /** The session of a cookie; it lives on from now. */
  find(cookie: string): Session | null {
    const key = keyOf(cookie);
    const kept = this.#kept.get(key);
    if (!kept) return null;
    this.#kept.delete(key);
    const now = this.#clock.elapsed();
    if (now - kept.used > SESSION_LIFE) return null;
    kept.used = now;
    this.#kept.set(key, kept);
    return kept;
  }

  /** Ends one. */
  end(cookie: string): void {
    this.#kept.delete(keyOf(cookie));
  }

  /** Ends all that were begun with a token. */
  endOf(name: string): void {
    for (const [key, kept] of this.#kept)
      if (kept.name === name && kept.account === null) this.#kept.delete(key);
  }
}
