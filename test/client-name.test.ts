/** The client's name from DNS: asked of a name server, confirmed forward, bounded in time (issue 4, 6). */
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { test } from 'node:test';
import { systemClock } from '#gateway';
import { status, type Origin } from '#message';
import { silent } from '#notices';
import { createSmtpServer, type SmtpHandler } from '#smtp/server';
import { clientNames } from '../src/gateway/client-name.ts';
import { Cleanup } from './support/folders.ts';
import { startNameServer } from './support/name-server.ts';
import { needsRoot } from './support/processes.ts';
import { SmtpSession } from './support/smtp-session.ts';

const ROOT = { skip: needsRoot('a name server on port 53') };

/** Looks names up at the test's own name server, as the gateway does at the machine's. */
async function names(t: Cleanup) {
  const dns = await startNameServer(t, '127.0.0.60');
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([dns.address]);
  return { dns, find: clientNames(resolver) };
}

test('a PTR that leads back is the name; one that does not is only told; none is none', ROOT, async (t) => {
  const { dns, find } = await names(new Cleanup(t));
  dns.pointers
    .set('192.0.2.1', 'mail.out.test')
    .set('192.0.2.2', 'forged.test')
    .set('192.0.2.3', 'nowhere.test');
  dns.pointers
    .set('192.0.2.4', '127.0.0.1')
    .set('192.0.2.5', 'evil (name) [x]')
    .set('192.0.2.6', `${'l'.repeat(60)}.test`);
  dns.names.set('mail.out.test', '192.0.2.1').set('forged.test', '192.0.2.99').set('127.0.0.1', '192.0.2.4');
  assert.deepEqual(await find('192.0.2.1'), { name: 'mail.out.test', ptr: 'mail.out.test' });
  assert.deepEqual(await find('192.0.2.2'), { name: '', ptr: 'forged.test' });
  assert.deepEqual(await find('192.0.2.3'), { name: '', ptr: 'nowhere.test' });
  assert.deepEqual(await find('192.0.2.4'), { name: '', ptr: '' });
  assert.deepEqual(await find('192.0.2.5'), { name: '', ptr: '' });
  assert.deepEqual(await find('192.0.2.6'), { name: '', ptr: `${'l'.repeat(60)}.test` });
  assert.deepEqual(await find('192.0.2.7'), { name: '', ptr: '' });
  assert.deepEqual(dns.asked.filter((name) => name === 'mail.out.test').length, 1);
});

test('clients of one address that come at once are looked up once', ROOT, async (t) => {
  const { dns, find } = await names(new Cleanup(t));
  dns.pointers.set('192.0.2.1', 'mail.out.test');
  dns.names.set('mail.out.test', '192.0.2.1');
  const found = await Promise.all([1, 2, 3, 4, 5].map(() => find('192.0.2.1')));
  assert.deepEqual(new Set(found.map((f) => f.name)), new Set(['mail.out.test']));
  assert.deepEqual(dns.asked, ['1.2.0.192.in-addr.arpa', 'mail.out.test']);
});

test(
  'the session has the name before the greeting; a name server that is silent costs its time and no more',
  ROOT,
  async (t) => {
    const cleanup = new Cleanup(t);
    const { dns, find } = await names(cleanup);
    dns.pointers.set('192.0.2.1', 'mail.out.test').set('192.0.2.2', 'silent');
    dns.names.set('mail.out.test', '192.0.2.1');
    const seen: Origin[] = [];
    let client = '192.0.2.1';
    const server = createSmtpServer({
      hostname: 'mx.test',
      listener: 'smtp',
      makeHandler: () => handler((origin) => seen.push(origin)),
      clientName: () => find(client),
      limits: { clientNameTimeout: 200 },
      clock: systemClock,
      notices: silent,
    });
    cleanup.after(() => server.close(0));
    const [address] = await server.listen('127.0.0.1:0');
    const port = Number(address!.split(':').at(-1));
    const open = async (): Promise<void> => {
      const session = await SmtpSession.greeted(port);
      await session.quit();
    };
    await open();
    client = '192.0.2.2';
    const began = performance.now();
    await open();
    const took = performance.now() - began;
    assert.ok(took > 150 && took < 900, `${took} ms`);
    assert.deepEqual(
      seen.map((o) => [o.clientName, o.clientPtr]),
      [
        ['mail.out.test', 'mail.out.test'],
        ['', ''],
      ],
    );
  },
);

/** Takes nothing; tells who connected. */
function handler(connected: (origin: Origin) => void): SmtpHandler {
  const no = status(550, '5.7.1', 'no');
  return {
    connect: (origin) => (connected(origin), null),
    helo: () => null,
    auth: () => null,
    mail: () => no,
    rcpt: () => no,
    data: () => no,
    unknown: () => null,
    reset: () => undefined,
    close: () => undefined,
  };
}
