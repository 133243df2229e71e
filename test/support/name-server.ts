/**
 * A name server for tests: knows the A records it was given, says NXDOMAIN to everything else, writes down what was asked.
 *
 * UDP port 53 on a loopback address, so it needs root. It ends with the test.
 */
import { createSocket } from 'node:dgram';
import type { Cleanup } from './folders.ts';

/** A running name server. */
export interface NameServer {
  readonly address: string;
  /** IPv4 address by name; may be changed at any time. */
  readonly names: Map<string, string>;
  readonly asked: string[];
}

const A = 1;
const HEADER = 12;

/** Listens on a loopback address, or on the next free one above it. */
export async function startNameServer(cleanup: Cleanup, first: string): Promise<NameServer> {
  const names = new Map<string, string>();
  const asked: string[] = [];
  const dot = first.lastIndexOf('.');
  for (let host = Number(first.slice(dot + 1)); host < 255; host += 1) {
    const address = `${first.slice(0, dot)}.${host}`;
    const socket = createSocket('udp4');
    const bound = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false));
      socket.bind(53, address, () => resolve(true));
    });
    if (!bound) {
      socket.close();
      continue;
    }
    cleanup.after(() => void socket.close());
    socket.on('message', (query, from) => {
      const answer = answerTo(query, names, asked);
      if (answer) socket.send(answer, from.port, from.address);
    });
    return { address, names, asked };
  }
  throw new Error(`no loopback address from ${first} on has a free port 53`);
}

/** The answer to a query with one question (RFC 1035 4.1), or null for what is none. */
function answerTo(query: Buffer, names: ReadonlyMap<string, string>, asked: string[]): Buffer | null {
  if (query.length < HEADER + 5) return null;
  const labels: string[] = [];
  let end = HEADER;
  for (let size = query[end]!; size > 0; size = query[end] ?? 0) {
    labels.push(query.toString('latin1', end + 1, end + 1 + size));
    end += 1 + size;
  }
  const question = query.subarray(HEADER, end + 5);
  const name = labels.join('.').toLowerCase();
  asked.push(name);
  const known = names.get(name);
  const found = known !== undefined && query.readUInt16BE(end + 1) === A ? known : undefined;
  const header = Buffer.alloc(HEADER);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | (known === undefined ? 3 : 0), 2); // answer, recursion; 3 = NXDOMAIN
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(found ? 1 : 0, 6);
  if (!found) return Buffer.concat([header, question]);
  // Name by pointer, A, IN, no time to live, four bytes.
  const record = Buffer.from([0xc0, HEADER, 0, A, 0, 1, 0, 0, 0, 0, 0, 4, ...found.split('.').map(Number)]);
  return Buffer.concat([header, question, record]);
}
