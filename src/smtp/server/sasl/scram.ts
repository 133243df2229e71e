/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side, without channel binding: a client that insists on it (`p=`) is refused.
 *
 * The server's signature goes out as a last challenge, since SMTP's 235 carries no data (RFC 4954 4); the client answers it with
 * nothing. Names and nonces are bytes as given: no SASLprep is made here.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { fromBase64, toBase64 } from './base64.ts';
import { MALFORMED, type Mechanism, type ScramCredentials, type Step } from './mechanism.ts';

/** Bytes of chance in our part of the nonce. */
const NONCE_BYTES = 18;
/** Characters of the client's part: with it the challenge must fit into one reply line. */
const MAX_CLIENT_NONCE = 200;

/** What the client's first message says. */
interface First {
  /** `n,,` or `y,,`, with the authority when there is one. */
  readonly header: string;
  readonly authority: string;
  /** The message without the header. */
  readonly bare: string;
  readonly name: string;
  readonly nonce: string;
}

/** One exchange of SCRAM-SHA-256. `ourNonce`: for test vectors. */
export function scram(ourNonce: () => string = () => randomBytes(NONCE_BYTES).toString('base64')): Mechanism {
  let next = (response: string): Step => {
    const first = parseFirst(response);
    if (first === null) return MALFORMED;
    const { name, authority } = first;
    if (authority !== '' && authority !== name) return { kind: 'disproved', name, known: false };
    const go = (found: ScramCredentials): Step => {
      const nonce = first.nonce + ourNonce();
      const salt = Buffer.from(found.salt).toString('base64');
      const challenge = `r=${nonce},s=${salt},i=${found.iterations}`;
      next = (final) => proof(final, first, nonce, challenge, found);
      return { kind: 'challenge', text: challenge };
    };
    return { kind: 'credentials', name, go };
  };

  const proof = (
    final: string,
    first: First,
    nonce: string,
    challenge: string,
    found: ScramCredentials,
  ): Step => {
    const at = final.lastIndexOf(',p=');
    const expected = `c=${toBase64(first.header)},r=${nonce}`;
    const without = final.slice(0, at);
    if (at < 0 || (without !== expected && !without.startsWith(expected + ','))) return MALFORMED;
    const given = fromBase64(final.slice(at + 3));
    if (given === null || given.length !== found.storedKey.length) return MALFORMED;
    const said = `${first.bare},${challenge},${without}`;
    const { name } = first;
    if (!proves(found, said, Buffer.from(given, 'latin1')))
      return { kind: 'disproved', name, known: found.known };
    next = (last) => (last === '' ? { kind: 'proved', name } : MALFORMED);
    return { kind: 'challenge', text: `v=${hmac(found.serverKey, said).toString('base64')}` };
  };

  return {
    name: 'SCRAM-SHA-256',
    start: (initial) => (initial === null ? { kind: 'challenge', text: '' } : next(initial)),
    next: (response) => next(response),
  };
}

/** The client's key is its proof XOR its signature; its hash is what we keep (RFC 5802 3). */
function proves({ storedKey }: ScramCredentials, said: string, given: Buffer): boolean {
  const key = hmac(storedKey, said);
  for (let i = 0; i < key.length; i++) key[i]! ^= given[i]!;
  return timingSafeEqual(createHash('sha256').update(key).digest(), storedKey);
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'latin1').digest();
}

/** RFC 5802 7: header, name, nonce, extensions we do not know (a mandatory one, `m=`, has no match here). */
const FIRST = /^([ny],(?:a=([^,\0]+))?,)(n=([^,\0]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,\0]+)*)$/;

function parseFirst(message: string): First | null {
  const m = FIRST.exec(message);
  if (m === null) return null;
  const [, header = '', authority = '', bare = '', name = '', nonce = ''] = m;
  if (nonce.length > MAX_CLIENT_NONCE) return null;
  const plainName = unescaped(name);
  const plainAuthority = unescaped(authority);
  if (plainName === null || plainAuthority === null) return null;
  return { header, authority: plainAuthority, bare, name: plainName, nonce };
}

/** A name in which `=2C` stands for a comma and `=3D` for an equals sign, and no other `=` is. */
function unescaped(name: string): string | null {
  if (/=(?!2C|3D)/.test(name)) return null;
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}
