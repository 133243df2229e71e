import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { PoolOptions } from './pool.ts';
import { codes, messageTo, poolTo } from './rig.cases.ts';
import { selfSigned, startHop } from './scripted-hop.cases.ts';
import type { HopScript, HopSession } from './scripted-hop.cases.ts';

const certificate = selfSigned('IP:127.0.0.1');
const other = selfSigned('DNS:other.test');
const ACCOUNT = { user: 'relay', password: 's\xc3\xa9cret' };
const b64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const PLAIN = b64(`\0${ACCOUNT.user}\0${ACCOUNT.password}`);

/** Answers of a server with that account. */
function account(session: HopSession): string | undefined {
  const line = session.lines.at(-1)!;
  if (line === `AUTH PLAIN ${PLAIN}`) return '235 2.7.0 welcome';
  if (line.startsWith('AUTH PLAIN')) return '535 5.7.8 no';
  if (line === 'AUTH LOGIN') return `334 ${b64('Username:')}`;
  const before = session.lines.at(-2);
  if (before === 'AUTH LOGIN') return `334 ${b64('Password:')}`;
  if (session.lines.at(-3) === 'AUTH LOGIN')
    return before === b64(ACCOUNT.user) && line === b64(ACCOUNT.password) ? '235 2.7.0 welcome' : '535 no';
  return undefined;
}

async function rig(t: TestContext, scripts: readonly HopScript[], more: Partial<PoolOptions> = {}) {
  const hops = await Promise.all(
    scripts.map((s) =>
      startHop({
        offers: ['PIPELINING', 'STARTTLS', 'AUTH PLAIN LOGIN'],
        certificate,
        command: (_, session) => account(session),
        ...s,
      }),
    ),
  );
  const said: unknown[] = [];
  const pool = poolTo(hops, {
    tls: 'require',
    ca: certificate.cert,
    auth: ACCOUNT,
    notices: (name, fields) => said.push([name, fields]),
    ...more,
  });
  t.after(async () => {
    await pool.close();
    await Promise.all(hops.map((h) => h.close()));
  });
  return { hops, hop: hops[0]!, pool, log: () => JSON.stringify(said) };
}

const told = (session: HopSession): boolean =>
  session.lines.some((l) => l.startsWith('AUTH') || l === b64(ACCOUNT.password));

test('an account is shown once per connection, inside TLS, by PLAIN, or by LOGIN when only that is offered', async (t) => {
  for (const [offer, expected] of [
    ['AUTH PLAIN LOGIN', [`AUTH PLAIN ${PLAIN}`]],
    ['AUTH=LOGIN PLAIN', [`AUTH PLAIN ${PLAIN}`]],
    ['AUTH SCRAM-SHA-256 login', ['AUTH LOGIN', b64('relay'), b64(ACCOUNT.password)]],
  ] as const) {
    const { hop, pool } = await rig(t, [{ offers: ['STARTTLS', offer] }]);
    for (let i = 0; i < 3; i++) assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250], offer);
    assert.equal(hop.sessions.length, 1);
    const { lines } = hop.sessions[0]!;
    const from = lines.lastIndexOf('EHLO us.test') + 1;
    assert.deepEqual(lines.slice(from, lines.indexOf('MAIL FROM:<from@test>')), expected);
    assert.ok(lines.indexOf('STARTTLS') < lines.indexOf(expected[0]));
  }
});

test('whatever a hop says to our account defers the mail and never refuses it', async (t) => {
  for (const reply of [
    '535 5.7.8 no',
    '534 5.7.9 weak',
    '454 4.7.0 later',
    '501 5.5.2 what',
    '334 ',
    '250 eh',
  ]) {
    const { hops, pool } = await rig(t, [
      { command: (l) => (l.startsWith('AUTH') ? reply : undefined) },
      { command: (l) => (l.startsWith('AUTH') ? reply : undefined) },
    ]);
    const [s] = await pool.send(messageTo(['a@x']));
    assert.deepEqual([s!.code, s!.enhanced], [451, '4.7.8'], reply);
    assert.ok(
      hops.every((h) => h.sessions.length === 1 && !h.sessions[0]!.lines.some((l) => /^MAIL/.test(l))),
    );
  }
});

test('a hop that does not want our account leaves the mail to the next one', async (t) => {
  const { hops, pool } = await rig(t, [
    { command: (l) => (l.startsWith('AUTH') ? '535 5.7.8 no' : undefined) },
    {},
  ]);
  assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
  assert.equal(hops[1]!.delivered.length, 1);
});

test('a hop that offers no mechanism of ours is not used', async (t) => {
  for (const offers of [['STARTTLS'], ['STARTTLS', 'AUTH CRAM-MD5'], ['STARTTLS', 'AUTH']]) {
    const { hop, pool } = await rig(t, [{ offers }]);
    const [s] = await pool.send(messageTo(['a@x']));
    assert.deepEqual([s!.code, s!.enhanced], [451, '4.7.4']);
    assert.ok(!told(hop.sessions[0]!));
  }
});

test('a password never goes out in plaintext, nor to a certificate that is not good (Q14, P25)', async (t) => {
  const plain: HopScript[] = [
    { offers: ['AUTH PLAIN'] },
    { command: (l, s) => (l === 'STARTTLS' ? '454 4.7.0 not now' : account(s)) },
    { certificate: undefined!, command: (l, s) => (l === 'STARTTLS' ? '220 go<close>' : account(s)) },
    { certificate: other },
  ];
  for (const tls of ['require', 'opportunistic'] as const)
    for (const script of plain) {
      const { hop, pool } = await rig(t, [script], { tls });
      const [s] = await pool.send(messageTo(['a@x']));
      assert.equal(s!.code, 451);
      assert.match(s!.enhanced, /^4\.7\.(4|5|11)$/);
      assert.ok(hop.sessions.every((session) => !told(session)));
      assert.equal(hop.delivered.length, 0);
    }
});

test('with TLS off it is said to loopback and to nobody else', async (t) => {
  const { hop, pool } = await rig(t, [{ offers: ['AUTH PLAIN'] }], { tls: 'off' });
  assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
  assert.ok(told(hop.sessions[0]!));
  // Written like this, the same host does not count as loopback.
  const far = await rig(t, [{ offers: ['AUTH PLAIN'] }], {
    tls: 'off',
    resolve: () => Promise.resolve(['::ffff:127.0.0.1']),
  });
  const [s] = await far.pool.send(messageTo(['a@x']));
  assert.equal(s!.code, 451);
  assert.ok(far.hop.sessions.every((session) => !told(session)));
});

test('neither password nor what the hop makes of it stands in a status or a notice', async (t) => {
  const { pool, log } = await rig(t, [
    {
      command: (l) => (l.startsWith('AUTH') ? `535 5.7.8 ${ACCOUNT.password} ${PLAIN} is wrong` : undefined),
    },
  ]);
  const statuses = await pool.send(messageTo(['a@x']));
  for (const secret of [ACCOUNT.password, PLAIN, b64(ACCOUNT.password)])
    assert.ok(!(JSON.stringify(statuses) + log()).includes(secret));
  assert.match(log(), /delivery\.hop-trouble/);
});
