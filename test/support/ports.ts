/**
 * Free TCP ports on loopback, handed out once each per process, and a check for ports that a test insists on.
 *
 * They lie below the ports that the system gives to outgoing connections, and processes that run side by side look in different
 * places: nobody takes one between its being found and its being used.
 */
import { createServer } from 'node:net';

/** Where ports are looked for; no browser refuses one of these. */
const FIRST = 11_000;
const END = 31_000;
/** Ports looked at before those of a process with the next number. */
const SHARE = 100;

let next = FIRST + ((process.pid * SHARE) % (END - FIRST));

/** `count` different ports that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = next;
    next = port + 1 < END ? port + 1 : FIRST;
    if ((await listenOnce(port)) === port) ports.push(port);
  }
  return ports;
}

/** One free port. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0] ?? 0;
}

/** Throws when something already listens on a port that the test must have, so that it never talks to a stranger. */
export async function claimPort(port: number): Promise<void> {
  if ((await listenOnce(port)) !== port) {
    throw new Error(`port ${port} on 127.0.0.1 is taken; this test needs exactly that port`);
  }
}

/** Listens and closes again; the port it had, or 0 when it could not be had. */
function listenOnce(port: number): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(0));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
