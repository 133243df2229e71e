/**
 * A certificate with its key as PEM files hold them: read, held against each other, and its names taken out.
 *
 * Called at start, at a reload and whenever the files change. What cannot be used is a CertificateError that names the file and
 * what to do; nothing half read is ever returned. Never says a byte of a key.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

/** Largest PEM file that is read; a bundle of all public authorities has a quarter of it. */
const MAX_PEM = 1024 * 1024;

/** Why certificate files cannot be used. */
export type CertificateFault =
  | 'certificate_unreadable'
  | 'certificate_malformed'
  | 'certificate_key_encrypted'
  | 'certificate_key_mismatch';

/** A certificate, key or authority that cannot be used. The message names the file and the remedy. */
export class CertificateError extends Error {
  readonly code: CertificateFault;
  readonly file: string;
  readonly remedy: string;

  constructor(code: CertificateFault, file: string, what: string, remedy: string, cause?: unknown) {
    super(`${file} ${what} — ${remedy}`, { cause });
    this.code = code;
    this.file = file;
    this.remedy = remedy;
  }
}

/** Where a pair is kept: absolute paths of PEM files. */
export interface PairFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate with its chain, and the key that fits. */
export interface KeyPair {
  /** PEM, as in the files. */
  readonly cert: Buffer;
  readonly key: Buffer;
  /** DNS names of the subjectAltName, lower case, wildcards included; the common name is not looked at (RFC 6125 6.4.4). */
  readonly names: readonly string[];
  /** When it ends, milliseconds since 1970. */
  readonly expires: number;
}

/** Reads a pair. Throws CertificateError. */
export function readPair({ certificate, key }: PairFiles): KeyPair {
  const cert = pemOf(certificate);
  const secret = pemOf(key);
  const parsed = certificateIn(cert, certificate);
  if (!parsed.checkPrivateKey(keyIn(secret, key)))
    throw new CertificateError(
      'certificate_key_mismatch',
      key,
      `is not the key of ${certificate}`,
      'put the certificate and its own key there',
    );
  try {
    createSecureContext({ cert, key: secret });
  } catch (error) {
    throw malformed(certificate, 'cannot be used for TLS', error);
  }
  return { cert, key: secret, names: dnsNames(parsed), expires: Date.parse(parsed.validTo) };
}

/** Reads a file of authorities: one certificate at least, every one sound. Throws CertificateError. */
export function readAuthorities(file: string): Buffer {
  const pem = pemOf(file);
  const blocks = pem.toString('latin1').match(/-----BEGIN [^]*?-----END [^\n]*/g) ?? [];
  if (blocks.length === 0) throw malformed(file, 'holds no PEM certificate');
  for (const block of blocks) certificateIn(Buffer.from(block, 'latin1'), file);
  return pem;
}

function pemOf(file: string): Buffer {
  let why: string;
  try {
    const facts = statSync(file);
    if (facts.isFile() && facts.size <= MAX_PEM) return readFileSync(file);
    why = facts.isFile() ? 'too large' : 'not a file';
  } catch (error) {
    why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
  throw new CertificateError(
    'certificate_unreadable',
    file,
    `cannot be read (${why})`,
    'create it, or correct its permissions',
  );
}

function certificateIn(pem: Buffer, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw malformed(file, 'holds no PEM certificate', error);
  }
}

function keyIn(pem: Buffer, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    if (/-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem.toString('latin1')))
      throw new CertificateError(
        'certificate_key_encrypted',
        file,
        'is encrypted',
        'store the key without a passphrase',
        error,
      );
    throw malformed(file, 'holds no PEM private key', error);
  }
}

function malformed(file: string, what: string, cause?: unknown): CertificateError {
  return new CertificateError('certificate_malformed', file, what, 'put a sound PEM file there', cause);
}

/** Names that need quoting in Node's text (commas, quotes, NUL) are no host names. */
function dnsNames({ subjectAltName = '' }: X509Certificate): string[] {
  return [...subjectAltName.matchAll(/(?:^|, )DNS:([\w*.-]+)(?=,|$)/g)].map(([, name]) =>
    name!.toLowerCase(),
  );
}
