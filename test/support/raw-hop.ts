/**
 * A next hop that keeps every byte exactly as it came, and that can vanish: by order it resets the connection after so many bytes
 * read or written, wherever in a command, a content or a reply that is.
 *
 * It finds the end of content by CR LF dot CR LF alone and takes no dot away. Byte strings. Order of commands is not checked.
 */
import { createServer, type Socket } from 'node:net';
import type { Cleanup } from './folders.ts';

/** Where a connection is to break; bytes since its beginning. */
export interface Cut {
  readonly read?: number;
  readonly written?: number;
}

/** A next hop and what came to it. */
export interface RawHop {
  readonly port: number;
  /** Everything each connection sent, the oldest first. */
  readonly connections: readonly { readonly bytes: string }[];
  /** Contents that came to their end, with the final dot line taken off but dots still stuffed. */
  readonly contents: readonly string[];
  /** Contents whose 250 was written in full. */
  readonly acknowledged: readonly string[];
  /** Connections open now. */
  readonly open: number;
}

const EXTENSIONS = ['raw.hop.test', 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES'];

/** Starts one; it ends with the test. `cut` is asked once per connection, in order; null: this one lives. */
export async function startRawHop(cleanup: Cleanup, cut: () => Cut | null = () => null): Promise<RawHop> {
  const connections: { bytes: string }[] = [];
  const contents: string[] = [];
  const acknowledged: string[] = [];
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    const record = { bytes: '' };
    connections.push(record);
    converse(socket, record, cut() ?? {}, contents, acknowledged);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    port,
    connections,
    contents,
    acknowledged,
    get open() {
      return open.size;
    },
  };
}

function converse(
  socket: Socket,
  record: { bytes: string },
  { read = Infinity, written = Infinity }: Cut,
  contents: string[],
  acknowledged: string[],
): void {
  let input = '';
  let inContent = false;
  let out = 0;
  let gone = false;
  const vanish = (): void => {
    gone = true;
    setImmediate(() => socket.resetAndDestroy());
  };
  /** False when it could not be written in full. */
  const say = (text: string): boolean => {
    const room = written - out;
    out += text.length;
    const last = text.length >= room;
    if (last) gone = true;
    socket.write(last ? text.slice(0, room) : text, 'latin1', last ? vanish : undefined);
    return text.length <= room;
  };
  const work = (): void => {
    while (!gone) {
      if (inContent) {
        const end = input.startsWith('.\r\n') ? -2 : input.indexOf('\r\n.\r\n');
        if (end === -1) return;
        const content = end === -2 ? '' : input.slice(0, end + 2);
        input = input.slice(end + 5);
        inContent = false;
        contents.push(content);
        if (say('250 2.0.0 taken\r\n')) acknowledged.push(content);
      } else {
        const end = input.indexOf('\r\n');
        if (end === -1) return;
        const verb = input.slice(0, 4).toUpperCase();
        input = input.slice(end + 2);
        inContent = verb === 'DATA';
        say(replyTo(verb));
        if (verb === 'QUIT' && !gone) {
          socket.end();
          gone = true;
        }
      }
    }
  };
  socket.setEncoding('latin1');
  socket.on('error', () => undefined);
  socket.on('data', (text: string) => {
    if (gone) return;
    const room = read - record.bytes.length;
    record.bytes += text;
    input += text.slice(0, Math.max(0, room));
    work();
    if (text.length >= room && !gone) vanish();
  });
  if (read === 0) vanish();
  else say('220 raw.hop.test ESMTP\r\n');
}

function replyTo(verb: string): string {
  switch (verb) {
    case 'EHLO':
      return EXTENSIONS.map((word, i) => `250${i === EXTENSIONS.length - 1 ? ' ' : '-'}${word}\r\n`).join('');
    case 'DATA':
      return '354 go on\r\n';
    case 'QUIT':
      return '221 2.0.0 bye\r\n';
    default:
      return '250 2.0.0 ok\r\n';
  }
}
