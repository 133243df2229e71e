/**
 * The header of the PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt, 2.1 and 2.2): who a proxy's client is.
 *
 * Fed with the bytes of a connection from its first one on, in any pieces; says what was declared and which bytes follow. What
 * is not exactly a header is a fault, found at the first byte that shows it; at most MAX_HEADER bytes are held. Extensions (TLV)
 * are skipped and must fit. Pure; never throws.
 */
import { canonicalIp, IPV4_BYTES, IPV6_BYTES, ipv4Text, ipv6Text } from './ip-addresses.ts';
import { isIpv4 } from './literals.ts';

/** One end of the client's connection to the proxy; address in canonical text. */
export interface ProxyEnd {
  readonly address: string;
  readonly port: number;
}

/** A whole header. */
export interface ProxyHeader {
  /** null: the proxy speaks for itself (LOCAL), or cannot say (UNKNOWN, UNSPEC, a UNIX socket). */
  readonly declared: { readonly source: ProxyEnd; readonly destination: ProxyEnd } | null;
  /** What came behind the header. */
  readonly rest: Uint8Array;
}

/** Why there is no header; for the log. */
export interface ProxyFault {
  readonly fault: string;
}

/** A line of version 1 with its CRLF. */
const MAX_LINE = 107;
/** What may follow the fixed part of version 2: addresses (216 at most) and extensions. */
const MAX_BLOCK = 2048;

const FIXED = 16;
const V1 = bytesOfText('PROXY ');
const V2 = bytesOfText('\r\n\r\n\0\r\nQUIT\n');
const CR = 13;
const LF = 10;
const UNIX_ADDRESSES = 216;
const NOTHING = new Uint8Array(0);

type Declared = ProxyHeader['declared'];
const fault = (reason: string): ProxyFault => ({ fault: reason });

/** Reads one header. */
export class ProxyHeaderParser {
  #held: Uint8Array = NOTHING;

  /** The next bytes; null while more are needed. Not to be called again after a header or a fault. */
  push(chunk: Uint8Array): ProxyHeader | ProxyFault | null {
    const bytes = this.#held.length === 0 ? chunk : joined(this.#held, chunk);
    if (bytes.length === 0) return null;
    const found = bytes[0] === V1[0] ? lineOf(bytes) : blockOf(bytes);
    if (found === null) this.#held = bytes;
    return found;
  }
}

/** Whether the `nth` command line of a session is that of a header: of either version, sent by who is not trusted with one. */
export function isProxyHeader(line: string, nth: number): boolean {
  return line.startsWith('PROXY ') || (nth === 3 && line === '\0');
}

/** Version 1: `PROXY TCP4 source destination sport dport CRLF`. */
function lineOf(bytes: Uint8Array): ProxyHeader | ProxyFault | null {
  if (!beginsWith(bytes, V1)) return fault('no PROXY header');
  const lf = bytes.subarray(0, MAX_LINE).indexOf(LF);
  if (lf < 0) return bytes.length < MAX_LINE ? null : fault('a line of version 1 that is too long');
  if (bytes[lf - 1] !== CR) return fault('a line of version 1 that ends without CR');
  const declared = declaredIn(String.fromCharCode(...bytes.subarray(0, lf - 1)));
  return declared === undefined
    ? fault('a line of version 1 that cannot be read')
    : { declared, rest: bytes.subarray(lf + 1) };
}

/** What a line of version 1 says; undefined when it is none. A port of 0 is nobody's (TCP has none). */
function declaredIn(line: string): Declared | undefined {
  if (/^PROXY UNKNOWN(?: [^\r]*)?$/.test(line)) return null;
  const m = /^PROXY TCP([46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) ([1-9]\d{0,4}) ([1-9]\d{0,4})$/.exec(line);
  if (!m) return undefined;
  const [from, to] = [m[2]!, m[3]!];
  const [source, destination] = [canonicalIp(from), canonicalIp(to)];
  if (source === null || destination === null) return undefined;
  if (isIpv4(from) !== (m[1] === '4') || isIpv4(to) !== (m[1] === '4')) return undefined;
  const [sport, dport] = [Number(m[4]), Number(m[5])];
  if (sport > 65_535 || dport > 65_535) return undefined;
  return { source: { address: source, port: sport }, destination: { address: destination, port: dport } };
}

/** Version 2: signature, version and command, family, length of the rest. */
function blockOf(bytes: Uint8Array): ProxyHeader | ProxyFault | null {
  if (!beginsWith(bytes, V2)) return fault('no PROXY header');
  if (bytes.length <= V2.length) return null;
  const [version, command] = [bytes[12]! >> 4, bytes[12]! & 15];
  if (version !== 2) return fault(`version ${version}`);
  if (command > 1) return fault(`command ${command} of version 2`);
  if (bytes.length < FIXED) return null;
  const size = bytes[14]! * 256 + bytes[15]!;
  if (size > MAX_BLOCK) return fault('a header of version 2 that is too long');
  if (bytes.length < FIXED + size) return null;
  const block = bytes.subarray(FIXED, FIXED + size);
  const rest = bytes.subarray(FIXED + size);
  if (command === 0) return { declared: null, rest }; // LOCAL: whatever else it says is to be ignored
  const ends = endsIn(bytes[13]!, block);
  return 'fault' in ends ? ends : { declared: ends.declared, rest };
}

/** The addresses of a block, by its family and transport. */
function endsIn(family: number, block: Uint8Array): { declared: Declared } | ProxyFault {
  switch (family) {
    case 0x00: // UNSPEC
      return { declared: null };
    case 0x11:
      return internetEnds(block, IPV4_BYTES, ipv4Text);
    case 0x21:
      return internetEnds(block, IPV6_BYTES, ipv6Text);
    case 0x31:
      if (!extensionsFit(block, UNIX_ADDRESSES)) return fault('addresses or extensions that do not fit');
      return { declared: null };
    default: // datagrams carry no SMTP
      return fault(`address family 0x${family.toString(16).padStart(2, '0')}`);
  }
}

function internetEnds(
  block: Uint8Array,
  width: number,
  textOf: (bytes: Uint8Array, at: number) => string,
): { declared: Declared } | ProxyFault {
  if (!extensionsFit(block, 2 * width + 4)) return fault('addresses or extensions that do not fit');
  const port = (at: number): number => block[at]! * 256 + block[at + 1]!;
  const source = { address: textOf(block, 0), port: port(2 * width) };
  const destination = { address: textOf(block, width), port: port(2 * width + 2) };
  return source.port === 0 || destination.port === 0
    ? fault('port 0')
    : { declared: { source, destination } };
}

/** Whether `block` has its addresses, and behind them nothing but whole extensions: type, length, value. */
function extensionsFit(block: Uint8Array, at: number): boolean {
  while (at + 3 <= block.length) at += 3 + block[at + 1]! * 256 + block[at + 2]!;
  return at === block.length;
}

/** Whether `bytes`, as far as they go, are those of `signature`. */
function beginsWith(bytes: Uint8Array, signature: Uint8Array): boolean {
  const length = Math.min(bytes.length, signature.length);
  for (let i = 0; i < length; i++) if (bytes[i] !== signature[i]) return false;
  return true;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}

function bytesOfText(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}
