/**
 * A name server for tests: knows the records it was given, says NXDOMAIN to everything else, writes down what was asked.
 *
 * Port 53 on a loopback address, so it needs root. Answers that are too long for UDP are cut there and told whole by TCP, as
 * name servers do. It ends with the test.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6 } from 'node:net';
import type { Cleanup } from './folders.ts';

/** A running name server. Records may be changed at any time. */
export interface NameServer {
  readonly address: string;
  /**
   * IPv4 and IPv6 addresses by name, several with blanks between; '' is a name without. `silent`: questions about the name are not
   * answered at all; `servfail`: they are answered by SERVFAIL.
   */
  readonly names: Map<string, string>;
  /** Name by IPv4 address; also `silent` and `servfail`. */
  readonly pointers: Map<string, string>;
  /** Mail hosts by domain: `10 mx.test`, `0 .`; also the single words `silent` and `servfail`. */
  readonly mx: Map<string, readonly string[]>;
  /** What a name is an alias of. */
  readonly aliases: Map<string, string>;
  /** Names, one for each question. */
  readonly asked: string[];
  /** The same with their types: `MX d.test`. */
  readonly questions: string[];
}

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 5: 'CNAME', 12: 'PTR', 15: 'MX', 28: 'AAAA' };
const HEADER = 12;
const LONGEST_UDP = 512;
const SERVFAIL = 2;
const NXDOMAIN = 3;

/** Listens on a loopback address, or on the next free one above it. */
export async function startNameServer(cleanup: Cleanup, first: string): Promise<NameServer> {
  const dot = first.lastIndexOf('.');
  for (let host = Number(first.slice(dot + 1)); host < 255; host += 1) {
    const address = `${first.slice(0, dot)}.${host}`;
    const server: NameServer = {
      address,
      names: new Map(),
      pointers: new Map(),
      mx: new Map(),
      aliases: new Map(),
      asked: [],
      questions: [],
    };
    if (await listen(cleanup, server)) return server;
  }
  throw new Error(`no loopback address from ${first} on has a free port 53`);
}

async function listen(cleanup: Cleanup, server: NameServer): Promise<boolean> {
  const socket = createSocket('udp4');
  const bound = await new Promise<boolean>((resolve) => {
    socket.once('error', () => resolve(false));
    socket.bind(53, server.address, () => resolve(true));
  });
  if (!bound) {
    socket.close();
    return false;
  }
  cleanup.after(() => void socket.close());
  socket.on('message', (query, from) => {
    const answer = answerTo(query, server);
    if (answer) socket.send(answer.length > LONGEST_UDP ? cut(answer) : answer, from.port, from.address);
  });
  // By TCP every message has its size in front (RFC 1035 4.2.2).
  const streams = createServer((stream) => {
    stream.on('error', () => undefined);
    stream.once('data', (query) => {
      const answer = answerTo(query.subarray(2), server);
      if (answer) stream.end(Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 255]), answer]));
    });
  });
  streams.listen(53, server.address);
  await once(streams, 'listening');
  cleanup.after(() => void streams.close());
  return true;
}

/** Header and question alone, marked as cut (TC). */
function cut(answer: Buffer): Buffer {
  const short = Buffer.from(answer.subarray(0, endOfQuestion(answer)));
  short.writeUInt16BE(short.readUInt16BE(2) | 0x0200, 2);
  short.writeUInt16BE(0, 6);
  return short;
}

function endOfQuestion(message: Buffer): number {
  let end = HEADER;
  while (message[end]! > 0) end += 1 + message[end]!;
  return end + 5;
}

/** The answer to a query with one question (RFC 1035 4.1), or null for what is none or is not answered. */
function answerTo(query: Buffer, server: NameServer): Buffer | null {
  if (query.length < HEADER + 5) return null;
  const question = query.subarray(HEADER, endOfQuestion(query));
  const labels: string[] = [];
  for (let at = 0; question[at]! > 0; at += 1 + question[at]!)
    labels.push(question.toString('latin1', at + 1, at + 1 + question[at]!));
  const name = labels.join('.').toLowerCase();
  const type = question.readUInt16BE(question.length - 4);
  server.asked.push(name);
  server.questions.push(`${TYPES[type] ?? type} ${name}`);
  const { code, records } = lookUp(server, name, type);
  if (code === null) return null;
  const header = Buffer.alloc(HEADER);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | code, 2); // answer, recursion
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question, ...records]);
}

/** Response code, null for silence, and the records of the answer. */
function lookUp(
  server: NameServer,
  name: string,
  type: number,
): { readonly code: number | null; readonly records: readonly Buffer[] } {
  const alias = server.aliases.get(name);
  if (alias !== undefined) {
    const there = lookUp(server, alias, type);
    return { code: there.code, records: [record(name, 5, domainName(alias)), ...there.records] };
  }
  const backwards = /^([\d.]+)\.in-addr\.arpa$/.exec(name)?.[1]?.split('.').toReversed().join('.');
  const pointer = backwards === undefined ? undefined : server.pointers.get(backwards);
  const addresses = server.names.get(name);
  const mx = server.mx.get(name);
  const words = [
    pointer,
    type === 15 ? undefined : addresses,
    type === 15 || !addresses ? mx?.[0] : undefined,
  ];
  if (words.includes('silent')) return { code: null, records: [] };
  if (words.includes('servfail')) return { code: SERVFAIL, records: [] };
  if (pointer === undefined && addresses === undefined && mx === undefined)
    return { code: NXDOMAIN, records: [] };
  const found = addresses?.split(' ').filter((a) => a !== '') ?? [];
  switch (TYPES[type]) {
    case 'A':
      return ok(
        found.filter((a) => !isIPv6(a)).map((a) => record(name, type, Buffer.from(a.split('.').map(Number)))),
      );
    case 'AAAA':
      return ok(found.filter(isIPv6).map((a) => record(name, type, ipv6Bytes(a))));
    case 'PTR':
      return ok(pointer === undefined ? [] : [record(name, type, domainName(pointer))]);
    case 'MX':
      return ok((mx ?? []).map((text) => record(name, type, mxData(text))));
    default:
      return ok([]);
  }
}

const ok = (records: readonly Buffer[]) => ({ code: 0, records });

/** A record without a time to live. */
function record(name: string, type: number, data: Buffer): Buffer {
  const fixed = Buffer.from([0, type, 0, 1, 0, 0, 0, 0, data.length >> 8, data.length & 255]);
  return Buffer.concat([domainName(name), fixed, data]);
}

function mxData(text: string): Buffer {
  const [preference = '', host = ''] = text.split(' ');
  const number = Number(preference);
  return Buffer.concat([Buffer.from([number >> 8, number & 255]), domainName(host)]);
}

function ipv6Bytes(text: string): Buffer {
  const [head = '', tail] = text.split('::');
  const groups = (half: string | undefined): string[] => (half ? half.split(':') : []);
  const zeros = Array<string>(8 - groups(head).length - groups(tail).length).fill('0');
  const all = tail === undefined ? groups(head) : [...groups(head), ...zeros, ...groups(tail)];
  return Buffer.from(all.flatMap((g) => [parseInt(g, 16) >> 8, parseInt(g, 16) & 255]));
}

/** A name as labels (RFC 1035 3.1); `.` is the root. */
function domainName(name: string): Buffer {
  const labels = name
    .split('.')
    .filter((label) => label !== '')
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  return Buffer.concat([...labels, Buffer.alloc(1)]);
}
