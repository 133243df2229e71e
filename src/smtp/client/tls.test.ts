import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { isPositive, isTemporary } from '#message';
import type { PoolOptions } from './pool.ts';
import { codes, messageTo, poolTo } from './rig.cases.ts';
import { selfSigned, startHop } from './scripted-hop.cases.ts';
import type { HopScript } from './scripted-hop.cases.ts';

const good = selfSigned('IP:127.0.0.1');
const elsewhere = selfSigned('DNS:other.test');
const nameless = selfSigned('');
const OFFERS = ['PIPELINING', 'STARTTLS'];

async function rig(t: TestContext, script: HopScript, more: Partial<PoolOptions>) {
  const hop = await startHop({ offers: OFFERS, certificate: good, ...script });
  const heard: string[] = [];
  const pool = poolTo([hop], more, heard);
  t.after(async () => {
    await pool.close();
    await hop.close();
  });
  return {
    hop,
    pool,
    heard,
    mails: () => hop.sessions.filter((s) => s.lines.some((l) => l.startsWith('MAIL'))),
  };
}

test('opportunistic TLS is used when offered, whatever the certificate', async (t) => {
  const { hop, pool, heard } = await rig(t, { certificate: elsewhere }, { tls: 'opportunistic' });
  assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
  assert.equal(hop.sessions[0]!.secure, true);
  assert.deepEqual(hop.sessions[0]!.lines.slice(0, 3), ['EHLO us.test', 'STARTTLS', 'EHLO us.test']);
  assert.deepEqual(heard, []);
});

test('opportunistic TLS goes on in plaintext where it is not offered or refused', async (t) => {
  for (const script of [
    { offers: [] },
    { command: (l: string) => (l === 'STARTTLS' ? '454 4.7.0 not now' : undefined) },
  ]) {
    const { hop, pool } = await rig(t, script, { tls: 'opportunistic' });
    assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
    assert.equal(hop.sessions.length, 1);
    assert.equal(hop.sessions[0]!.secure, false);
  }
});

test('a handshake that fails leads to plaintext on one new connection when opportunistic (Q14)', async (t) => {
  for (const answer of ['220 go<close>', '220 go\r\n250 plaintext']) {
    const { hop, pool, heard } = await rig(
      t,
      { certificate: undefined!, command: (l) => (l === 'STARTTLS' ? answer : undefined) },
      { tls: 'opportunistic' },
    );
    assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250], answer);
    assert.equal(hop.sessions.length, 2);
    assert.ok(heard.includes('delivery.tls-fallback'));
  }
});

test('required TLS never says MAIL in plaintext, whatever the hop does (Q12, Q14, P25)', async (t) => {
  const scripts: HopScript[] = [
    { offers: [] },
    { command: (l) => (l === 'STARTTLS' ? '454 4.7.0 not now' : undefined) },
    { command: (l) => (l === 'STARTTLS' ? '421 4.7.0 bye<close>' : undefined) },
    { certificate: undefined!, command: (l) => (l === 'STARTTLS' ? '220 go<close>' : undefined) },
    { certificate: undefined!, command: (l) => (l === 'STARTTLS' ? '220 go\r\n250 plain' : undefined) },
    { command: (l) => (l.startsWith('EHLO') ? '502 no' : undefined) },
  ];
  for (const script of scripts) {
    const { pool, mails } = await rig(t, script, { tls: 'require', ca: good.cert });
    const [s] = await pool.send(messageTo(['a@x']));
    assert.ok(isTemporary(s!));
    assert.match(s!.enhanced, /^4\.[74]\./);
    assert.equal(mails().length, 0);
  }
});

test('required TLS verifies the certificate and its name (Q12)', async (t) => {
  const cases: [string, { key: string; cert: string }, string | undefined, boolean][] = [
    ['good', good, good.cert, true],
    ['self-signed', good, undefined, false],
    ['wrong name', elsewhere, elsewhere.cert, false],
    ['name only in CN', nameless, nameless.cert, false],
  ];
  for (const [what, certificate, ca, works] of cases) {
    const { pool, mails } = await rig(t, { certificate }, { tls: 'require', ca });
    const [s] = await pool.send(messageTo(['a@x']));
    assert.equal(isPositive(s!), works, what);
    if (!works) assert.deepEqual([s!.code, s!.enhanced], [451, '4.7.5'], what);
    assert.equal(mails().length, works ? 1 : 0, what);
  }
});

test('required TLS takes any certificate when told so', async (t) => {
  const { hop, pool } = await rig(t, { certificate: elsewhere }, { tls: 'require', verify: false });
  assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
  assert.equal(hop.sessions[0]!.secure, true);
});

test('what comes in plaintext behind the answer to STARTTLS is not believed (Q13)', async (t) => {
  const { hop, pool, heard } = await rig(
    t,
    { command: (l, s) => (l === 'STARTTLS' && !s.secure ? '220 go\r\n250-evil\r\n250 SMTPUTF8' : undefined) },
    { tls: 'require', ca: good.cert },
  );
  const [s] = await pool.send(messageTo(['\xc3\xa4@x']));
  assert.deepEqual([s!.code, s!.enhanced], [553, '5.6.7'], 'the injected keyword is not taken for an offer');
  assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
  assert.ok(hop.sessions[0]!.secure);
  assert.deepEqual(heard, ['delivery.plaintext-after-starttls']);
});

test('TLS that ends amid the message is trouble with the connection, not a reason for plaintext (Q14)', async (t) => {
  const { pool, mails } = await rig(
    t,
    { command: (l) => (l.startsWith('MAIL') ? '<close>' : undefined) },
    { tls: 'opportunistic' },
  );
  const [s] = await pool.send(messageTo(['a@x']));
  assert.ok(isTemporary(s!));
  assert.ok(mails().every((m) => m.secure));
});
