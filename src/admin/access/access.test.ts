import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '#clock';
import type { NoticeFields, NoticeName } from '#notices';
import { Brake, EXAMINED, LONGEST_WAIT, MAX_FAILURES } from './brake.ts';
import { hostIn, isForeign, isHostOfOurs, isLoopback } from './origin.ts';
import { MAX_SESSIONS, SESSION_LIFE, Sessions } from './sessions.ts';
import { troubleIn } from './strict-json.ts';
import { MAX_TOKENS, Tokens } from './tokens.ts';

function kept(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tokens-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'tokens.json');
  const clock = new ManualClock(1000);
  const said: { name: NoticeName; fields: NoticeFields }[] = [];
  const notices = (name: NoticeName, fields: NoticeFields): void => void said.push({ name, fields });
  return { file, clock, said, open: () => Tokens.open({ file, clock, notices }) };
}

const madeOf = <T>(made: T | string): T => {
  assert.ok(typeof made !== 'string', String(made));
  return made;
};

test('tokens outlive the gateway as digests alone, in a file of our own', async (t) => {
  const { file, open } = kept(t);
  const tokens = await open();
  const { token } = madeOf(await tokens.create('ci', 'operator'));
  assert.match(token, /^mlr_[\w-]{43}$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!readFileSync(file, 'utf8').includes(token));
  const again = await open();
  assert.deepEqual(again.holderOf(token), { name: 'ci', scope: 'operator' });
  assert.equal(again.holderOf(`${token}x`), null);
  assert.equal(await again.create('ci', 'viewer'), 'taken');
  assert.equal(await again.revoke('ci'), null);
  assert.equal(again.holderOf(token), null);
  assert.equal((await open()).holderOf(token), null);
  assert.equal(await again.revoke('ci'), 'absent');
});

test('the configured token is admin, and can neither be made nor revoked', async (t) => {
  const tokens = await kept(t).open();
  assert.equal(tokens.holderOf('undefined'), null);
  tokens.configure('a-token-as-written');
  assert.deepEqual(tokens.holderOf('a-token-as-written'), { name: 'default', scope: 'admin' });
  assert.equal(await tokens.create('default', 'admin'), 'taken');
  assert.equal(await tokens.revoke('default'), 'configured');
});

test('when a token was used is written a while later, once, and when the gateway ends', async (t) => {
  const { file, clock, open } = kept(t);
  const tokens = await open();
  const { token } = madeOf(await tokens.create('a', 'viewer'));
  const written = (): unknown =>
    (JSON.parse(readFileSync(file, 'utf8')) as { tokens: { lastUsed: unknown }[] }).tokens[0]!.lastUsed;
  clock.advance(5000);
  tokens.holderOf(token);
  assert.equal(written(), null);
  await tokens.close();
  assert.equal(written(), 6000);
});

test('there are no more tokens than the limit', async (t) => {
  const tokens = await kept(t).open();
  tokens.configure('a-token-as-written');
  for (let n = 0; n < MAX_TOKENS; n++) madeOf(await tokens.create(`t${n}`, 'viewer'));
  assert.equal(await tokens.create('more', 'viewer'), 'full');
});

test('a file that is not ours opens nothing and is not written over', async (t) => {
  for (const text of ['', '{', '{"version":2}', '{"version":1,"tokens":[{"name":"a","scope":"root"}]}']) {
    const { file, open, said } = kept(t);
    writeFileSync(file, text);
    const tokens = await open();
    assert.equal(await tokens.create('a', 'viewer'), 'unwritable');
    assert.equal(said[0]!.name, 'admin.tokens-unreadable');
    assert.equal(readFileSync(file, 'utf8'), text);
  }
});

test('A01: a session ends by itself, with its token, and by its own end; using it keeps it', () => {
  const clock = new ManualClock();
  const sessions = new Sessions(clock);
  const { cookie, session } = sessions.begin({ name: 'a', scope: 'viewer', account: null });
  clock.advance(SESSION_LIFE);
  assert.equal(sessions.find(cookie), session);
  clock.advance(SESSION_LIFE);
  assert.equal(sessions.find(cookie), session);
  clock.advance(SESSION_LIFE + 1);
  assert.equal(sessions.find(cookie), null);
  const [one, two] = ['a', 'b'].map(
    (name) => sessions.begin({ name, scope: 'viewer', account: null }).cookie,
  );
  sessions.endOf('a');
  assert.equal(sessions.find(one!), null);
  sessions.end(two!);
  assert.equal(sessions.find(two!), null);
  const first = sessions.begin({ name: 'a', scope: 'viewer', account: null }).cookie;
  for (let n = 0; n < MAX_SESSIONS; n++) sessions.begin({ name: 'b', scope: 'viewer', account: null });
  assert.equal(sessions.find(first), null);
  assert.equal(sessions.size, MAX_SESSIONS);
});

test('A05: wrong tokens cost ever longer waits, of that address alone, and are forgotten after a minute', () => {
  const clock = new ManualClock();
  const brake = new Brake(clock);
  for (let n = 0; n < MAX_FAILURES; n++) brake.failed('192.0.2.1');
  assert.equal(brake.wait('192.0.2.1'), 0);
  const waits = Array.from({ length: 100 }, () => {
    brake.failed('192.0.2.1');
    return brake.wait('192.0.2.1');
  });
  assert.deepEqual([waits[0], waits[10], waits[20], waits.at(-1)], [1, 2, 4, LONGEST_WAIT]);
  const looked = Array.from({ length: EXAMINED + 5 }, () => brake.examines('192.0.2.1'));
  assert.equal(looked.filter(Boolean).length, EXAMINED);
  assert.equal(brake.examines('192.0.2.2'), true);
  clock.advance(1000);
  assert.equal(brake.examines('192.0.2.1'), true);
  clock.advance(60_000);
  assert.equal(brake.wait('192.0.2.1'), 0);
  brake.failed('2001:db8::1');
  brake.failed('2001:db8:0:0:1:2:3:4');
  brake.failed('2001:db8:0:1::1');
  assert.equal(brake.failures('2001:db8::ffff'), 2);
  brake.failed('::ffff:192.0.2.9');
  assert.equal(brake.failures('192.0.2.9'), 1);
});

test('A05: passwords of an address that failed often are looked at once in each wait, right ones cost nothing', () => {
  const clock = new ManualClock();
  const brake = new Brake(clock);
  const guess = (): boolean => {
    if (!brake.admits('192.0.2.1')) return false;
    brake.failed('192.0.2.1');
    return true;
  };
  const guesses = (n: number): number => Array.from({ length: n }, guess).filter(Boolean).length;
  assert.equal(guesses(1000), MAX_FAILURES + 1, 'at once');
  assert.equal(brake.admits('192.0.2.2'), true);
  let looked = 0;
  for (let second = 0; second < 3600; second++) {
    clock.advance(1000);
    looked += guesses(10);
  }
  assert.ok(looked < 150, `${looked} in an hour`);
  clock.advance(61_000);
  for (let n = 0; n < 50; n++) {
    brake.failed('192.0.2.1');
    brake.forgive('192.0.2.1');
  }
  assert.equal(brake.admits('192.0.2.1'), true);
});

test('what a browser says of itself is read strictly', () => {
  assert.deepEqual(
    [
      'localhost:8025',
      '[::1]:1',
      'A.Test.',
      'x y',
      '',
      '[::1',
      'evil.test:80@127.0.0.1',
      '127.0.0.1:123456',
    ].map(hostIn),
    ['localhost', '::1', 'a.test', null, null, null, null, null],
  );
  const ours = new Set(['mx.test']);
  for (const host of ['localhost', '127.0.0.1:8025', '[::1]:8025', 'MX.test', '127.9.9.9'])
    assert.equal(isHostOfOurs(host, ours), true, host);
  for (const host of [undefined, '', 'evil.test', '127.0.0.1.evil.test', 'localhost.evil.test', '10.0.0.1'])
    assert.equal(isHostOfOurs(host, ours), false, host);
  const foreign = (origin?: string, site?: string, host = '127.0.0.1:8025') =>
    isForeign({ host, origin, site }, ours);
  assert.equal(foreign(), false);
  assert.equal(foreign('http://127.0.0.1:8025', 'same-origin'), false);
  assert.equal(foreign('https://mx.test'), false);
  for (const origin of [
    'null',
    'http://evil.test',
    'http://127.0.0.1:8026',
    'file:///x',
    'ftp://127.0.0.1:8025',
  ])
    assert.equal(foreign(origin), true, origin);
  for (const site of ['cross-site', 'same-site', 'anything']) assert.equal(foreign(undefined, site), true);
  assert.deepEqual(['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1', ''].map(isLoopback), [
    true,
    true,
    true,
    false,
    false,
  ]);
});

test('A12: JSON with a key twice, with __proto__, or nested deeply is refused with its place', () => {
  for (const good of [
    '{}',
    '[]',
    '{"a":{"a":1},"b":["a","a",{"a":"a:,{"}]}',
    '"__proto__"',
    '{"a":"__proto__"}',
    '{"constructor":1}',
  ])
    assert.equal(troubleIn(good), null, good);
  assert.match(troubleIn('{"a":1,"b":{"c":1,"c":2}}')!, /"c" is there twice, at 18/);
  assert.match(troubleIn('{"a":1,"\\u0061":2}')!, /twice/);
  assert.match(troubleIn('{"\\u005f_proto__":1}')!, /__proto__/);
  assert.match(troubleIn('['.repeat(100_000))!, /nested more than 64/);
  assert.equal(troubleIn('['.repeat(64) + ']'.repeat(64)), null);
});

test('A05: how long a token is compared tells nothing about how much of it is right', async (t) => {
  const tokens = await kept(t).open();
  const right = 'a-token-of-some-length-0123456789';
  tokens.configure(right);
  const guesses = ['x'.repeat(right.length), `${right.slice(0, -1)}x`, right.slice(0, 8), right];
  const times = guesses.map((): number[] => []);
  for (let n = 0; n < 10_000; n++)
    for (const [i, guess] of guesses.entries()) {
      const begin = performance.now();
      tokens.holderOf(guess);
      times[i]!.push(performance.now() - begin);
    }
  const medians = times.map((all) => all.toSorted((a, b) => a - b)[all.length / 2]!);
  assert.ok(Math.max(...medians) < 2 * Math.min(...medians) + 0.002, medians.join(' '));
});
