import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { status } from '#message';
import type { SmtpHandler } from '#smtp/server';
import { systemClock } from './clock.ts';
import { Doors, type WantedListener } from './doors.ts';

const handler = (): SmtpHandler => ({
  connect: () => null,
  helo: () => null,
  auth: () => null,
  mail: () => status(250, '2.1.0', 'OK'),
  rcpt: () => status(250, '2.1.5', 'OK'),
  data: () => status(450, '4.3.0', 'Not here'),
  unknown: () => null,
  reset: () => undefined,
  close: () => undefined,
});

/** A listener that greets with its own name, or another. */
const listener = (name: string, binds: readonly string[], more: object = {}): WantedListener => ({
  binds,
  options: {
    hostname: `${name}.test`,
    listener: name,
    makeHandler: handler,
    clock: systemClock,
    notices: () => undefined,
    ...more,
  },
});

function doors(t: TestContext): { doors: Doors; notices: string[] } {
  const notices: string[] = [];
  const made = new Doors((name, fields) => notices.push(`${name} ${JSON.stringify(fields)}`));
  t.after(() => made.close(0));
  return { doors: made, notices };
}

/** A port nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

interface Client {
  readonly socket: Socket;
  ask(line: string): Promise<string>;
}

/** Connects; the first line is the greeting. */
async function client(port: number): Promise<Client & { greeting: string }> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  socket.on('error', () => undefined);
  const line = async (): Promise<string> => String((await once(socket, 'data'))[0]).trim();
  const greeting = await line();
  const ask = (text: string): Promise<string> => {
    socket.write(`${text}\r\n`);
    return line();
  };
  return { socket, ask, greeting };
}

const greeting = async (port: number): Promise<string> => {
  const one = await client(port);
  one.socket.destroy();
  return one.greeting;
};

test('an address more is opened, one less is closed, the others stay open with their sessions', async (t) => {
  const { doors: d, notices } = doors(t);
  const [p, q] = [await freePort(), await freePort()];
  await d.change([listener('a', [`127.0.0.1:${p}`])]);
  const session = await client(p);
  await d.change([listener('a', [`127.0.0.1:${p}`, `127.0.0.1:${q}`])]);
  assert.match(await greeting(p), /^220 a\.test/);
  assert.match(await greeting(q), /^220 a\.test/);
  await d.change([listener('a', [`127.0.0.1:${q}`])]);
  await assert.rejects(greeting(p), { code: 'ECONNREFUSED' });
  assert.match(await greeting(q), /^220 a\.test/);
  assert.match(await session.ask('NOOP'), /^250 /);
  assert.deepEqual(
    notices,
    [p, q].map((port) => `smtp.listening {"listener":"a","addresses":["127.0.0.1:${port}"]}`),
  );
});

test('connections are counted over all addresses of a listener, before and behind a change', async (t) => {
  const { doors: d } = doors(t);
  const [p, q] = [await freePort(), await freePort()];
  const limits = { limits: { maxConnections: 2 } };
  await d.change([listener('a', [`127.0.0.1:${p}`], limits)]);
  const [one] = [await client(p)];
  await d.change([listener('b', [`127.0.0.1:${q}`, `127.0.0.1:${p}`], limits)]);
  const two = await client(q);
  assert.match(one.greeting, /^220 a\.test/);
  assert.match(two.greeting, /^220 b\.test/);
  assert.match(await greeting(p), /^421 4\.3\.2/);
  assert.match(await greeting(q), /^421 4\.3\.2/);
});

test('a listener with another name keeps its address, its sessions and its count', async (t) => {
  const { doors: d } = doors(t);
  const p = await freePort();
  await d.change([listener('a', [`127.0.0.1:${p}`])]);
  const session = await client(p);
  await d.change([listener('b', [`127.0.0.1:${p}`])]);
  assert.deepEqual([...d.addresses], [['b', [`127.0.0.1:${p}`]]]);
  assert.match(await greeting(p), /^220 b\.test/);
  assert.match(await session.ask('EHLO x'), /^250-a\.test/);
});

test('an address that goes to another listener, and two that are swapped, lead there without being closed', async (t) => {
  const { doors: d, notices } = doors(t);
  const [p, q] = [await freePort(), await freePort()];
  const [at, to] = [`127.0.0.1:${p}`, `127.0.0.1:${q}`];
  await d.change([listener('a', [at]), listener('b', [to])]);
  await d.change([listener('a', [to]), listener('b', [at])]);
  assert.match(await greeting(p), /^220 b\.test/);
  assert.match(await greeting(q), /^220 a\.test/);
  await d.change([listener('a', [at, to]), listener('c', ['127.0.0.1:0'])]);
  assert.match(await greeting(p), /^220 a\.test/);
  assert.equal(notices.length, 3);
});

test('port 0 keeps the port it got', async (t) => {
  const { doors: d } = doors(t);
  const zero = ['127.0.0.1:0', '127.0.0.1:0'];
  await d.change([listener('a', zero)]);
  const before = d.addresses.get('a')!;
  assert.notEqual(before[0], before[1]);
  await d.change([listener('b', zero), listener('a', zero)]);
  assert.deepEqual(d.addresses.get('a'), before);
  assert.equal(new Set([...d.addresses.values()].flat()).size, 4);
});

test('an address that cannot be had leaves everything as it was', async (t) => {
  const { doors: d, notices } = doors(t);
  const [p, q] = [await freePort(), await freePort()];
  const stranger = createServer().listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  t.after(() => stranger.close());
  const { port } = stranger.address() as { port: number };
  await d.change([listener('a', [`127.0.0.1:${p}`]), listener('z', ['127.0.0.1:0'])]);
  const before = [...d.addresses];
  const wanted = [listener('b', [`127.0.0.1:${q}`, `0.0.0.0:${p}`, `127.0.0.1:${port}`])];
  await assert.rejects(d.change(wanted), { code: 'EADDRINUSE' });
  assert.deepEqual([...d.addresses], before);
  assert.match(await greeting(p), /^220 a\.test/);
  await assert.rejects(greeting(q), { code: 'ECONNREFUSED' });
  assert.equal(notices.length, 2);
  stranger.close();
  await once(stranger, 'close');
  await d.change(wanted);
  for (const open of [p, q, port]) assert.match(await greeting(open), /^220 b\.test/);
});

test('a change that is made ready and then called off leaves everything as it was', async (t) => {
  const { doors: d } = doors(t);
  const [p, q] = [await freePort(), await freePort()];
  await d.change([listener('a', [`127.0.0.1:${p}`])]);
  const before = [...d.addresses];
  const wanted = [listener('b', [`0.0.0.0:${p}`, `127.0.0.1:${q}`])];
  const calledOff = await d.prepare(wanted);
  assert.deepEqual([...d.addresses], before);
  assert.match(await greeting(q), /^220 b\.test/, 'its address is open already');
  await calledOff.cancel();
  assert.deepEqual([...d.addresses], before);
  assert.match(await greeting(p), /^220 a\.test/);
  await assert.rejects(greeting(q), { code: 'ECONNREFUSED' });
  (await d.prepare(wanted)).commit();
  for (const open of [p, q]) assert.match(await greeting(open), /^220 b\.test/);
});

test('one address makes room for all addresses of the machine on its port, and back', async (t) => {
  const { doors: d } = doors(t);
  const p = await freePort();
  await d.change([listener('a', [`127.0.0.1:${p}`])]);
  const session = await client(p);
  await d.change([listener('a', [`0.0.0.0:${p}`], { hostname: 'all.test' })]);
  assert.match(await greeting(p), /^220 all\.test/);
  await d.change([listener('a', [`127.0.0.1:${p}`])]);
  assert.match(await greeting(p), /^220 a\.test/);
  assert.match(await session.ask('NOOP'), /^250 /);
});

test('a listener that is gone drains, and the end waits for it', async (t) => {
  const { doors: d } = doors(t);
  const [p, q] = [await freePort(), await freePort()];
  await d.change([listener('a', [`127.0.0.1:${p}`]), listener('b', [`127.0.0.1:${q}`])]);
  const session = await client(q);
  await session.ask('EHLO x');
  await session.ask('MAIL FROM:<a@b.test>');
  await d.change([listener('a', [`127.0.0.1:${p}`])]);
  await assert.rejects(greeting(q), { code: 'ECONNREFUSED' });
  let ended = false;
  const end = d.close(10_000).then(() => (ended = true));
  assert.match(await session.ask('RCPT TO:<b@b.test>'), /^250 /);
  assert.equal(ended, false);
  assert.match(await session.ask('RSET'), /^250 [^]*421 4\.3\.2/);
  session.socket.end();
  await end;
});

test('the end may be cut short', async (t) => {
  const { doors: d } = doors(t);
  const p = await freePort();
  await d.change([listener('a', [`127.0.0.1:${p}`])]);
  const session = await client(p);
  await session.ask('EHLO x');
  await session.ask('MAIL FROM:<a@b.test>');
  const end = d.close(60_000);
  await d.close(0);
  await end;
});
