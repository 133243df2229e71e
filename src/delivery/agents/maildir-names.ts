/**
 * Names and bytes of Maildir files: what an address becomes as part of a path, what a host name becomes in a file name, and
 * LF line ends. Pure; never throws.
 */
import { createHash } from 'node:crypto';
import { asciiLower, domainOf, localPartOf } from '#message';

/** The longest file or folder name made of an address, in bytes. */
const MAX_NAME = 200;

/** The folder of an address by a pattern with `{local}`, `{domain}`, `{address}`. The domain is lower case. */
export function folderFor(pattern: string, address: string): string {
  const local = localPartOf(address);
  const domain = asciiLower(domainOf(address));
  const values: Record<string, string> = {
    local,
    domain,
    address: domain === '' ? local : `${local}@${domain}`,
  };
  return pattern.replace(/\{(local|domain|address)\}/g, (_, what: string) => safeName(values[what]!));
}

/**
 * A byte string as one harmless file name: what is not a letter, a digit or one of `._+=@-` is %XX, as is a dot in front, so
 * neither `..` nor a slash comes through. An empty one is `_`; a long one is cut and marked with its hash.
 */
export function safeName(text: string): string {
  if (text === '') return '_';
  const name = text.replace(
    /^\.|[^A-Za-z0-9._+=@-]/g,
    (c) => '%' + c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase(),
  );
  if (name.length <= MAX_NAME) return name;
  const hash = createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 24);
  return `${name.slice(0, MAX_NAME - 25)}~${hash}`;
}

/** A host name inside a Maildir file name: slash and colon as the Maildir convention writes them. */
export function hostPart(hostname: string): string {
  return hostname.replaceAll('/', '\\057').replaceAll(':', '\\072') || 'localhost';
}

/** Turns CRLF into LF over chunks; a CR at the end of a chunk waits for the next. */
export function withLf(): { take(chunk: Uint8Array): Uint8Array; end(): Uint8Array } {
  let heldCr = false;
  return {
    take(chunk) {
      if (chunk.length === 0) return chunk;
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      let text = bytes.toString('latin1');
      if (heldCr) text = '\r' + text;
      heldCr = text.endsWith('\r');
      if (heldCr) text = text.slice(0, -1);
      return Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1');
    },
    end: () => (heldCr ? Uint8Array.of(13) : new Uint8Array()),
  };
}
