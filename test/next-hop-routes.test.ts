/** What a route makes of its next hops: turns, fail-over, source address, concurrency, rate; and asking them ahead. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { startHop, type HopScript } from '../src/smtp/client/scripted-hop.cases.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house } from './support/house.ts';
import { arrived } from './support/maildir.ts';
import { relayScene, says } from './support/relay-scene.ts';

test('hops take turns with round-robin, and a dead one costs no deferral', async (t) => {
  const cleanup = new Cleanup(t);
  const dead: HopScript = { greeting: () => '421 4.3.2 down<close>' };
  const s = await relayScene(cleanup, {
    'turns.test': { hops: [{}, {}], route: { balance: 'round-robin' } },
    'dead.test': { hops: [dead, {}, {}], route: { balance: 'round-robin' } },
    'order.test': { hops: [dead, {}, {}] },
  });
  for (let i = 0; i < 10; i++) for (const domain of Object.keys(s.hops)) await s.send(domain, [`m${i}`]);
  for (const domain of Object.keys(s.hops)) {
    await s.finished(domain, 10);
    assert.ok(
      s.told(domain).every((l) => l.startsWith('delivered')),
      domain,
    );
  }
  const taken = (domain: string): number[] => s.hops[domain]!.map((h) => h.delivered.length);
  assert.deepEqual(taken('turns.test'), [5, 5]);
  const [none = -1, second = 0, third = 0] = taken('dead.test');
  assert.equal(none, 0);
  assert.ok(second + third === 10 && second >= 3 && third >= 3, `${second} ${third}`);
  assert.deepEqual(taken('order.test'), [0, 10, 0]);
  assert.equal(s.hops['dead.test']![0]!.sessions.length, 1);
});

test('connections come from the source address of the route, and no more than its concurrency', async (t) => {
  const cleanup = new Cleanup(t);
  let now = 0;
  let most = 0;
  const s = await relayScene(cleanup, {
    'from.test': {
      hops: [
        {
          greeting: () => void (most = Math.max(most, ++now)),
          command: (l) => (says(l, 'QUIT') ? void now-- : undefined),
        },
      ],
      route: { source: '127.0.0.77', concurrency: 2 },
    },
  });
  await Promise.all(Array.from({ length: 12 }, (_, i) => s.send('from.test', [`m${i}`])));
  await s.finished('from.test', 12);
  const { sessions } = s.hops['from.test']![0]!;
  assert.ok(sessions.every((h) => h.from === '127.0.0.77'));
  assert.ok(most <= 2 && sessions.length <= 2, `${sessions.length} connections`);
});

test('a rate is kept: the rest waits untried and comes in turn', async (t) => {
  const cleanup = new Cleanup(t);
  const times: number[] = [];
  const s = await relayScene(cleanup, {
    'slow.test': { hops: [{ content: () => void times.push(performance.now()) }], route: { rate: '4/1s' } },
  });
  for (let i = 0; i < 10; i++) await s.send('slow.test', [`m${i}`]);
  await s.finished('slow.test', 10);
  assert.equal(s.told('slow.test').length, 10, 'nothing was deferred by the hop');
  for (let i = 4; i < times.length; i++)
    assert.ok(times[i]! - times[i - 4]! > 900, `five messages within ${times[i]! - times[i - 4]!} ms`);
});

test('an LMTP hop is asked ahead whether it would take a recipient', async (t) => {
  const cleanup = new Cleanup(t);
  const hop = await startHop({
    lmtp: true,
    command: (l) => (l.startsWith('RCPT TO:<no@') ? '550 5.1.1 no such user' : undefined),
  });
  cleanup.after(() => hop.close());
  const h = await house(cleanup, [], {
    listeners: [{ name: 'smtp', bind: '127.0.0.1:0', relay: { domains: ['in.test'], callAhead: true } }],
    delivery: { routes: [{ match: 'true', via: 'lmtp', to: `127.0.0.1:${hop.port}` }] },
  });
  const session = await h.open();
  await session.command('MAIL FROM:<a@out.test>');
  const refused = await session.command('RCPT TO:<no@in.test>');
  assert.match(refused.lines.join(), /^550 5\.1\.1 Next hop refused: 550 5\.1\.1 no such user/);
  assert.equal((await session.command('RCPT TO:<yes@in.test>')).code, 250);
  assert.ok(hop.sessions.every((s) => s.lines[0] === 'LHLO mx.test' && s.messages === 0));
});

test('a route delivers by LMTP to a listener of ours', async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const path = join(folder, 'inner');
  const behind = await house(cleanup, [], {
    listeners: [
      { name: 'smtp', bind: '127.0.0.1:0' },
      { name: 'lmtp', protocol: 'lmtp', bind: `unix:${path}`, relay: { domains: ['in.test'] } },
    ],
  });
  const front = await house(cleanup, [], {
    delivery: { routes: [{ match: 'true', via: 'lmtp', to: `unix:${path}` }] },
  });
  const session = await front.open();
  const { reply } = await session.transaction(
    'a@out.test',
    ['b@in.test', 'c@in.test'],
    'Subject: x\r\n\r\nhi\r\n',
  );
  assert.equal(reply.code, 250);
  for (const to of ['b@in.test', 'c@in.test']) {
    const message = await arrived(behind.mail, to, (m) => m.field('Delivered-To').includes(to));
    assert.match(message.text, /with LMTP[\s\S]*\n\nhi\n$/);
  }
});
