/** Connections from trusted proxies: header first, then all as usual; and what comes without one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SmtpServerOptions } from '#smtp/server';
import { codeOf, rig, type Client, type Rig } from './rig.cases.ts';

const V1 = 'PROXY TCP4 192.0.2.1 198.51.100.2 4711 25\r\n';
const V2 = '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x67\0\x19';

const trusting = (more: Partial<SmtpServerOptions> = {}): Promise<Rig> =>
  rig({ isTrustedProxy: (address) => address === '127.0.0.1', limits: { proxyTimeout: 2_000 }, ...more });

/** Sends in segments of their own, and waits for the greeting. */
async function greetedAfter(client: Client, ...segments: readonly string[]): Promise<string> {
  client.socket.setNoDelay(true);
  for (const segment of segments) {
    client.send(segment);
    await new Promise(setImmediate);
  }
  return codeOf(await client.reply());
}

test('S21: the declared ends are the origin, whole, byte by byte and with EHLO behind the header', async () => {
  const r = await trusting();
  for (const [i, segments] of [
    [V1],
    [V2],
    V1.split(''),
    V2.split(''),
    [V1 + 'EHLO x\r\n'],
    [V2 + 'EHLO x\r\n'],
  ].entries()) {
    const client = await r.client();
    assert.equal(await greetedAfter(client, ...segments), '220');
    if (segments[0]!.endsWith('EHLO x\r\n')) assert.equal(codeOf(await client.reply()), '250');
    else assert.equal(codeOf(await client.ask('EHLO x')), '250');
    const { remoteAddress, remotePort, localAddress, localPort, proxy, undeclared } = r.handlers[i]!.origin!;
    assert.deepEqual(
      { remoteAddress, remotePort, localAddress, localPort, proxy, undeclared },
      {
        remoteAddress: '192.0.2.1',
        remotePort: 4711,
        localAddress: '198.51.100.2',
        localPort: 25,
        proxy: '127.0.0.1',
        undeclared: undefined,
      },
    );
  }
  await r.stop();
});

test('S21: LOCAL and UNKNOWN are the proxy itself, and marked', async () => {
  const r = await trusting();
  for (const [i, header] of ['PROXY UNKNOWN\r\n', '\r\n\r\n\0\r\nQUIT\n\x20\0\0\0'].entries()) {
    const client = await r.client();
    assert.equal(await greetedAfter(client, header), '220');
    const { remoteAddress, proxy, undeclared } = r.handlers[i]!.origin!;
    assert.deepEqual([remoteAddress, proxy, undeclared], ['127.0.0.1', '127.0.0.1', true]);
  }
  await r.stop();
});

test('S21: without a header in time the connection is closed without a greeting', async () => {
  const r = await trusting({ limits: { proxyTimeout: 30 } });
  const silent = await r.client();
  const half = await r.client();
  half.send(V1.slice(0, 20));
  assert.equal((await silent.rest()) + (await half.rest()), '');
  assert.equal(r.handlers.length, 0);
  assert.ok(r.notices.every((n) => n.includes('no PROXY header in time') || n.startsWith('smtp.listening')));
  assert.equal(r.notices.length, 3);
  await r.stop();
});

test('S22: no header, a wrong one and a reset end the connection, and nothing is left of it', async () => {
  const r = await trusting();
  for (const bytes of ['EHLO x\r\n', 'PROXY TCP4 1 2 3 4\r\n', 'x'.repeat(200), V2.slice(0, 12) + '\x31']) {
    const client = await r.client();
    client.send(bytes);
    assert.equal(await client.rest(), '');
  }
  assert.equal(r.notices.filter((n) => n.startsWith('smtp.proxy-refused')).length, 4);
  for (let at = 0; at <= V2.length; at += 4) {
    const client = await r.client();
    client.send(V2.slice(0, at));
    await new Promise(setImmediate);
    client.socket.resetAndDestroy();
  }
  const after = await r.client();
  assert.equal(await greetedAfter(after, V1), '220');
  after.socket.destroy();
  while (r.server.sessions > 0) await new Promise(setImmediate);
  assert.ok(!r.notices.some((n) => n.startsWith('smtp.internal-error')));
  await r.stop();
});

test('S21: a header from who is not trusted ends the session, and what it declares is not used', async () => {
  const r = await rig({ isTrustedProxy: () => false });
  for (const header of [V1, V2]) {
    const client = await r.client();
    client.send(header + 'EHLO x\r\n');
    const said = await client.rest();
    assert.match(said, /^220 .*\r\n(?:500 .*\r\n)*421 4\.7\.0 .*\r\n$/);
  }
  for (const handler of r.handlers) {
    assert.equal(handler.origin!.remoteAddress, '127.0.0.1');
    assert.ok(!handler.calls.some((call) => call.startsWith('EHLO') || call.startsWith('unknown')));
  }
  const plain = await r.client();
  assert.equal(codeOf(await plain.reply()), '220');
  await r.stop();
});

test('connections are counted for the declared client, and a waiting one takes a place', async () => {
  const r = await trusting({
    limits: { maxConnectionsPerClient: 2, maxConnections: 4, proxyTimeout: 2_000 },
  });
  const answers: string[] = [];
  for (let i = 0; i < 3; i++) answers.push(await greetedAfter(await r.client(), V1));
  assert.deepEqual(answers, ['220', '220', '421 4.7.0']);
  const other = V1.replace('192.0.2.1', '192.0.2.9');
  assert.equal(await greetedAfter(await r.client(), other), '220');
  await r.client(); // says nothing
  assert.equal(await greetedAfter(await r.client()), '421 4.3.2');
  assert.equal(r.handlers.at(-1)!.origin!.clientConnections, 1);
  assert.equal(r.handlers[1]!.origin!.clientConnections, 2);
  await r.stop();
});

test('a server that closes does not wait for headers', async () => {
  const r = await trusting({ limits: { proxyTimeout: 60_000 } });
  const client = await r.client();
  client.send('PROXY ');
  await new Promise(setImmediate);
  await r.server.close(0);
  assert.equal(await client.rest(), '');
  await r.stop();
});
