/** TLS and passwords towards next hops, seen from the queue (reliability Q12, Q13, Q14; P11, P25). */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startHop, type HopScript, type HopSession } from '../src/smtp/client/scripted-hop.cases.ts';
import { makeAuthority, type Authority, type KeyPair } from './support/certificates.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { Gateway } from './support/gateway.ts';
import { freePort } from './support/ports.ts';
import { relayScene, says, type Way } from './support/relay-scene.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const cleanup = new Cleanup();
let authority: Authority;
let good: KeyPair;
let bad: Readonly<Record<string, KeyPair>>;

before(async () => {
  authority = await makeAuthority(cleanup);
  good = await authority.sign({ names: 'IP:127.0.0.1' });
  bad = {
    expired: await authority.sign({ names: 'IP:127.0.0.1', days: -1 }),
    'self-signed': await authority.selfSigned({ names: 'IP:127.0.0.1' }),
    'wrong-name': await authority.sign({ names: 'DNS:elsewhere.test' }),
    'names-no-host': await authority.sign({ names: 'email:postmaster@in.test' }),
  };
});
after(() => cleanup.run());

const OFFERS = ['PIPELINING', 'STARTTLS', '8BITMIME'];
const OLD = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

const saidMail = (s: HopSession): boolean => s.lines.some((l) => says(l, 'MAIL'));

/** Hops with which TLS does not come about, by name. */
function withoutTls(): Readonly<Record<string, HopScript>> {
  const onStartTls = (answer: string): HopScript => ({
    offers: OFFERS,
    command: (l) => (l === 'STARTTLS' ? answer : undefined),
  });
  const withinTls = (answer: string): HopScript => ({
    offers: OFFERS,
    certificate: good,
    command: (l, h) => (h.secure && says(l, 'EHLO') ? answer : undefined),
  });
  return {
    'not-offered': { offers: ['PIPELINING'] },
    '454': onStartTls('454 4.7.0 not now'),
    closes: onStartTls('220 go<close>'),
    plaintext: onStartTls('220 go\r\n250 plaintext'),
    'closes-within': withinTls('<close>'),
    'silent-within': withinTls(''),
    'chaos-within': withinTls('what do you want'),
    'tls-1-0': { offers: OFFERS, certificate: { ...good, ...OLD } },
  };
}

test('Q12: with tls: require nothing goes in plaintext or to a bad certificate; it waits, and its sender hears of it', async (t) => {
  const c = new Cleanup(t);
  const scripts = { ...withoutTls() };
  for (const [name, pair] of Object.entries(bad)) scripts[name] = { offers: OFFERS, certificate: pair };
  const ways: Record<string, Way> = {};
  for (const [name, script] of Object.entries(scripts))
    ways[`${name}.test`] = { hops: [script], route: { tls: 'require', tlsCa: authority.file } };
  const s = await relayScene(c, ways, {
    retry: ['400ms'],
    expire: '900ms',
    timeouts: { tls: '300ms', command: '300ms' },
  });
  const domains = Object.keys(ways);
  await Promise.all(domains.map((domain) => s.send(domain, ['u'])));
  await Promise.all(domains.map((domain) => s.finished(domain, 1)));
  for (const domain of domains) {
    const told = s.told(domain);
    assert.match(told[0]!, /^deferred 451 4\.7\.[45] u$/, domain);
    assert.match(told.at(-1)!, /^expired 451 4\.[47]\./, domain);
    const [hop] = s.hops[domain]!;
    assert.ok(hop!.sessions.length >= 2, domain);
    assert.ok(!hop!.sessions.some(saidMail), `${domain} was told of the mail`);
  }
  await until('the notices', 5000, async () => (await s.notices()).length === domains.length);
});

test('with tlsCa the authorities in that file are trusted, and those of the system are not', async (t) => {
  const c = new Cleanup(t);
  const stranger = await makeAuthority(c);
  const certificate = { offers: OFFERS, certificate: good };
  const s = await relayScene(
    c,
    {
      'ours.test': { hops: [certificate], route: { tls: 'require', tlsCa: authority.file } },
      'lmtp.test': {
        hops: [{ ...certificate, lmtp: true }],
        route: { via: 'lmtp', tls: 'require', tlsCa: authority.file },
      },
      'others.test': { hops: [certificate], route: { tls: 'require', tlsCa: stranger.file } },
      'system.test': { hops: [certificate], route: { tls: 'require' } },
      'self.test': {
        hops: [{ ...certificate, certificate: bad['self-signed']! }],
        route: { tls: 'require', tlsCa: authority.file },
      },
    },
    { retry: ['1h'] },
  );
  const domains = Object.keys(s.hops);
  await Promise.all(domains.map((domain) => s.send(domain, ['u'])));
  await until('answers', 10_000, () => domains.every((domain) => s.told(domain).length > 0));
  for (const domain of domains) {
    const trusted = domain === 'ours.test' || domain === 'lmtp.test';
    assert.deepEqual(s.told(domain), [trusted ? 'delivered 250 2.0.0 u' : 'deferred 451 4.7.5 u'], domain);
    const { sessions } = s.hops[domain]![0]!;
    assert.equal(sessions.some(saidMail), trusted, domain);
    if (trusted) assert.ok(sessions[0]!.secure, domain);
  }
});

test('Q12 Q14: with tls: opportunistic TLS is used where it works, any certificate will do, else plaintext after one try', async (t) => {
  const c = new Cleanup(t);
  const ways: Record<string, Way> = {};
  const scripts = { ...withoutTls() };
  for (const [name, pair] of Object.entries({ ...bad, good }))
    scripts[name] = { offers: OFFERS, certificate: pair };
  for (const [name, script] of Object.entries(scripts))
    ways[`${name}.test`] = { hops: [script], route: { tls: 'opportunistic' } };
  const s = await relayScene(c, ways, { timeouts: { tls: '300ms', command: '300ms' } });
  const domains = Object.keys(ways);
  await Promise.all(domains.map((domain) => s.send(domain, ['u'])));
  await Promise.all(domains.map((domain) => s.finished(domain, 1)));
  for (const domain of domains) {
    assert.deepEqual(s.told(domain), ['delivered 250 2.0.0 u'], domain);
    const { sessions } = s.hops[domain]![0]!;
    const plain = Object.hasOwn(withoutTls(), domain.slice(0, -5));
    const failed = plain && !['not-offered', '454'].includes(domain.slice(0, -5));
    assert.equal(sessions.length, failed ? 2 : 1, domain);
    assert.equal(
      sessions.at(-1)!.lines.includes('STARTTLS'),
      !failed && domain !== 'not-offered.test',
      domain,
    );
    if (!plain) assert.ok(sessions[0]!.secure, domain);
    assert.equal(sessions.filter(saidMail).length, 1, domain);
  }
});

test('Q13 Q14: what comes behind the answer to STARTTLS is nobody’s word; TLS lost amid the mail is no reason for plaintext', async (t) => {
  const c = new Cleanup(t);
  const s = await relayScene(c, {
    'injected.test': {
      hops: [
        {
          offers: OFFERS,
          certificate: good,
          command: (l, h) =>
            l === 'STARTTLS' && !h.secure ? '220 go\r\n250-evil\r\n250 SMTPUTF8' : undefined,
        },
      ],
      route: { tls: 'opportunistic' },
    },
    'lost.test': {
      hops: [
        {
          offers: OFFERS,
          certificate: good,
          command: (l, h) => (says(l, 'MAIL') && h.number === 1 ? '<close>' : undefined),
        },
      ],
      route: { tls: 'opportunistic' },
    },
    // The second EHLO, inside TLS, does not offer STARTTLS any more: that is how it should be.
    'second.test': {
      hops: [
        {
          offers: OFFERS,
          certificate: good,
          command: (l, h) => (says(l, 'EHLO') && h.secure ? '250-hop\r\n250 PIPELINING' : undefined),
        },
      ],
      route: { tls: 'opportunistic' },
    },
  });
  for (const domain of Object.keys(s.hops)) {
    await s.send(domain, ['u']);
    await s.finished(domain, 1);
    const { sessions, delivered } = s.hops[domain]![0]!;
    assert.equal(delivered.length, 1, domain);
    assert.ok(
      sessions.filter(saidMail).every((h) => h.secure),
      domain,
    );
    const { lines } = sessions[0]!;
    assert.ok(lines.indexOf('STARTTLS') < lines.lastIndexOf('EHLO mx.test'), 'EHLO is said again inside TLS');
  }
  const injected = s.house.heard.filter(({ name }) => name === 'delivery.plaintext-after-starttls');
  assert.equal(injected.length, 1);
});

const PASSWORD = 'correct horse battery staple';
const PLAIN = Buffer.from(`\0relay\0${PASSWORD}`).toString('base64');

/** A smarthost with one account. */
const smarthost = (certificate: KeyPair | undefined, more: HopScript = {}): HopScript => ({
  offers: ['PIPELINING', 'STARTTLS', 'AUTH PLAIN LOGIN'],
  ...(certificate && { certificate }),
  command: (l) =>
    l === `AUTH PLAIN ${PLAIN}` ? '235 2.7.0 ok' : says(l, 'AUTH') ? '535 5.7.8 no' : undefined,
  ...more,
});

test('a smarthost is told the password inside good TLS only; a refused one defers, and no password is logged (Q14, A18)', async (t) => {
  const c = new Cleanup(t);
  const hops = {
    good: await startHop(smarthost(good)),
    bad: await startHop(smarthost(bad['self-signed'])),
    stripped: await startHop(smarthost(undefined, { offers: ['AUTH PLAIN'] })),
    other: await startHop(
      smarthost(good, { command: (l) => (says(l, 'AUTH') ? `535 5.7.8 ${PLAIN}` : undefined) }),
    ),
  };
  for (const hop of Object.values(hops)) c.after(() => hop.close());
  const folder = await tempFolder(c);
  const port = await freePort();
  const route = (name: keyof typeof hops): unknown => ({
    match: `rcpt_domain == '${name}.test'`,
    via: 'smtp',
    to: `127.0.0.1:${hops[name].port}`,
    auth: { user: 'relay', password: { file: './relay.secret' } },
  });
  await writeFile(join(folder, 'relay.secret'), `${PASSWORD}\n`, { mode: 0o600 });
  const gateway = await Gateway.start(c, {
    folder,
    ports: [port],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: authority.file },
    configuration: JSON.stringify({
      hostname: 'mx.test',
      stateDir: join(folder, 'state'),
      listeners: [{ name: 'smtp', bind: `127.0.0.1:${port}` }],
      log: { level: 'debug' },
      delivery: { retry: ['1h'], routes: (Object.keys(hops) as (keyof typeof hops)[]).map(route) },
    }),
  });
  const session = await SmtpSession.greeted(port);
  for (const name of Object.keys(hops)) {
    const { reply } = await session.transaction('a@out.test', [`u@${name}.test`], 'Subject: x\r\n\r\n');
    assert.equal(reply.code, 250);
  }
  const told = (name: string): string => {
    const line = gateway.log.find(
      (l) =>
        String(l['to']) === `u@${name}.test` && /^delivery\.(delivered|deferred)$/.test(String(l['event'])),
    );
    return line ? `${String(line['event'])} ${String(line['status'])}` : '';
  };
  await until('an answer about everybody', 10_000, () =>
    Object.keys(hops).every((name) => told(name) !== ''),
  );
  assert.match(told('good'), /^delivery\.delivered 250/);
  assert.match(told('bad'), /^delivery\.deferred 451 4\.7\.5/);
  assert.match(told('stripped'), /^delivery\.deferred 451 4\.7\.4/);
  assert.match(told('other'), /^delivery\.deferred 451 4\.7\.8/);
  assert.ok(hops.good.sessions.every((s) => s.secure && s.lines.includes(`AUTH PLAIN ${PLAIN}`)));
  for (const hop of [hops.bad, hops.stripped])
    assert.ok(hop.sessions.every((s) => !s.lines.some((l) => says(l, 'AUTH') || says(l, 'MAIL'))));
  const written = JSON.stringify(gateway.log) + gateway.process.output;
  for (const secret of [PASSWORD, PLAIN]) assert.ok(!written.includes(secret));
  const queue = await gateway.queue();
  assert.equal(queue.length, 3);
  assert.ok(!JSON.stringify(queue).includes(PLAIN));
  const commandLine = await readFile(`/proc/${gateway.process.pid}/cmdline`, 'latin1');
  assert.ok(!commandLine.includes(PASSWORD));
});
