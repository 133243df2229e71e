/**
 * The two ways to reach the filter under test: its conversation in memory, or a real socket with `serve` behind it.
 *
 * Same bytes either way. Bytes can be cut into pieces on the way, to prove that cuts do not matter.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { converse, serve, type Filter, type Log } from '#milter/filter';

/** A byte pipe to a filter. */
export interface Channel {
  write(parts: readonly Uint8Array[]): void;
  /** Closes and waits until both sides are done. */
  close(): Promise<void>;
}

/** What the driver hears. */
export interface ChannelEvents {
  data(chunk: Uint8Array): void;
  closed(): void;
}

/** Opens a channel. `piece`: bytes per write, 0 for whole frames. */
export function openChannel(
  filter: Filter,
  over: 'memory' | 'socket',
  piece: number,
  log: Log,
  events: ChannelEvents,
): Channel | Promise<Channel> {
  return over === 'memory' ? inMemory(filter, piece, log, events) : onSocket(filter, piece, log, events);
}

function inMemory(filter: Filter, piece: number, log: Log, events: ChannelEvents): Channel {
  const conversation = converse(
    filter,
    {
      // As a socket would: never from within the call that sent.
      send: (parts) => queueMicrotask(() => parts.forEach((p) => events.data(p))),
      pause: () => {},
      resume: () => {},
      end: () => queueMicrotask(() => events.closed()),
    },
    log,
  );
  return {
    write(parts) {
      for (const part of pieces(parts, piece)) conversation.receive(part);
    },
    async close() {
      conversation.ended();
    },
  };
}

async function onSocket(filter: Filter, piece: number, log: Log, events: ChannelEvents): Promise<Channel> {
  const serving = await serve(filter, { listen: 'inet:0@127.0.0.1', signals: [], log });
  const port = Number(/:(\d+)@/.exec(serving.addresses[0]!)![1]);
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.on('data', (chunk) => events.data(chunk));
  socket.on('error', () => {});
  socket.on('close', () => events.closed());
  await once(socket, 'connect');
  return {
    write(parts) {
      for (const part of pieces(parts, piece)) socket.write(part);
    },
    async close() {
      socket.destroy();
      await serving.close(0);
    },
  };
}

function* pieces(parts: readonly Uint8Array[], size: number): Iterable<Uint8Array> {
  for (const part of parts) {
    if (size === 0) yield part;
    else for (let at = 0; at < part.length; at += size) yield part.subarray(at, at + size);
  }
}
