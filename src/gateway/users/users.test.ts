import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ManualClock } from '#clock';
import { passwordHashText, parsePasswordHash, type ScryptHash, type UserConfig } from '#gateway/config';
import type { NoticeFields } from '#notices';
import { Decoys } from './decoys.ts';
import { Failures } from './failures.ts';
import { KnownPasswords } from './known-passwords.ts';
import { parseUsers } from './users-file.ts';
import { Users } from './users.ts';

const SALT = Buffer.from('0123456789abcdef');
const PENCIL =
  '$scram-sha-256$i=4096$W22ZaJ0SNY7soEsUEjb6gQ$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY$wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU';

/** A cheap hash of a password. */
function cheap(password: string): ScryptHash {
  const hash = scryptSync(password, SALT, 32, { N: 16, r: 8, p: 1 });
  return { kind: 'scrypt', ln: 4, r: 8, p: 1, salt: SALT, hash };
}
const text = (password: string): string => passwordHashText(cheap(password));
const user = (name: string, hash: string, senders: UserConfig['senders'] = null): UserConfig => ({
  name,
  password: parsePasswordHash(hash)!,
  senders,
});

describe('users', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-users-'));
  const opened: Users[] = [];
  after(() => {
    for (const users of opened) users.close();
    rmSync(folder, { recursive: true });
  });

  function make(listed: readonly UserConfig[], usersFile = '') {
    const clock = new ManualClock();
    const said: [string, NoticeFields][] = [];
    const users = new Users(clock, (name, fields) => said.push([name, fields]));
    users.configure({ stateDir: folder, users: listed, usersFile });
    opened.push(users);
    const verify = (name: string, password: string) => {
      const { signal } = new AbortController();
      return users.verify({ name, password, client: '192.0.2.1', failures: 0, signal });
    };
    return { users, clock, said, verify };
  }

  test('passwords are right or wrong by either kind of hash, and nobody else exists', async () => {
    const { verify, said } = make([user('tim', text('tanstaaf')), user('user', PENCIL)]);
    assert.deepEqual(await verify('tim', 'tanstaaf'), { kind: 'right' });
    assert.deepEqual(await verify('tim', 'tanstaaf'), { kind: 'right' });
    assert.deepEqual(await verify('tim', 'pencil'), { kind: 'wrong', known: true });
    assert.deepEqual(await verify('user', 'pencil'), { kind: 'right' });
    assert.deepEqual(await verify('user', 'tanstaaf'), { kind: 'wrong', known: true });
    assert.deepEqual(await verify('Tim', 'tanstaaf'), { kind: 'wrong', known: false });
    assert.deepEqual(said, []);
  });

  test('a password is its bytes: UTF-8 as the client sent it', async () => {
    const { verify } = make([user('tim', text('p\u00e4ss'))]);
    assert.deepEqual(await verify('tim', Buffer.from('p\u00e4ss', 'utf8').toString('latin1')), {
      kind: 'right',
    });
    assert.deepEqual(await verify('tim', 'p\u00e4ss'), { kind: 'wrong', known: true });
  });

  test('SCRAM is offered only when somebody has credentials for it', async () => {
    assert.deepEqual(make([user('tim', text('x'))]).users.mechanisms(), ['PLAIN', 'LOGIN']);
    const { users } = make([user('tim', `${text('x')} ${PENCIL}`)]);
    assert.deepEqual(users.mechanisms(), ['SCRAM-SHA-256', 'PLAIN', 'LOGIN']);
    const found = await users.scram('tim');
    assert.ok(found.known && found.iterations === 4096);
    const nobody = await users.scram('tom');
    assert.deepEqual([nobody.known, nobody.iterations, nobody.salt.length], [false, 4096, 16]);
    assert.deepEqual(await users.scram('tom'), nobody);
    assert.notDeepEqual((await users.scram('tam')).salt, nobody.salt);
  });

  test('made-up salts are the same after a restart, from a file that nobody else may read', async () => {
    const before = await make([user('tim', PENCIL)]).users.scram('tom');
    assert.deepEqual(await make([user('tim', PENCIL)]).users.scram('tom'), before);
    assert.equal(statSync(join(folder, 'decoy.key')).mode & 0o777, 0o600);
    assert.equal(readFileSync(join(folder, 'decoy.key')).length, 32);
  });

  test('senders are those of the user; who is gone may send as nobody', () => {
    const { users } = make([user('a', text('x')), user('b', text('x'), ['@in.test'])]);
    assert.equal(users.sendersOf('a'), null);
    assert.deepEqual(users.sendersOf('b'), ['@in.test']);
    assert.deepEqual(users.sendersOf('c'), []);
  });

  test('the users file is read again when it changes; a bad one changes nothing; the configuration goes first', async () => {
    const file = join(folder, 'users');
    writeFileSync(file, `# accounts\n\ntim:${text('one')}:Tim@In.test,@out.test\nx y\nann:${text('x')}\n`);
    const { users, clock, said, verify } = make([user('ann', text('listed'))], file);
    assert.deepEqual(said, [
      ['gateway.users-line', { file, line: 4, reason: 'what follows the name is no password hash' }],
      ['gateway.users-read', { file, users: 2, badLines: 1 }],
    ]);
    assert.deepEqual(await verify('tim', 'one'), { kind: 'right' });
    assert.deepEqual(await verify('ann', 'listed'), { kind: 'right' });
    assert.deepEqual(users.sendersOf('tim'), ['tim@in.test', '@out.test']);

    writeFileSync(file, `tim:${text('two, longer')}\n`);
    clock.advance(1000);
    assert.deepEqual(await verify('tim', 'one'), { kind: 'wrong', known: true });
    assert.deepEqual(await verify('tim', 'two, longer'), { kind: 'right' });

    for (const [spoil, reason] of [
      [() => writeFileSync(file, 'nonsense\n'), 'no line of it can be used'],
      [() => unlinkSync(file), 'it cannot be read (ENOENT)'],
    ] as const) {
      spoil();
      clock.advance(1000);
      assert.deepEqual(await verify('tim', 'two, longer'), { kind: 'right' });
      assert.deepEqual(said.at(-1), ['gateway.users-refused', { file, reason }]);
    }
    clock.advance(1000);
    await verify('tim', 'x');
    assert.equal(said.filter(([, { reason }]) => reason === 'it cannot be read (ENOENT)').length, 1);
    writeFileSync(file, `tim:${text('three')}\n`);
    clock.advance(1000);
    assert.deepEqual(await verify('tim', 'three'), { kind: 'right' });
    users.configure({ stateDir: folder, users: [], usersFile: '' });
    assert.deepEqual(await verify('tim', 'three'), { kind: 'wrong', known: false });
  });
});

test('each line of a users file that cannot be used is said with its reason', () => {
  const hash = text('x');
  const { users, bad } = parseUsers(
    [
      `a:${hash}\r`,
      `a:${hash}`,
      ':x',
      'b:secret',
      `c:${hash}:x`,
      `d:${hash}:@in.test:more`,
      `e:${hash}:`,
      ` f:${hash}`,
      `g:${hash} ${PENCIL}: @in.test , h@out.test`,
    ].join('\n'),
  );
  assert.deepEqual(
    users.map(({ name, senders }) => [name, senders]),
    [
      ['a', null],
      ['e', null],
      ['g', ['@in.test', 'h@out.test']],
    ],
  );
  assert.deepEqual(
    bad.map(({ line }) => line),
    [2, 3, 4, 5, 6, 8],
  );
  assert.ok(!JSON.stringify(bad).includes('secret'));
});

test('failures are remembered per address or /64, for ten minutes, of ten thousand addresses', () => {
  const clock = new ManualClock();
  const failures = new Failures(clock);
  assert.deepEqual(
    [failures.add('192.0.2.1'), failures.add('192.0.2.1'), failures.add('192.0.2.2')],
    [1, 2, 1],
  );
  assert.deepEqual([failures.add(''), failures.add('')], [0, 0]);
  assert.deepEqual([failures.add('2001:db8::1'), failures.add('2001:db8::2:1')], [1, 2]);
  assert.equal(failures.of('2001:db8:0:1::1'), 0);
  clock.advance(599_999);
  assert.equal(failures.of('192.0.2.1'), 2);
  clock.advance(1);
  assert.equal(failures.of('192.0.2.1'), 0);
  for (let i = 0; i < 10_001; i++) failures.add(`10.0.${i >> 8}.${i & 255}`);
  assert.equal(failures.size, 10_000);
  assert.deepEqual([failures.of('10.0.0.0'), failures.of('10.0.0.1')], [0, 1]);
});

test('a right password is remembered for its hash alone, five minutes, a thousand of them', () => {
  const clock = new ManualClock();
  const known = new KnownPasswords(clock);
  const { hash } = cheap('x');
  known.add('tim', hash, 'x');
  assert.equal(known.has('tim', hash, 'x'), true);
  for (const [name, h, password] of [
    ['tom', hash, 'x'],
    ['tim', cheap('y').hash, 'x'],
    ['tim', hash, 'y'],
  ] as const)
    assert.equal(known.has(name, h, password), false);
  clock.advance(300_000);
  assert.equal(known.has('tim', hash, 'x'), false);
  for (let i = 0; i < 1001; i++) known.add(`u${i}`, hash, 'x');
  assert.deepEqual([known.has('u0', hash, 'x'), known.has('u1', hash, 'x')], [false, true]);
});

test('a stand-in costs what some real user costs', () => {
  const one = parsePasswordHash(text('x'))!;
  const other = parsePasswordHash(PENCIL)!;
  const decoys = new Decoys([one, other], SALT);
  const kinds = new Set(Array.from({ length: 40 }, (_, i) => decoys.hash(`u${i}`).kind));
  assert.deepEqual([...kinds].toSorted(), ['scram-sha-256', 'scrypt']);
  const { salt, hash, ...cost } = new Decoys([one], SALT).hash('tom') as ScryptHash;
  assert.deepEqual([cost, salt.length, hash.length], [{ kind: 'scrypt', ln: 4, r: 8, p: 1 }, 16, 32]);
  assert.deepEqual((new Decoys([], SALT).hash('tom') as ScryptHash).ln, 15);
});
