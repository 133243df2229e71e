/**
 * Password hashes as the configuration and the users file write them, with the bounds that keep a hostile one from eating memory
 * or time.
 *
 *   $scrypt$ln=15,r=8,p=1$SALT$HASH
 *   $scram-sha-256$i=65536$SALT$STOREDKEY$SERVERKEY
 *
 * One of them, or both with a blank between (PLAIN and LOGIN are then checked against the first). Base64 without padding. What
 * stands in a hash never gets into a message. Pure; never throws.
 */

/** A hash made by scrypt (RFC 7914). */
export interface ScryptHash {
  readonly kind: 'scrypt';
  /** Base 2 logarithm of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** What SCRAM-SHA-256 keeps of a password (RFC 5802 3). */
export interface ScramHash {
  readonly kind: 'scram-sha-256';
  readonly iterations: number;
  readonly salt: Uint8Array;
  /** 32 bytes each. */
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** What is kept of one user's password; one of the two at least. */
export interface PasswordHash {
  readonly scrypt: ScryptHash | null;
  readonly scram: ScramHash | null;
}

/** What new hashes are made with. */
export const NEW_HASH = {
  scrypt: { ln: 15, r: 8, p: 1 },
  iterations: 65_536,
  saltBytes: 16,
  hashBytes: 32,
} as const;

/** Bounds of what is taken. Memory of scrypt is 128 * N * r bytes, its time goes with N * r * p. */
const MAX_SCRYPT_MEMORY = 128 * 1024 * 1024;
const MAX_SCRYPT_PARALLEL = 4;
const MAX_SCRAM_ITERATIONS = 1_000_000;
const LEAST_SCRAM_ITERATIONS = 4096; // RFC 7677 4
const LEAST_SALT = 8;
const MAX_SALT = 64;
const LEAST_HASH = 16;
const MAX_HASH = 64;
const SCRAM_KEY = 32;

/** Reads what stands for a password; null when it is none of the forms above, or beyond the bounds. */
export function parsePasswordHash(text: string): PasswordHash | null {
  const parts = text.split(' ').filter((part) => part !== '');
  let scrypt: ScryptHash | null = null;
  let scram: ScramHash | null = null;
  for (const part of parts) {
    const one = parseScrypt(part) ?? parseScram(part);
    if (one === null || (one.kind === 'scrypt' ? scrypt : scram) !== null) return null;
    if (one.kind === 'scrypt') scrypt = one;
    else scram = one;
  }
  return scrypt || scram ? { scrypt, scram } : null;
}

/** The text of a hash. */
export function passwordHashText(hash: ScryptHash | ScramHash): string {
  if (hash.kind === 'scrypt') {
    const { ln, r, p, salt, hash: key } = hash;
    return `$scrypt$ln=${ln},r=${r},p=${p}$${toText(salt)}$${toText(key)}`;
  }
  const { iterations, salt, storedKey, serverKey } = hash;
  return `$scram-sha-256$i=${iterations}$${toText(salt)}$${toText(storedKey)}$${toText(serverKey)}`;
}

function parseScrypt(text: string): ScryptHash | null {
  const m = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,2})\$([^$]+)\$([^$]+)$/.exec(text);
  if (m === null) return null;
  const [ln, r, p] = [Number(m[1]), Number(m[2]), Number(m[3])];
  const salt = bytesIn(m[4]!, LEAST_SALT, MAX_SALT);
  const hash = bytesIn(m[5]!, LEAST_HASH, MAX_HASH);
  const bounded =
    ln >= 1 &&
    ln <= 24 &&
    r >= 1 &&
    p >= 1 &&
    p <= MAX_SCRYPT_PARALLEL &&
    128 * 2 ** ln * r <= MAX_SCRYPT_MEMORY;
  return bounded && salt && hash ? { kind: 'scrypt', ln, r, p, salt, hash } : null;
}

function parseScram(text: string): ScramHash | null {
  const m = /^\$scram-sha-256\$i=(\d{1,7})\$([^$]+)\$([^$]+)\$([^$]+)$/.exec(text);
  if (m === null) return null;
  const iterations = Number(m[1]);
  const salt = bytesIn(m[2]!, LEAST_SALT, MAX_SALT);
  const storedKey = bytesIn(m[3]!, SCRAM_KEY, SCRAM_KEY);
  const serverKey = bytesIn(m[4]!, SCRAM_KEY, SCRAM_KEY);
  if (iterations < LEAST_SCRAM_ITERATIONS || iterations > MAX_SCRAM_ITERATIONS) return null;
  return salt && storedKey && serverKey
    ? { kind: 'scram-sha-256', iterations, salt, storedKey, serverKey }
    : null;
}

function bytesIn(text: string, least: number, most: number): Uint8Array | null {
  if (!/^[A-Za-z0-9+/]+$/.test(text)) return null;
  const bytes = Buffer.from(text, 'base64');
  return toText(bytes) === text && bytes.length >= least && bytes.length <= most ? bytes : null;
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
