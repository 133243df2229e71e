/**
 * Next hops that nobody can use: one that hears no SYN, and one that takes connections and says nothing.
 *
 * The deaf one is a process whose queue of connections is full and that never takes one from it, so that the kernel answers no
 * further SYN. Both end when told, so that a healthy hop can take their port.
 */
import { connect, createServer, type Socket } from 'node:net';
import type { Cleanup } from './folders.ts';
import { launch } from './processes.ts';
import { until } from './wait.ts';

/** A dead hop; `end` frees its port. */
export interface DeadHop {
  /** Connections that came to it, as far as it can know. */
  readonly connections: number;
  end(): Promise<void>;
}

const PROGRAM = `
const server = require('node:net').createServer();
server.listen({ port: Number(process.argv[1]), host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, 'deaf\\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120000);
});`;

/** Nobody answers a SYN on this port. */
export async function startDeafHop(cleanup: Cleanup, port: number): Promise<DeadHop> {
  let deaf = false;
  const running = launch('deaf hop', process.execPath, ['-e', PROGRAM, String(port)], {
    onLine: () => (deaf = true),
  });
  cleanup.after(() => running.end(0));
  await until('the deaf hop to listen', 5000, () => deaf);
  const fill: Socket[] = [];
  // The kernel takes some connections into the queue; when one stays unanswered it is full.
  await until('its queue to be full', 10_000, async () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    fill.push(socket);
    const taken = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      setTimeout(() => resolve(false), 300);
    });
    return !taken;
  });
  cleanup.after(() => fill.forEach((s) => s.destroy()));
  return {
    connections: 0,
    async end() {
      fill.forEach((s) => s.destroy());
      await running.end(0);
    },
  };
}

/** Takes connections on this port and says nothing. */
export async function startMuteHop(cleanup: Cleanup, port: number): Promise<DeadHop> {
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const end = (): Promise<void> => {
    for (const socket of open) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  cleanup.after(end);
  return {
    get connections() {
      return connections;
    },
    end,
  };
}
