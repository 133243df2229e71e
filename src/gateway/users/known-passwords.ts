/**
 * A short memory of passwords that were right, so that a client who logs in for each message does not cost a hash each time.
 *
 * What is kept is a keyed digest of name, hash and password, under a key of this process alone: never the password, and a
 * changed hash makes it worthless. Bounded in number and time. Never throws.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '#clock';

/** Logins remembered; the oldest is forgotten first. */
const MAX_REMEMBERED = 1000;
/** Milliseconds after the check. */
const REMEMBER = 300_000;

/** The memory. */
export class KnownPasswords {
  readonly #clock: Clock;
  readonly #key = randomBytes(32);
  /** Digest to the time until which it counts; oldest first. */
  readonly #known = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether this password was found right for that name and hash lately. */
  has(name: string, hash: Uint8Array, password: string): boolean {
    const until = this.#known.get(this.#digest(name, hash, password));
    return until !== undefined && until > this.#clock.elapsed();
  }

  /** It was right just now. */
  add(name: string, hash: Uint8Array, password: string): void {
    const digest = this.#digest(name, hash, password);
    this.#known.delete(digest);
    this.#known.set(digest, this.#clock.elapsed() + REMEMBER);
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
  }

  /** Name and password hold no NUL, and the hash comes with its length. */
  #digest(name: string, hash: Uint8Array, password: string): string {
    const hmac = createHmac('sha256', this.#key);
    hmac.update(`${name}\0${hash.length}\0`, 'latin1').update(hash).update(password, 'latin1');
    return hmac.digest('base64');
  }
}
