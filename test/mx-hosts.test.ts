/** What is spoken with the hosts of a domain: TLS under their own names, equal hosts, several addresses. Loopback, DNS from a table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMxAgent, type Agent, type MxOptions } from '#delivery';
import { systemClock } from '#gateway';
import { bodyOf, bytesOf } from '#message';
import { silent } from '#notices';
import { mx, resolverOf, STRANGER, type Zone } from '../src/delivery/mx/rig.cases.ts';
import { entryTo } from '../src/delivery/rig.cases.ts';
import {
  selfSigned,
  startHop,
  type HopScript,
  type ScriptedHop,
} from '../src/smtp/client/scripted-hop.cases.ts';
import { Cleanup } from './support/folders.ts';
import { freePort } from './support/ports.ts';

function agentOver(cleanup: Cleanup, zone: Zone, port: number, more: Partial<MxOptions> = {}): Agent {
  const agent = makeMxAgent({
    resolver: resolverOf(zone),
    ourselves: STRANGER,
    allowLoopback: true,
    hostname: 'us.test',
    tls: 'opportunistic',
    timeouts: { connect: 1000, greeting: 1000, command: 1000, tls: 2000 },
    port,
    clock: systemClock,
    notices: silent,
    ...more,
  });
  cleanup.after(() => agent.close());
  return agent;
}

async function hostAt(
  cleanup: Cleanup,
  address: string,
  port: number,
  script: HopScript = {},
): Promise<ScriptedHop> {
  const hop = await startHop({ address, port, ...script });
  cleanup.after(() => hop.close());
  return hop;
}

/** Delivers to one recipient; `250 2.0.0`. */
async function deliver(agent: Agent, address: string): Promise<string> {
  const { meta: entry } = entryTo([address]);
  const opened = { header: bytesOf('Subject: x\r\n'), body: bodyOf([bytesOf('body\r\n')]) };
  const signal = new AbortController().signal;
  const content = () => Promise.resolve(opened);
  const [outcome] = await agent.deliver({ entry, recipients: entry.recipients, content, signal });
  return `${outcome!.status.code} ${outcome!.status.enhanced}`;
}

const STARTTLS = ['PIPELINING', 'STARTTLS'];

test('TLS that is required is checked against the name of the mail host, not that of the domain', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  const certificate = selfSigned('DNS:mx.host.test');
  const good = await hostAt(cleanup, '127.0.0.71', port, { certificate, offers: STARTTLS });
  const zone = {
    mx: { 'd.test': mx('10 mx.host.test'), 'other.test': mx('10 wrong.host.test') },
    a: { 'mx.host.test': ['127.0.0.71'], 'wrong.host.test': ['127.0.0.71'] },
  };
  const agent = agentOver(cleanup, zone, port, { tls: 'require', ca: certificate.cert });
  assert.equal(await deliver(agent, 'u@d.test'), '250 2.0.0');
  assert.ok(good.sessions[0]!.secure);
  assert.equal(await deliver(agent, 'u@other.test'), '451 4.7.5');
  assert.equal(good.delivered.length, 1);
  assert.ok(good.sessions.every((s) => s.secure || !s.lines.some((l) => l.startsWith('MAIL'))));
});

test('a host without TLS gets nothing where it is required, and the next host its chance', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  const certificate = selfSigned('DNS:second.test');
  const first = await hostAt(cleanup, '127.0.0.71', port);
  const second = await hostAt(cleanup, '127.0.0.72', port, { certificate, offers: STARTTLS });
  const zone = {
    mx: { 'd.test': mx('10 first.test', '20 second.test'), 'bare.test': mx('10 first.test') },
    a: { 'first.test': ['127.0.0.71'], 'second.test': ['127.0.0.72'] },
  };
  const agent = agentOver(cleanup, zone, port, { tls: 'require', ca: certificate.cert });
  assert.equal(await deliver(agent, 'u@d.test'), '250 2.0.0');
  assert.equal(await deliver(agent, 'u@bare.test'), '451 4.7.4');
  assert.equal(second.delivered.length, 1);
  assert.ok(
    first.sessions.length > 0 && first.sessions.every((s) => !s.lines.some((l) => l.startsWith('MAIL'))),
  );
});

test('opportunistic TLS takes any certificate; a policy may ask for more from some domains', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  const certificate = selfSigned('DNS:somebody.else.test');
  const hop = await hostAt(cleanup, '127.0.0.71', port, { certificate, offers: STARTTLS });
  const hosts = { 'lax.test': mx('10 mx.host.test'), 'strict.test': mx('10 mx.host.test') };
  const zone = { mx: hosts, a: { 'mx.host.test': ['127.0.0.71'] } };
  const agent = agentOver(cleanup, zone, port, {
    tlsPolicy: (domain, host) =>
      domain === 'strict.test' && host === 'mx.host.test' ? 'require' : 'opportunistic',
  });
  assert.equal(await deliver(agent, 'u@lax.test'), '250 2.0.0');
  assert.ok(hop.sessions[0]!.secure);
  // The connection that is kept was made by another policy and is not for this domain.
  assert.equal(await deliver(agent, 'u@strict.test'), '451 4.7.5');
  assert.equal(hop.delivered.length, 1);
});

test('equal hosts share the load, and a better one gets all of it', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  const hops = [];
  for (const address of ['127.0.0.71', '127.0.0.72', '127.0.0.73'])
    hops.push(await hostAt(cleanup, address, port));
  const zone = {
    mx: { 'd.test': mx('10 a.test', '10 b.test', '20 c.test') },
    a: { 'a.test': ['127.0.0.71'], 'b.test': ['127.0.0.72'], 'c.test': ['127.0.0.73'] },
  };
  const lots = [0, 1]; // of a and b, by turns
  const random = (): number => {
    lots.push(lots.shift()!);
    return lots[1]!;
  };
  const agent = agentOver(cleanup, zone, port, { random, idleMs: 0 });
  for (let i = 0; i < 8; i++) assert.equal(await deliver(agent, 'u@d.test'), '250 2.0.0');
  const shares = hops.map((h) => h.delivered.length);
  assert.ok(shares[0]! > 0 && shares[1]! > 0 && shares[2] === 0, shares.join());
});

test('every address of a host is tried before the next host', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  const second = await hostAt(cleanup, '127.0.0.72', port);
  const next = await hostAt(cleanup, '127.0.0.73', port);
  const zone = {
    mx: { 'd.test': mx('10 a.test', '20 b.test') },
    a: { 'a.test': ['127.0.0.71', '127.0.0.72'], 'b.test': ['127.0.0.73'] },
  };
  const agent = agentOver(cleanup, zone, port);
  assert.equal(await deliver(agent, 'u@d.test'), '250 2.0.0');
  assert.deepEqual([second.delivered.length, next.sessions.length], [1, 0]);
});
