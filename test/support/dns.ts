/**
 * A name server on loopback that knows a few TXT records and answers NXDOMAIN to everything else, so that filters which look
 * up policies and keys find them without a network. UDP only; one question a packet, as resolvers ask.
 */
import { createSocket } from 'node:dgram';
import type { Cleanup } from './folders.ts';

const TXT = 16;
const NAME_ERROR = 3;

/** Starts it with these records, by lower-case name; returns its port. It ends with the test. */
export async function startDns(cleanup: Cleanup, records: Readonly<Record<string, string>>): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const answer = answerTo(query, records);
    if (answer) socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', resolve);
  });
  cleanup.after(() => new Promise<void>((resolve) => socket.close(resolve)));
  return socket.address().port;
}

/** The answer packet (RFC 1035, 4), null for what is no query. */
function answerTo(query: Buffer, records: Readonly<Record<string, string>>): Buffer | null {
  if (query.length < 17 || query.readUInt16BE(4) !== 1) return null;
  const labels: string[] = [];
  let at = 12;
  while (at < query.length && query[at] !== 0) {
    const size = query[at]!;
    labels.push(query.toString('latin1', at + 1, at + 1 + size).toLowerCase());
    at += 1 + size;
  }
  const question = query.subarray(12, at + 5);
  const text = records[labels.join('.')];
  const found = text !== undefined && query.readUInt16BE(at + 1) === TXT;
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  // A response, recursion asked for and available.
  header.writeUInt16BE(0x8180 | (text === undefined ? NAME_ERROR : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(found ? 1 : 0, 6);
  return Buffer.concat([header, question, found ? recordOf(text) : Buffer.alloc(0)]);
}

/** A TXT record whose name points to the question; the text in strings of at most 255 bytes. */
function recordOf(text: string): Buffer {
  const strings = (text.match(/[^]{1,255}/g) ?? ['']).map((part) =>
    Buffer.concat([Buffer.from([part.length]), Buffer.from(part, 'latin1')]),
  );
  const data = Buffer.concat(strings);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(TXT, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(60, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
