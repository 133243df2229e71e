/** A new password's hash, made off the event loop: what `millrace user hash` would print. Rejects with what crypto said. */
import { randomBytes, scrypt } from 'node:crypto';
import { NEW_HASH, passwordHashText } from '#gateway/config';

/** The last one that was begun. */
let last: Promise<unknown> = Promise.resolve();

/** `password`: the words, as UTF-8. One at a time, so that a thread of the pool is all it takes. */
export function hashPassword(password: string): Promise<string> {
  const made = last.then(() => hash(password));
  last = made.catch(() => undefined);
  return made;
}

function hash(password: string): Promise<string> {
  const { ln, r, p } = NEW_HASH.scrypt;
  const N = 2 ** ln;
  const salt = randomBytes(NEW_HASH.saltBytes);
  return new Promise((resolve, reject) => {
    scrypt(
      Buffer.from(password),
      salt,
      NEW_HASH.hashBytes,
      { N, r, p, maxmem: 256 * N * r },
      (error, key) => {
        if (error) reject(error);
        else resolve(passwordHashText({ kind: 'scrypt', ln, r, p, salt, hash: key }));
      },
    );
  });
}
