/**
 * What stands in for users that do not exist, so that nobody learns from salt, iterations or time which names do.
 *
 * Each name gets the parameters of one of the real users, always the same one while the users stay as they are, and salt and keys
 * that nobody has a password for, always the same ones under one secret. Pure but for the secret; never throws.
 */
import { createHmac } from 'node:crypto';
import { NEW_HASH, type PasswordHash, type ScramHash, type ScryptHash } from '#gateway/config';

/** Makes stand-ins. */
export class Decoys {
  readonly #secret: Uint8Array;
  readonly #hashes: readonly (ScryptHash | ScramHash)[];
  readonly #scrams: readonly ScramHash[];

  /** `passwords`: those of the real users. `secret`: 32 bytes; the same after a restart, or a changed salt gives the name away. */
  constructor(passwords: readonly PasswordHash[], secret: Uint8Array) {
    this.#secret = secret;
    this.#hashes = passwords.flatMap(({ scrypt, scram }) => scrypt ?? scram ?? []);
    this.#scrams = passwords.flatMap(({ scram }) => scram ?? []);
  }

  /** A hash of nothing to check a password against, at the cost of a real one. */
  hash(name: string): ScryptHash | ScramHash {
    const like = this.#like(this.#hashes, name);
    if (like?.kind === 'scram-sha-256') return this.scram(name);
    const { saltBytes, hashBytes } = NEW_HASH;
    const salt = this.#bytes('salt', name, like?.salt.length ?? saltBytes);
    const hash = this.#bytes('hash', name, like?.hash.length ?? hashBytes);
    return { kind: 'scrypt', ...NEW_HASH.scrypt, ...like, salt, hash };
  }

  /** SCRAM credentials that no proof fits. */
  scram(name: string): ScramHash {
    const like = this.#like(this.#scrams, name);
    return {
      kind: 'scram-sha-256',
      iterations: like?.iterations ?? NEW_HASH.iterations,
      salt: this.#bytes('salt', name, like?.salt.length ?? NEW_HASH.saltBytes),
      storedKey: this.#bytes('stored key', name, 32),
      serverKey: this.#bytes('server key', name, 32),
    };
  }

  #like<T>(all: readonly T[], name: string): T | undefined {
    return all[Buffer.from(this.#bytes('like', name, 4)).readUInt32BE() % Math.max(1, all.length)];
  }

  #bytes(use: string, name: string, length: number): Uint8Array {
    return createHmac('sha512', this.#secret)
      .update(`${use}\0${name}`, 'latin1')
      .digest()
      .subarray(0, length);
  }
}
