/**
 * A conversation as a capture file that Wireshark opens: SMTP and milter streams in made-up Ethernet, IP and TCP.
 *
 * Addresses of the gateway and of filters are of documentation networks, the client's is its own; times are those of the journal.
 * What we decided and what is odd stands as a comment on the packet it goes with. Bytes that were not kept leave a gap in the
 * stream. Format: PCAP Next Generation (IETF draft-ietf-opsawg-pcapng). Pure; never throws.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { SMFIC, SMFIR } from '#milter/protocol';
import type { PacketRow } from '#journal';
import type { Conversation } from './index.ts';
import { Capture, Stream, type Endpoint } from './streams.ts';

/** Where filters listen, as far as the file is concerned. */
const MILTER_PORT = 8891;
const SMTP_PORT = 25;
const GATEWAY: Endpoint = { address: '192.0.2.25', port: SMTP_PORT };
const GATEWAY_6: Endpoint = { address: '2001:db8::25', port: SMTP_PORT };
/** Client port: the journal does not keep it. */
const CLIENT_PORT = 40_000;

/** See above. */
export function pcapngOf({ parts, packets }: Conversation): Uint8Array {
  const begin = parts.find((line) => line.part === 0)?.at ?? parts[0]?.at ?? 0;
  const capture = new Capture('Millrace conversation: client address as seen, other addresses made up');
  const lanes = new Map<string, Stream>();
  const dots = new Dots();
  let comments: string[] = [];
  let last = begin;
  for (const row of packets) {
    const at = (last = begin + row.at);
    if (row.kind === 'decision' || row.kind === 'note') {
      comments.push(said(row));
      continue;
    }
    const key = row.kind === 'smtp' ? 'client' : row.lane;
    let stream = lanes.get(key);
    if (!stream) lanes.set(key, (stream = opened(capture, key, lanes.size, parts[0]?.client ?? '', at)));
    // The client opened the one connection, we opened the others.
    const fromOpener = (row.direction === 'received') === (key === 'client');
    if (row.kind === 'smtp' && dots.ends(row)) stream.send(true, DOT, 0, at, 'the end of the content');
    const bytes = row.kind === 'smtp' ? dots.stuffed(row) : wireBytes(row);
    stream.send(fromOpener, bytes, row.cut, at, [...comments, said(row)].join('\n'));
    comments = [];
  }
  for (const stream of lanes.values()) stream.close(last, comments.join('\n'));
  return capture.bytes();
}

const DOT = Buffer.from('.\r\n');

/** Puts the dots of DATA back, which the journal does not have (RFC 5321 4.5.2). */
class Dots {
  #verb = '';
  #inContent = false;
  #lineStart = true;

  /** Whether content ended before this row, and its dot is to be sent. */
  ends(row: PacketRow): boolean {
    const ended = this.#inContent && !isContent(row);
    if (ended) this.#inContent = false;
    return ended;
  }

  stuffed(row: PacketRow): Buffer {
    const bytes = wireBytes(row);
    if (row.direction === 'received' && !isContent(row)) this.#verb = row.code;
    if (!isContent(row) || this.#verb === 'BDAT') return bytes;
    const text = bytes.toString('latin1');
    const starts = this.#inContent ? this.#lineStart : true;
    this.#inContent = true;
    if (text !== '') this.#lineStart = text.endsWith('\n');
    const stuffed = text.replace(/\n\./g, '\n..');
    return Buffer.from(starts && text.startsWith('.') ? `.${stuffed}` : stuffed, 'latin1');
  }
}

function opened(capture: Capture, lane: string, number: number, client: string, at: number): Stream {
  if (lane !== 'client') {
    const filter = { address: `198.51.100.${10 + (number % 240)}`, port: MILTER_PORT };
    return new Stream(capture, { address: '198.51.100.1', port: 50_000 + number }, filter, at);
  }
  const plain = client.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIPv6(plain)) return new Stream(capture, { address: plain, port: CLIENT_PORT }, GATEWAY_6, at);
  const address = isIPv4(plain) ? plain : '192.0.2.1';
  return new Stream(capture, { address, port: CLIENT_PORT }, GATEWAY, at);
}

const CODES: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.entries(SMFIC).map(([name, code]) => [`SMFIC_${name}`, code])),
  ...Object.fromEntries(Object.entries(SMFIR).map(([name, code]) => [`SMFIR_${name}`, code])),
};

/** The row as it went over the wire, as far as it is kept. */
export function wireBytes(row: PacketRow): Buffer {
  const data = Buffer.from(row.data, 'base64');
  if (row.kind === 'smtp') {
    const whole = data.length === 0 || data.at(-1) === 10 || row.cut > 0 || isContent(row);
    return whole ? data : Buffer.concat([data, Buffer.from('\r\n')]);
  }
  const head = Buffer.alloc(5);
  head.writeUInt32BE(data.length + row.cut + 1);
  head[4] = CODES[row.code] ?? 0;
  return Buffer.concat([head, data]);
}

/** Whether a row is content of a message, not a command or a reply. */
export function isContent(row: PacketRow): boolean {
  if (row.kind === 'milter') return row.code === 'SMFIC_BODY' || row.code === 'SMFIR_REPLBODY';
  return row.kind === 'smtp' && row.code === 'CONTENT';
}

function said(row: PacketRow): string {
  const lane = row.kind === 'decision' ? 'gateway decides: ' : '';
  return [lane + row.summary, row.note].filter((text) => text !== '').join(' — ');
}
