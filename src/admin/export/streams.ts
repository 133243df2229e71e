/**
 * The blocks of a pcapng file, and TCP connections made up in them: Ethernet, IPv4 or IPv6, TCP, with right checksums.
 *
 * Pure; never throws. Numbers of the formats stand here once: RFC 791, RFC 8200, RFC 9293, draft-ietf-opsawg-pcapng.
 */
import { isIPv6 } from 'node:net';

/** One end of a connection. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const SECTION = 0x0a0d0d0a;
const BYTE_ORDER = 0x1a2b3c4d;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const ETHERNET = 1;
const OPTION = { end: 0, comment: 1, application: 4 } as const;
const TCP = 6;
const FLAG = { fin: 1, syn: 2, push: 8, ack: 16 } as const;
/** Payload bytes of one segment. */
const SEGMENT = 16_384;
/** Characters of a comment. */
const MAX_COMMENT = 2000;

/** A capture file that grows. */
export class Capture {
  readonly #blocks: Buffer[] = [];

  constructor(comment: string) {
    const section = Buffer.alloc(16);
    section.writeUInt32LE(BYTE_ORDER, 0);
    section.writeUInt16LE(1, 4); // major version
    section.writeBigInt64LE(-1n, 8); // section of unknown length
    this.#block(SECTION, section, option(OPTION.comment, comment), option(OPTION.application, 'Millrace'));
    const face = Buffer.alloc(8);
    face.writeUInt16LE(ETHERNET, 0);
    this.#block(INTERFACE, face); // no snap length; times in microseconds, as is the default
  }

  /** Adds a frame. `at`: milliseconds since 1970, with fractions. */
  frame(bytes: Buffer, at: number, comment: string): void {
    const micros = BigInt(Math.max(0, Math.round(at * 1000)));
    const head = Buffer.alloc(20);
    head.writeUInt32LE(Number(micros >> 32n), 4);
    head.writeUInt32LE(Number(micros & 0xffff_ffffn), 8);
    head.writeUInt32LE(bytes.length, 12);
    head.writeUInt32LE(bytes.length, 16);
    const body = Buffer.concat([head, padded(bytes)]);
    if (comment === '') this.#block(ENHANCED_PACKET, body);
    else this.#block(ENHANCED_PACKET, body, option(OPTION.comment, comment.slice(0, MAX_COMMENT)));
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#blocks);
  }

  #block(type: number, body: Buffer, ...options: readonly Buffer[]): void {
    const all = options.length > 0 ? [...options, Buffer.alloc(4)] : [];
    const length = 12 + body.length + all.reduce((sum, o) => sum + o.length, 0);
    const [head, tail] = [Buffer.alloc(8), Buffer.alloc(4)];
    head.writeUInt32LE(type, 0);
    head.writeUInt32LE(length, 4);
    tail.writeUInt32LE(length, 0);
    this.#blocks.push(head, body, ...all, tail);
  }
}

function option(code: number, text: string): Buffer {
  const value = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return Buffer.concat([head, padded(value)]);
}

const padded = (bytes: Buffer): Buffer =>
  bytes.length % 4 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(4 - (bytes.length % 4))]);

/** One TCP connection in a capture; its handshake is there from the start. */
export class Stream {
  readonly #capture: Capture;
  readonly #ends: readonly [Endpoint, Endpoint];
  /** Next sequence numbers, of the opener and of the other end. */
  readonly #next: [number, number] = [1000, 5000];
  #frames = 0;

  constructor(capture: Capture, opener: Endpoint, other: Endpoint, at: number) {
    this.#capture = capture;
    this.#ends = [opener, other];
    this.#segment(0, FLAG.syn, EMPTY, at, '');
    this.#segment(1, FLAG.syn | FLAG.ack, EMPTY, at, '');
    this.#segment(0, FLAG.ack, EMPTY, at, '');
  }

  /** Bytes in one direction; `lost` more came behind them and are not known. */
  send(fromOpener: boolean, bytes: Buffer, lost: number, at: number, comment: string): void {
    const from = fromOpener ? 0 : 1;
    for (let start = 0; start < Math.max(1, bytes.length); start += SEGMENT) {
      const part = bytes.subarray(start, start + SEGMENT);
      this.#segment(from, FLAG.push | FLAG.ack, part, at, start === 0 ? comment : '');
    }
    this.#next[from] = (this.#next[from] + lost) >>> 0;
  }

  close(at: number, comment: string): void {
    this.#segment(0, FLAG.fin | FLAG.ack, EMPTY, at, comment);
    this.#segment(1, FLAG.fin | FLAG.ack, EMPTY, at, '');
    this.#segment(0, FLAG.ack, EMPTY, at, '');
  }

  #segment(from: 0 | 1, flags: number, payload: Buffer, at: number, comment: string): void {
    const to = from === 0 ? 1 : 0;
    const tcp = Buffer.alloc(20 + payload.length);
    tcp.writeUInt16BE(this.#ends[from].port, 0);
    tcp.writeUInt16BE(this.#ends[to].port, 2);
    tcp.writeUInt32BE(this.#next[from], 4);
    if (flags & FLAG.ack) tcp.writeUInt32BE(this.#next[to], 8);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    tcp.writeUInt16BE(0xffff, 14);
    payload.copy(tcp, 20);
    const counted = payload.length + (flags & (FLAG.syn | FLAG.fin) ? 1 : 0);
    this.#next[from] = (this.#next[from] + counted) >>> 0;
    const addresses = [this.#ends[from].address, this.#ends[to].address] as const;
    const packet = isIPv6(addresses[0]) ? overIpv6(tcp, addresses) : overIpv4(tcp, addresses, this.#frames++);
    this.#capture.frame(packet, at, comment);
  }
}

const EMPTY = Buffer.alloc(0);

function overIpv4(tcp: Buffer, [from, to]: readonly [string, string], id: number): Buffer {
  const [source, target] = [ipv4Bytes(from), ipv4Bytes(to)];
  const pseudo = Buffer.concat([source, target, Buffer.from([0, TCP, tcp.length >> 8, tcp.length & 255])]);
  tcp.writeUInt16BE(checksum(pseudo, tcp), 16);
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(20 + tcp.length, 2);
  ip.writeUInt16BE(id & 0xffff, 4);
  ip[6] = 0x40; // do not fragment
  ip[8] = 64;
  ip[9] = TCP;
  source.copy(ip, 12);
  target.copy(ip, 16);
  ip.writeUInt16BE(checksum(ip), 10);
  return Buffer.concat([ethernet(0x0800), ip, tcp]);
}

function overIpv6(tcp: Buffer, [from, to]: readonly [string, string]): Buffer {
  const [source, target] = [ipv6Bytes(from), ipv6Bytes(to)];
  const length = Buffer.alloc(8);
  length.writeUInt32BE(tcp.length, 0);
  length[7] = TCP;
  tcp.writeUInt16BE(checksum(source, target, length, tcp), 16);
  const ip = Buffer.alloc(8);
  ip[0] = 0x60;
  ip.writeUInt16BE(tcp.length, 4);
  ip[6] = TCP;
  ip[7] = 64;
  return Buffer.concat([ethernet(0x86dd), ip, source, target, tcp]);
}

/** Locally administered addresses; which is which does not matter. */
const ethernet = (type: number): Buffer =>
  Buffer.from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, type >> 8, type & 255]);

const ipv4Bytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number));

/** Sixteen bytes of an address that is one. */
function ipv6Bytes(address: string): Buffer {
  const [plain = ''] = address.split('%');
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(plain);
  const pair = (a: string, b: string): string => ((Number(a) << 8) | Number(b)).toString(16);
  const text = dotted ? `${dotted[1]}${pair(dotted[2]!, dotted[3]!)}:${pair(dotted[4]!, dotted[5]!)}` : plain;
  const [left = '', right] = text.split('::');
  const words = (half: string): number[] => (half === '' ? [] : half.split(':').map((w) => parseInt(w, 16)));
  const [head, tail] = [words(left), words(right ?? '')];
  const all = [
    ...head,
    ...Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => 0),
    ...tail,
  ];
  const bytes = Buffer.alloc(16);
  all.slice(0, 8).forEach((word, i) => bytes.writeUInt16BE(word & 0xffff, 2 * i));
  return bytes;
}

/** The internet checksum (RFC 1071) over parts of even length but for the last. */
function checksum(...parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i + 1 < part.length; i += 2) sum += (part[i]! << 8) | part[i + 1]!;
    if (part.length % 2 === 1) sum += part.at(-1)! << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65_536);
  return ~sum & 0xffff;
}
