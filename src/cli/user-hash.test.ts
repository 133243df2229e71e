import assert from 'node:assert/strict';
import { pbkdf2Sync, scryptSync, createHash, createHmac } from 'node:crypto';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { parsePasswordHash } from '#gateway/config';
import { main } from './index.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly raw: readonly boolean[];
}

/** Runs the command with this on standard input, which may be a terminal. */
async function run(args: string[], chunks: readonly string[], terminal = false): Promise<Ran> {
  let [out, err] = ['', ''];
  const raw: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), {
    isTTY: terminal,
    setRawMode: (on: boolean) => raw.push(on),
  });
  for (const chunk of chunks) stdin.write(Buffer.from(chunk, 'utf8'));
  if (!terminal) stdin.end();
  const stdout = new Writable({ write: (chunk, _, done) => ((out += String(chunk)), done()) });
  const stderr = new Writable({ write: (chunk, _, done) => ((err += String(chunk)), done()) });
  const code = await main(['user', 'hash', ...args], { stdin, stdout, stderr, env: {}, cwd: '/' });
  return { code, out, err, raw };
}

/** Whether the printed hash is that of the password. */
function isOf(out: string, password: string): boolean {
  const { scrypt, scram } = parsePasswordHash(out.trim())!;
  if (scrypt) {
    const { ln, r, p, salt, hash } = scrypt;
    return scryptSync(password, salt, hash.length, { N: 2 ** ln, r, p, maxmem: 2 ** 27 }).equals(hash);
  }
  const salted = pbkdf2Sync(password, scram!.salt, scram!.iterations, 32, 'sha256');
  const mac = (use: string): Buffer => createHmac('sha256', salted).update(use).digest();
  const stored = createHash('sha256').update(mac('Client Key')).digest();
  return stored.equals(scram!.storedKey) && mac('Server Key').equals(scram!.serverKey);
}

test('the first line of a pipe becomes a hash, of either kind', async () => {
  for (const [args, chunks] of [
    [[], ['p\u00e4', 'ss\r\nmore\n']],
    [['--scram'], ['p\u00e4ss']],
  ] as const) {
    const { code, out, err } = await run([...args], chunks);
    assert.deepEqual([code, err], [0, '']);
    assert.ok(isOf(out, 'p\u00e4ss'), out);
    assert.equal(out.startsWith(args.length ? '$scram-sha-256$' : '$scrypt$ln=15,r=8,p=1$'), true);
  }
});

test('with a name it is a line of the users file; two hashes of one password differ', async () => {
  const [a, b] = [await run(['tim@in.test'], ['x\n']), await run(['tim@in.test'], ['x\n'])];
  assert.ok(a.out.startsWith('tim@in.test:$scrypt$'));
  assert.ok(isOf(a.out.slice('tim@in.test:'.length), 'x'));
  assert.notEqual(a.out, b.out);
});

test('on a terminal nothing is echoed, and keys that correct do so', async () => {
  const { code, out, err, raw } = await run([], ['wrong\x15p\u00e4', 'x\x7f\u00e9\x7fss\r'], true);
  assert.equal(code, 0);
  assert.ok(isOf(out, 'p\u00e4ss'), out);
  assert.equal(err, 'Password: \n');
  assert.deepEqual(raw, [true, false]);
  const broken = await run([], ['secret\x03'], true);
  assert.deepEqual([broken.code, broken.out, broken.raw], [1, '', [true, false]]);
});

test('no password, one that is too long, one with a NUL, and a bad name are refused', async () => {
  for (const chunks of [[], ['\n'], ['x'.repeat(4097)], ['a\0b\n']])
    assert.match((await run([], chunks)).err, /^error: no password — standard input — /);
  assert.equal((await run([], ['x'.repeat(4096) + '\n'])).code, 0);
  const { code, err } = await run(['a:b'], ['x\n']);
  assert.equal(code, 2);
  assert.match(err, /^error: not a user name — /);
});
