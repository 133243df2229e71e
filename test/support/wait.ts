/**
 * Bounded waiting. Everything a test waits for has a limit and a name, so that a test that hangs says on what.
 * Rejects with an Error that names what was waited for; never waits longer than told.
 */
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';

/** Asks `probe` every `everyMs` until it answers something other than false or undefined; rejects after `limitMs`. */
export async function until<T>(
  what: string,
  limitMs: number,
  probe: () => T | false | undefined | Promise<T | false | undefined>,
  everyMs = 20,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const answer = await probe();
    if (answer !== false && answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await pause(everyMs);
  }
}

/** Resolves after `ms` milliseconds; for load that is meant to last, never to hope that something has happened. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** `promise`, or a rejection naming `what` after `limitMs`. */
export async function within<T>(what: string, limitMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms in vain: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** True when something accepts connections on this loopback port, or at this unix socket. */
export function accepts(at: number | string): Promise<boolean> {
  return new Promise((resolve) => {
    let connected = false;
    const socket = typeof at === 'string' ? connect(at) : connect(at, '127.0.0.1');
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('connect', () => {
      connected = true;
      socket.destroy();
    });
    socket.once('error', () => {});
    socket.once('close', () => resolve(connected));
  });
}

/** True when a line that begins with `220` comes on this loopback port. */
export function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let said = '';
    socket.setEncoding('latin1');
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (text: string) => {
      said += text;
      if (said.includes('\n')) socket.end('QUIT\r\n');
    });
    socket.once('error', () => {});
    socket.once('close', () => resolve(said.startsWith('220')));
    // The other end may keep its side open after our QUIT; we have seen what we came for.
    socket.once('finish', () => socket.destroy());
  });
}
