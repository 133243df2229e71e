import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { status } from '#message';
import { createSmtpServer } from '#smtp/server';
import { Client, codeOf, realClock, Recorder, rig, slowly } from './rig.cases.ts';

for (const manner of ['throws', 'rejects'] as const)
  for (const method of [
    'connect',
    'helo',
    'mail',
    'rcpt',
    'data',
    'unknown',
    'reset',
    'write',
    'end',
  ] as const)
    test(`a handler that ${manner} at ${method} costs its session a 421 and nobody else anything`, async () => {
      const fail = (): never => {
        if (manner === 'throws') throw new Error('secret detail');
        return Promise.reject(new Error('secret detail')) as never;
      };
      const r = await rig({}, (handler) => {
        if (method === 'write' || method === 'end')
          handler.data = () => ({ write() {}, end: () => status(250, '2.0.0', 'OK'), [method]: fail });
        else handler[method] = fail;
        return handler;
      });
      const client = await r.client();
      client.send(
        'EHLO c.test\r\nFROB\r\nMAIL FROM:<a@in.test>\r\nRSET\r\nMAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nx\r\n.\r\nNOOP\r\n',
      );
      await client.rest();
      assert.match(client.received, /(?:^|\r\n)421 4\.3\.0 [^\r]*\r\n$/);
      assert.ok(!client.received.includes('secret'));
      await r.closed();
      assert.equal(r.handlers[0]!.calls.filter((call) => call === 'close').length, 1);
      assert.ok(
        r.notices.some(
          (notice) => notice.startsWith('smtp.internal-error') && notice.includes('secret detail'),
        ),
      );
      await r.stop();
    });

test('drain: idle clients get 421 4.3.2, an open transaction may finish, new connections are refused', async () => {
  const r = await rig({}, slowly);
  const idle = await (await r.client()).hello();
  const busy = await (await r.client()).hello();
  busy.send('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nfirst half\r\n');
  await busy.codes(3);
  const closing = r.server.close(5000);
  assert.equal(codeOf(await idle.reply()), '421 4.3.2');
  await assert.rejects(r.client(), { code: 'ECONNREFUSED' });
  busy.send('second half\r\n.\r\nMAIL FROM:<late@in.test>\r\n');
  assert.deepEqual(await busy.codes(2), ['250 2.0.0', '421 4.3.2']);
  assert.deepEqual(r.handlers[1]!.contents, ['first half\r\nsecond half\r\n']);
  idle.socket.end();
  busy.socket.end();
  await closing;
  assert.equal(r.server.sessions, 0);
  assert.ok(!r.handlers[1]!.calls.some((call) => call.includes('late')));
});

test('drain: who is not done within the grace hears 421, is cut off and reset with shutdown', async () => {
  const r = await rig({}, slowly);
  const waiting = await (await r.client()).hello();
  await waiting.ask('MAIL FROM:<a@in.test>');
  const stuck = await (await r.client()).hello();
  stuck.send('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nhalf a li');
  await stuck.codes(3);
  const closing = r.server.close(30);
  for (const client of [waiting, stuck]) {
    assert.equal(codeOf(await client.reply()), '421 4.3.2');
    assert.equal(await client.rest(), '');
  }
  await closing;
  for (const handler of r.handlers) assert.deepEqual(handler.calls.slice(-2), ['reset shutdown', 'close']);
  assert.equal(r.server.sessions, 0);
  assert.ok(!r.notices.some((notice) => notice.startsWith('smtp.timeout')), r.notices.join());
});

test('drain: who is owed an answer when the grace is over gets it if it comes at once, and 421 behind it', async () => {
  const r = await rig({}, (handler) => {
    let release = (): void => undefined;
    const answer = new Promise<void>((resolve) => (release = resolve));
    handler.rcpt = () => answer.then(() => status(451, '4.7.1', 'Given up'));
    return Object.assign(handler, { interrupted: release });
  });
  const client = await (await r.client()).hello();
  await client.ask('MAIL FROM:<a@in.test>');
  client.send('RCPT TO:<b@in.test>\r\nRCPT TO:<c@in.test>\r\n');
  const closing = r.server.close(30);
  assert.deepEqual(await client.codes(2), ['451 4.7.1', '421 4.3.2']);
  assert.equal(await client.rest(), '');
  await closing;
  assert.deepEqual(r.handlers[0]!.calls.slice(-2), ['reset shutdown', 'close']);
});

test('drain: an answer that does not come costs the connection, and the end waits for it', async () => {
  let release = (): void => undefined;
  const answer = new Promise<void>((resolve) => (release = resolve));
  const r = await rig({}, (handler) => {
    handler.data = () => ({
      write() {},
      end: () => answer.then(() => status(250, '2.0.0', 'Queued')),
    });
    return handler;
  });
  const client = await (await r.client()).hello();
  client.send('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nx\r\n.\r\n');
  await client.codes(3);
  const closing = r.server.close(30);
  assert.equal(await client.rest(), '', 'nothing is said that may turn out wrong');
  assert.equal(r.server.sessions, 1);
  release();
  await closing;
  assert.equal(r.server.sessions, 0);
});

test('a connection reset at every byte of a session leaves nothing behind', async () => {
  const session = 'EHLO c.test\r\nMAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n';
  const r = await rig({}, slowly);
  const clients = await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const client = await r.client();
      client.send(session.slice(0, Math.ceil(((i + 1) * session.length) / 40)));
      for (let turns = i % 4; turns > 0; turns--) await new Promise(setImmediate);
      client.socket.resetAndDestroy();
      return client;
    }),
  );
  assert.equal(clients.length, 40);
  while (r.server.sessions > 0) await new Promise(setImmediate);
  for (const handler of r.handlers) assert.equal(handler.calls.filter((call) => call === 'close').length, 1);
  assert.ok(!r.notices.some((notice) => notice.startsWith('smtp.internal-error')), r.notices.join('\n'));
  await r.stop();
});

test('a client that resets before it is taken has no address, and is nobody: not one of a UNIX socket', async () => {
  const r = await rig({}, slowly);
  const mail = 'EHLO c.test\\r\\nMAIL FROM:<a@in.test>\\r\\n';
  // The client comes, speaks and goes while nothing is accepted here.
  const code = `const s = require('node:net').connect(${r.port}, '127.0.0.1', () => s.write('${mail}', () => s.resetAndDestroy()));`;
  assert.equal(spawnSync(process.execPath, ['-e', code]).status, 0);
  const client = await (await r.client()).hello();
  assert.equal(codeOf(await client.ask('NOOP')), '250 2.0.0');
  assert.deepEqual(
    r.handlers.map((handler) => handler.origin?.remoteAddress),
    ['127.0.0.1'],
  );
  assert.equal(r.server.sessions, 1);
  await r.stop();
});

const serverOn = (): ReturnType<typeof createSmtpServer> =>
  createSmtpServer({
    hostname: 'mx.test',
    listener: 't',
    clock: realClock,
    notices: () => {},
    makeHandler: () => new Recorder(),
  });

test('listens on several addresses, IPv6 and a UNIX socket among them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'smtp-'));
  const path = join(folder, 'lmtp.sock');
  const server = serverOn();
  const bound = await server.listen(['127.0.0.1:0', '[::1]:0', `unix:${path}`]);
  assert.match(bound[0]!, /^127\.0\.0\.1:\d+$/);
  assert.match(bound[1]!, /^\[::1\]:\d+$/);
  assert.equal(bound[2], `unix:${path}`);
  const socket = connect({ path });
  await once(socket, 'connect');
  const client = new Client(socket);
  assert.equal(codeOf(await client.reply()), '220');
  assert.equal(codeOf(await client.ask('QUIT')), '221 2.0.0');
  socket.end();
  await server.close(1000);
  rmSync(folder, { recursive: true });
});

test('a UNIX socket left behind is taken over, one in use is not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'smtp-'));
  const path = join(folder, 'lmtp.sock');
  const first = serverOn();
  await first.listen(`unix:${path}`);
  const second = serverOn();
  await assert.rejects(second.listen(`unix:${path}`), { code: 'EADDRINUSE' });
  await first.close(0);
  await second.listen(`unix:${path}`);
  await second.close(0);
  rmSync(folder, { recursive: true });
});

test('an address that cannot be had closes the others of the same call', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const server = serverOn();
  await assert.rejects(server.listen(['127.0.0.1:0', `127.0.0.1:${port}`]), { code: 'EADDRINUSE' });
  taken.close();
});

test('what is no address is refused by name', async () => {
  for (const bad of ['', '25', 'host', 'host:', 'host:65536', ':25', '::1:25', 'unix:', 'a b:25', '[::1]'])
    await assert.rejects(serverOn().listen(bad), { code: 'SMTP_BAD_ADDRESS' }, bad);
});

test('replies to pipelined commands travel in one write', async () => {
  const r = await rig({}, slowly);
  const client = await (await r.client()).hello();
  let segments = 0;
  client.socket.on('data', () => segments++);
  client.send('NOOP\r\n'.repeat(50));
  await client.codes(50);
  assert.equal(segments, 1);
  await r.stop();
});
