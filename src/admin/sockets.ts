/**
 * Where the HTTP API is reached: the control socket below stateDir, and the addresses of `admin.bind`.
 *
 * Bounded like any door: connections, time to say a request, size of its header. The control socket belongs to its owner alone
 * (mode 0600 from its first moment); one left by a process that is gone is replaced, one that answers is left alone. Rejects
 * with what the system said.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { BindAddress } from '#gateway/config';

/** Connections at one time, each door. */
export const MAX_CONNECTIONS = 100;
/** Milliseconds until the header of a request, and until the whole request, must have come. */
export const HEADER_TIME = 10_000;
export const REQUEST_TIME = 60_000;
/** Milliseconds between two looks for requests that are late. */
const LOOK_EVERY = 1000;
/** Milliseconds for what is under way when the door closes. */
const CLOSE_TIME = 1000;

/** An open door. */
export interface Door {
  /** `127.0.0.1:8025` with the port that was got, or `unix:/path`. */
  readonly address: string;
  /** The same as data. */
  readonly at: BindAddress;
  close(): Promise<void>;
}

/** Opens one. */
export async function openDoor(app: OpenAPIHono, at: BindAddress): Promise<Door> {
  const serverOptions = { connectionsCheckingInterval: LOOK_EVERY };
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions }) as Server;
  server.headersTimeout = HEADER_TIME;
  server.requestTimeout = REQUEST_TIME;
  server.maxConnections = MAX_CONNECTIONS;
  server.maxHeadersCount = 100;
  if (at.kind === 'unix') await listenOnPath(server, at.path);
  // `exclusive`: a worker that delivers has these doors to itself.
  else await listening(server, () => server.listen({ host: at.host, port: at.port, exclusive: true }));
  const got = gotten(server, at);
  return { address: textOf(got), at: got, close: () => closed(server) };
}

async function listenOnPath(server: Server, path: string): Promise<void> {
  const listen = (): Promise<void> =>
    listening(server, () => {
      const mask = process.umask(0o177);
      try {
        server.listen({ path, exclusive: true });
      } finally {
        process.umask(mask);
      }
    });
  try {
    await listen();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' || !lstatSync(path).isSocket() || (await answers(path))) throw error;
    unlinkSync(path);
    await listen();
  }
}

function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      server.off('listening', good);
      reject(error);
    };
    const good = (): void => {
      server.off('error', failed);
      server.on('error', () => undefined); // of single connections that cannot be taken
      resolve();
    };
    server.once('error', failed);
    server.once('listening', good);
    listen();
  });
}

/** Whether somebody listens there. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const end = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => end(true));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code !== 'ECONNREFUSED'));
  });
}

/** Where it listens, with the port that was got. */
function gotten(server: Server, at: BindAddress): BindAddress {
  const got = server.address();
  return at.kind === 'tcp' && got !== null && typeof got === 'object' ? { ...at, port: got.port } : at;
}

function textOf(at: BindAddress): string {
  if (at.kind === 'unix') return `unix:${at.path}`;
  return at.host.includes(':') ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), CLOSE_TIME);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
