/**
 * Users as they are written, in the configuration or in the users file: name, password hash, and whom they may send as.
 *
 * A name is any text without control characters, blanks around it, or a colon (which ends it in the file). Names and passwords
 * are compared byte by byte in UTF-8; nothing is prepared or folded. Pure; never throws.
 */
import { byteStringOf } from '#message';
import { Problem } from './diagnostics.ts';
import { leaf } from './leaves.ts';
import { parsePasswordHash, type PasswordHash } from './password.ts';

/** One account. */
export interface UserConfig {
  /** Byte string. */
  readonly name: string;
  readonly password: PasswordHash;
  /** Lower-case byte strings, an address or `@domain` each; null = any sender. */
  readonly senders: readonly string[] | null;
}

/** Bytes of a user's name. */
const MAX_USER_NAME = 255;

/** A name as a byte string, or null when it is none. */
export function userName(text: string): string | null {
  const name = byteStringOf(text);
  const good = name !== '' && name.length <= MAX_USER_NAME && name === name.trim();
  return good && !/[\x00-\x1f\x7f:]/.test(name) ? name : null;
}

/** `user@domain` or `@domain` as a lower-case byte string, or null when it is neither. */
export function senderPattern(text: string): string | null {
  return /^[^\s@,<>\x00-\x1f]*@[^\s@,<>:\x00-\x1f]+$/.test(text) && text.length <= 320
    ? byteStringOf(text.replace(/[A-Z]+/g, (s) => s.toLowerCase()))
    : null;
}

/** The leaf of `users[].name`. */
export const nameLeaf = leaf((value): string | Problem => {
  const name = typeof value === 'string' ? userName(value) : null;
  return (
    name ?? new Problem('is not a user name', 'write up to 255 bytes without colons and control characters')
  );
});

/** The leaf of `users[].password`; what stands there is never shown. */
export const passwordLeaf = leaf((value): PasswordHash | Problem => {
  const hash = typeof value === 'string' ? parsePasswordHash(value) : null;
  return hash ?? new Problem('is not a password hash', 'write what millrace user hash prints');
});

/** The leaf of `users[].senders[]`. */
export const senderLeaf = leaf((value): string | Problem => {
  const pattern = typeof value === 'string' ? senderPattern(value) : null;
  return pattern ?? new Problem('is not a sender', 'write an address, or @ and a domain');
});
