import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { codeOf, rig, type Client } from './rig.cases.ts';

/** The first bytes of a ClientHello that promises more than comes. */
const HELLO = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + 'r'.repeat(60);
const options = { secureContext: () => createSecureContext(), limits: { tlsTimeout: 60_000 } } as const;

/** Its handshake has begun. */
async function inHandshake(client: Client): Promise<void> {
  await client.hello();
  assert.equal(codeOf(await client.ask('STARTTLS')), '220 2.0.0');
  client.send(HELLO);
}

for (const [how, leave] of [
  ['hangs up', (client: Client) => void client.socket.end()],
  ['resets', (client: Client) => void client.socket.resetAndDestroy()],
] as const)
  test(`a client that ${how} in the middle of a handshake is gone at once, not at its time-out`, async () => {
    const r = await rig({ ...options, tls: 'starttls' });
    const client = await r.client();
    await inHandshake(client);
    leave(client);
    await r.closed();
    while (r.server.sessions > 0) await new Promise(setImmediate);
    assert.equal(r.notices.filter((notice) => notice.startsWith('smtp.tls-failed')).length, 1);
    await r.stop();
  });

test('so is one on a listener with implicit TLS, of which no handler ever heard', async () => {
  const r = await rig({ ...options, tls: 'implicit' });
  const client = await r.client();
  client.send(HELLO);
  client.socket.end();
  await once(client.socket, 'close');
  while (r.server.sessions > 0) await new Promise(setImmediate);
  assert.equal(r.handlers.length, 0);
  await r.stop();
});
