/** One next hop among many that answers a byte a second: the others must not feel it (reliability Q06; P22). */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { startHop } from '../src/smtp/client/scripted-hop.cases.ts';
import { Cleanup } from './support/folders.ts';
import { heard } from './support/heard.ts';
import { house, type House } from './support/house.ts';
import { until } from './support/wait.ts';

const CONTENT = 'Subject: x\r\n\r\nbody\r\n';

interface SlowHop {
  readonly port: number;
  /** Most connections at one time. */
  readonly most: number;
  readonly connections: number;
}

/** Takes connections and says everything a byte a second. */
async function startSlowHop(cleanup: Cleanup): Promise<SlowHop> {
  const open = new Set<Socket>();
  const seen = { port: 0, most: 0, connections: 0 };
  const server = createServer((socket) => {
    open.add(socket);
    seen.connections++;
    seen.most = Math.max(seen.most, open.size);
    let text = '220 slow.test and very, very slow indeed\r\n';
    const drip = setInterval(() => {
      socket.write(text.slice(0, 1));
      text = text.slice(1);
    }, 1000);
    socket.on('error', () => undefined).on('data', () => undefined);
    socket.on('close', () => {
      clearInterval(drip);
      open.delete(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  seen.port = typeof address === 'object' && address ? address.port : 0;
  cleanup.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return seen;
}

/** A gateway with this many healthy hops (`h0.test`, ...) and slow ones (`s0.test`, ...). */
async function among(
  cleanup: Cleanup,
  healthy: number,
  slow: number,
  concurrency: { readonly total: number; readonly perDestination: number },
): Promise<{ h: House; slow: SlowHop[] }> {
  const good = await Promise.all(Array.from({ length: healthy }, () => startHop()));
  cleanup.after(() => Promise.all(good.map((hop) => hop.close())));
  const bad = await Promise.all(Array.from({ length: slow }, () => startSlowHop(cleanup)));
  const ports = [...good.map(({ port }, n) => [`h${n}`, port]), ...bad.map(({ port }, n) => [`s${n}`, port])];
  const routes = ports.map(([name, port]) => ({
    match: `rcpt_domain == '${name}.test'`,
    via: 'smtp',
    to: `127.0.0.1:${port}`,
    tls: 'off',
  }));
  return { h: await house(cleanup, [], { delivery: { routes, concurrency } }), slow: bad };
}

/** Sends one message to each of these domains over ten sessions, in this order. */
async function sendAll(h: House, domains: readonly string[]): Promise<void> {
  let next = 0;
  const session = async (): Promise<void> => {
    const s = await h.open();
    for (let n = next++; n < domains.length; n = next++) {
      const { reply } = await s.transaction('a@out.test', [`u${n}@${domains[n]}`], CONTENT);
      assert.equal(reply.code, 250);
    }
    await s.quit();
  };
  await Promise.all(Array.from({ length: 10 }, session));
}

const delivered = (h: House): number => heard(h, 'delivery.delivered').length;

test('Q06: of 1000 messages to 20 hops, one dead-slow, the 19 others get theirs, the slow one no more than its share', async (t) => {
  const cleanup = new Cleanup(t);
  const { h, slow } = await among(cleanup, 19, 1, { total: 200, perDestination: 20 });
  const began = performance.now();
  const domains = Array.from({ length: 1000 }, (_, n) => (n % 20 === 19 ? 's0.test' : `h${n % 20}.test`));
  await sendAll(h, domains);
  await until('the mail of the others', 30_000, () => delivered(h) >= 950);
  t.diagnostic(`950 messages past a dead-slow hop in ${Math.round(performance.now() - began)} ms`);
  assert.equal(delivered(h), 950);
  assert.ok(slow[0]!.most <= 20, `${slow[0]!.most} connections to the slow one`);
  assert.ok(slow[0]!.connections > 0);
});

test('Q06: a queue full of mail for the slow hop does not keep the mail for others waiting', async (t) => {
  const cleanup = new Cleanup(t);
  const { h, slow } = await among(cleanup, 2, 1, { total: 20, perDestination: 10 });
  await sendAll(
    h,
    Array.from({ length: 600 }, () => 's0.test'),
  );
  await sendAll(
    h,
    Array.from({ length: 60 }, (_, n) => `h${n % 2}.test`),
  );
  await until('the mail of the others', 20_000, () => delivered(h) >= 60);
  assert.ok(slow[0]!.most <= 10, `${slow[0]!.most} connections to the slow one`);
});

test('Q06: slow hops enough to fill the house leave places to the others', async (t) => {
  const cleanup = new Cleanup(t);
  const { h, slow } = await among(cleanup, 1, 8, { total: 16, perDestination: 4 });
  // Each slow one has one attempt first; when these have lasted, the rest comes.
  await sendAll(
    h,
    Array.from({ length: 8 }, (_, n) => `s${n}.test`),
  );
  await until('a connection to each', 5000, () => slow.every((s) => s.connections > 0));
  const began = performance.now();
  await until('them to be known as slow', 8000, () => performance.now() - began > 5200);
  await sendAll(
    h,
    Array.from({ length: 100 }, (_, n) => `s${n % 8}.test`),
  );
  await sendAll(
    h,
    Array.from({ length: 40 }, () => 'h0.test'),
  );
  await until('the mail of the other', 12_000, () => delivered(h) >= 40);
  assert.ok(slow.reduce((sum, s) => sum + s.most, 0) <= 12, 'three quarters of sixteen');
});
