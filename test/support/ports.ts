/** Free TCP ports on loopback, handed out once each per process, and a check for ports that a test insists on. */
import { createServer } from 'node:net';

const given = new Set<number>();

/** `count` different ports that nobody listens on now. Somebody else could take one before it is used; tests run one by one. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = await listenOnce(0);
    if (port === 0 || given.has(port)) continue;
    given.add(port);
    ports.push(port);
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
