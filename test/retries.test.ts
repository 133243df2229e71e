/**
 * Mail that cannot be delivered at once: retries further and further apart, destinations that are left alone, long times, the end of
 * a message's life, loops (reliability Q01, Q11, Q19, Q21; P22, P24, P30).
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { startHop } from '../src/smtp/client/scripted-hop.cases.ts';
import { processorTimeOf } from './support/crowd.ts';
import { startDeafHop, startMuteHop } from './support/dead-hop.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { Gateway } from './support/gateway.ts';
import { house, type House } from './support/house.ts';
import { readMaildir } from './support/maildir.ts';
import { freePort, freePorts } from './support/ports.ts';
import { relayScene } from './support/relay-scene.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { pause, until } from './support/wait.ts';

const DAY = 86_400_000;
const CONTENT = 'Subject: x\r\n\r\nbody\r\n';

const heard = (h: House, name: string, of: (fields: Record<string, unknown>) => boolean = () => true) =>
  h.heard.filter((n) => n.name === name && of(n.fields));

test('Q01: hops that are down, deaf or mute get few attempts by the schedule, clients notice nothing, and all mail arrives after', async (t) => {
  const cleanup = new Cleanup(t);
  const [down, deaf, mute] = (await freePorts(3)) as [number, number, number];
  const ports = { down, deaf, mute };
  const dead = await Promise.all([startDeafHop(cleanup, deaf), startMuteHop(cleanup, mute)]);
  const routes = Object.entries(ports).map(([name, port]) => ({
    match: `rcpt_domain == '${name}.test'`,
    via: 'smtp',
    to: `127.0.0.1:${port}`,
    tls: 'off',
  }));
  const h = await house(cleanup, [], {
    delivery: {
      routes,
      retry: ['300ms', '600ms', '1200ms', '2400ms'],
      timeouts: { connect: '300ms', greeting: '300ms' },
      concurrency: { total: 200, perDestination: 5 },
    },
  });
  let slowest = 0;
  const names = Object.keys(ports);
  const client = async (first: number): Promise<void> => {
    const session = await h.open();
    for (let n = first; n < 500; n += 10) {
      const began = performance.now();
      const { reply } = await session.transaction('a@out.test', [`u${n}@${names[n % 3]}.test`], CONTENT);
      assert.equal(reply.code, 250);
      slowest = Math.max(slowest, performance.now() - began);
    }
    await session.quit();
  };
  await Promise.all(Array.from({ length: 10 }, (_, n) => client(n)));
  assert.ok(slowest < 2000, `a client waited ${Math.round(slowest)} ms`);
  const to = (name: string, from: readonly { fields: Record<string, unknown> }[]) =>
    from.filter(({ fields }) => fields['destination'] === `smtp:127.0.0.1:${ports[name as 'down']}`);
  const rounds = (name: string): number[] =>
    to(name, heard(h, 'delivery.unreached')).map((n) => Number(n.fields['waitMs']));
  await until('four vain rounds each', 12_000, () => names.every((name) => rounds(name).length >= 4));
  for (const name of names) {
    const [a, b, c, d] = rounds(name) as [number, number, number, number];
    for (const [got, due] of [
      [a, 300],
      [b, 600],
      [c, 1200],
      [d, 2400],
    ] as const)
      assert.ok(got >= due && got <= due * 1.1 + 1, `${name}: ${rounds(name).join()}`);
  }
  // Five at a time in the first round, then one for each; some more that were on their way.
  assert.ok(dead[1].connections <= 25, `the mute hop was called ${dead[1].connections} times`);
  assert.equal(heard(h, 'delivery.delivered').length, 0);
  await Promise.all(dead.map((d) => d.end()));
  const hops = await Promise.all(Object.values(ports).map((port) => startHop({ port })));
  cleanup.after(() => Promise.all(hops.map((hop) => hop.close())));
  await until('all mail', 12_000, () => heard(h, 'delivery.delivered').length >= 500);
  const got = hops.flatMap((hop) => hop.delivered.flatMap((m) => m.rcpts));
  assert.deepEqual([got.length, new Set(got).size], [500, 500]);
  assert.equal(heard(h, 'delivery.reached-again').length, 3);
  assert.deepEqual(heard(h, 'delivery.failed'), []);
});

test('Q19: retries and expiry of 30 and 100 days are neither fired at once nor lost, and cost nothing', async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const [port, dead] = (await freePorts(2)) as [number, number];
  for (const [wait, days] of [
    ['30d', 30],
    ['100d', 100],
  ] as const) {
    const stateDir = join(folder, wait);
    const gateway = await Gateway.start(cleanup, {
      folder: await tempFolder(cleanup),
      configuration: JSON.stringify({
        hostname: 'gateway.test',
        stateDir,
        listeners: [{ name: 'smtp', bind: `127.0.0.1:${port}`, relay: { networks: ['127.0.0.0/8'] } }],
        delivery: {
          routes: [{ match: 'true', via: 'smtp', to: `127.0.0.1:${dead}`, tls: 'off' }],
          retry: [wait],
          expire: '300d',
          notifyDelay: wait,
          holdExpire: wait,
        },
        log: { level: 'debug', format: 'json' },
      }),
      ports: [port],
    });
    const session = await SmtpSession.greeted(port);
    assert.equal((await session.transaction('a@out.test', ['u@in.test'], CONTENT)).reply.code, 250);
    await session.quit();
    const attempts = () => gateway.log.filter((l) => l['event'] === 'delivery.deferred');
    await until('the first attempt', 5000, () => attempts().length > 0);
    const used = await processorTimeOf(gateway.process.pid);
    await pause(1500);
    assert.equal(attempts().length, 1);
    assert.ok((await processorTimeOf(gateway.process.pid)) - used < 0.5, 'it does not spin');
    const next = Date.parse(String(attempts()[0]!['next'])) - Date.now();
    assert.ok(next > (days - 1) * DAY && next < (days + 11) * DAY, `next in ${next / DAY} days`);
    const [line] = (await gateway.queue()) as { nextAttempt?: string }[];
    assert.equal(line!.nextAttempt, attempts()[0]!['next']);
    assert.equal(await gateway.stop(), 0);
  }
});

test('Q21: a message whose time is over is given up with one notice after a last attempt, and leaves the queue', async (t) => {
  const cleanup = new Cleanup(t);
  const later = { command: (l: string) => (l.startsWith('RCPT') ? '450 4.2.0 not yet' : undefined) };
  const s = await relayScene(cleanup, { 'late.test': { hops: [later] } }, { expire: '700ms' });
  await s.send('late.test', ['a', 'b']);
  await s.finished('late.test', 2);
  const told = s.told('late.test');
  assert.deepEqual(
    told.filter((l) => l.startsWith('expired')),
    ['expired 450 4.2.0 a', 'expired 450 4.2.0 b'],
  );
  assert.ok(told.filter((l) => l.startsWith('deferred')).length >= 4, told.join());
  await until('the notice', 5000, async () => (await s.notices()).length > 0);
  const [notice, ...more] = await s.notices();
  assert.equal(more.length, 0);
  assert.equal(notice!.text.match(/^Status: 5\.4\.7$/gm)!.length, 2);
  assert.match(notice!.text, /^Diagnostic-Code: smtp; 450 4\.2\.0 not yet$/m);
  await until('an empty queue', 5000, () => heard(s.house, 'delivery.delivered').length === 1);
  const before = s.hops['late.test']![0]!.sessions.flatMap((x) => x.lines).length;
  await pause(400);
  assert.equal(s.hops['late.test']![0]!.sessions.flatMap((x) => x.lines).length, before, 'nothing more');
});

test('Q21: a message for a hop that is down is given up in the same way', async (t) => {
  const cleanup = new Cleanup(t);
  const s = await relayScene(cleanup, { 'gone.test': { hops: [{}] } }, { expire: '700ms', retry: ['150ms'] });
  await s.hops['gone.test']![0]!.close();
  for (const local of ['a', 'b', 'c']) await s.send('gone.test', [local]);
  await s.finished('gone.test', 3);
  assert.equal(s.told('gone.test').filter((l) => l.startsWith('expired')).length, 3);
  await until('the notices', 5000, async () => (await s.notices()).length >= 3);
  for (const notice of await s.notices()) assert.match(notice.text, /^Status: 5\.4\.7$/m);
});

/** `count` Received fields and a message. */
const travelled = (count: number): string =>
  `${Array.from({ length: count }, (_, n) => `Received: from h${n}.test by h${n + 1}.test;\r\n Sun, 22 Nov 2026 12:00:00 +0000\r\n`).join('')}${CONTENT}`;

test('Q11: 100 Received fields are a loop, 99 are not', async (t) => {
  const cleanup = new Cleanup(t);
  const s = await relayScene(cleanup, { 'far.test': { hops: [{}] } });
  const session = await s.house.open();
  for (const count of [99, 100, 101]) {
    const { at, reply } = await session.transaction('a@out.test', ['r@far.test'], travelled(count));
    assert.equal(at, 'end');
    assert.match(reply.lines.join('\n'), count < 100 ? /^250 / : /^554 5\.4\.6 /, `${count}`);
  }
  await session.quit();
  await s.finished('far.test', 1);
  assert.deepEqual(s.told('far.test'), ['delivered 250 2.0.0 r']);
  assert.deepEqual(await s.notices(), []);
});

test('Q11: mail that two gateways hand to each other ends with one notice after some hundred hops', async (t) => {
  const cleanup = new Cleanup(t);
  const notices = join(await tempFolder(cleanup), 'notices');
  const ports = (await freePorts(2)) as [number, number];
  const [here, there] = await Promise.all(
    ports.map((port, n) =>
      house(cleanup, [], {
        hostname: `mx${n}.test`,
        listeners: [{ name: 'smtp', bind: `127.0.0.1:${port}`, relay: { networks: ['127.0.0.0/8'] } }],
        delivery: {
          routes: [
            { match: "sender == ''", via: 'maildir', to: notices },
            { match: 'true', via: 'smtp', to: `127.0.0.1:${ports[1 - n]}`, tls: 'off' },
          ],
        },
      }),
    ),
  );
  const used = process.cpuUsage();
  const session = await SmtpSession.greeted(ports[0]);
  assert.equal((await session.transaction('a@out.test', ['u@in.test'], CONTENT)).reply.code, 250);
  await session.quit();
  const failed = (): number =>
    heard(here!, 'delivery.failed').length + heard(there!, 'delivery.failed').length;
  await until('the end of the loop', 15_000, () => failed() > 0);
  await until('the notice', 5000, async () => (await readMaildir(notices)).length > 0);
  await pause(300);
  const hops = [here!, there!].flatMap((h) =>
    heard(h, 'delivery.delivered', (f) => f['to'] === 'u@in.test'),
  ).length;
  assert.ok(hops >= 99 && hops < 110, `${hops} hops`);
  const [notice, ...more] = await readMaildir(notices);
  assert.equal(more.length, 0);
  assert.match(notice!.text, /^Status: 5\.4\.6$/m);
  const { user, system } = process.cpuUsage(used);
  assert.ok((user + system) / 1e6 < 8, 'the processor stays calm');
});

test('Q11: a gateway that is its own next hop ends the loop too', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  const notices = join(await tempFolder(cleanup), 'notices');
  const h = await house(cleanup, [], {
    listeners: [{ name: 'smtp', bind: `127.0.0.1:${port}`, relay: { networks: ['127.0.0.0/8'] } }],
    delivery: {
      routes: [
        { match: "sender == ''", via: 'maildir', to: notices },
        { match: 'true', via: 'smtp', to: `127.0.0.1:${port}`, tls: 'off' },
      ],
    },
  });
  const session = await h.open();
  assert.equal((await session.transaction('a@out.test', ['u@in.test'], CONTENT)).reply.code, 250);
  await session.quit();
  await until('the notice', 15_000, async () => (await readMaildir(notices)).length > 0);
  await pause(300);
  assert.equal((await readMaildir(notices)).length, 1);
  assert.equal(heard(h, 'delivery.failed').length, 1);
  assert.ok(heard(h, 'delivery.delivered').length < 110);
});
