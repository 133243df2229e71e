import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, test } from 'node:test';
import { main, type Machine } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'good.yaml'), 'stateDir: ./state\n');
writeFileSync(join(folder, 'bad.yaml'), 'hostname: a\nhostnam: b\n');
writeFileSync(join(folder, 'warns.yaml'), 'milters: [{hostname: localhost, flagsAction: 512}]\n');

/** Runs a command and catches what it writes. */
async function run(args: string[], more: Partial<Machine> = {}) {
  let out = '';
  let err = '';
  const stdout = new Writable({ write: (chunk, _, done) => ((out += String(chunk)), done()) });
  const stderr = new Writable({ write: (chunk, _, done) => ((err += String(chunk)), done()) });
  const code = await main(args, { stdout, stderr, env: {}, cwd: folder, ...more });
  return { code, out, err };
}

test('version is printed for people and for machines', async () => {
  const { code, out, err } = await run(['version']);
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^millrace \d+\.\d+\.\d+\S*\n$/);
  const json = JSON.parse((await run(['version', '--json'])).out) as Record<string, string>;
  assert.equal(`millrace ${json['version']}\n`, out);
  assert.equal(json['node'], process.versions.node);
});

test('help that was asked for is a result; wrong usage is exit code 2 and one line of error', async () => {
  const help = await run(['--help']);
  assert.deepEqual([help.code, help.err], [0, '']);
  for (const word of ['serve', 'config', 'queue', 'version'])
    assert.match(help.out, new RegExp(`\\b${word}\\b`));
  const wrong: [string[], RegExp][] = [
    [['frobnicate'], /^error: unknown command 'frobnicate' — command line — .+\n$/],
    [['sevre'], /^error: .* — Did you mean serve\?\n$/],
    [['version', '--jsn'], /^error: unknown option '--jsn' — command line — Did you mean --json\?\n$/],
    [['serve', '-c'], /^error: .*argument missing.*\n$/],
    [['queue', 'list', '--state', 'gone'], /^error: .*queued.*leased.*held.*\n$/],
    [['config', 'check', 'a', 'b'], /^error: .*too many arguments.*\n$/i],
  ];
  for (const [args, message] of wrong) {
    const { code, out, err } = await run(args);
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.match(err, message);
  }
  const bare = await run([]);
  assert.deepEqual([bare.code, bare.out], [2, '']);
  assert.match(bare.err, /Usage: millrace/);
});

test('config check says ok, or every finding with its place and exit code 3', async () => {
  assert.deepEqual(await run(['config', 'check', 'good.yaml']), { code: 0, out: 'good.yaml: ok\n', err: '' });
  assert.deepEqual(await run(['config', 'check', 'bad.yaml']), {
    code: 3,
    out: 'bad.yaml:2:1: hostnam: there is no key "hostnam" here — did you mean hostname?\n',
    err: '',
  });
  const { code, out } = await run(['config', 'check', '--json', join(folder, 'bad.yaml')]);
  assert.equal(code, 3);
  assert.deepEqual(JSON.parse(out), {
    severity: 'error',
    file: join(folder, 'bad.yaml'),
    path: 'hostnam',
    line: 2,
    column: 1,
    code: 'unknown-key',
    message: 'there is no key "hostnam" here',
    remedy: 'did you mean hostname?',
  });
  const warns = await run(['config', 'check', 'warns.yaml']);
  assert.equal(warns.code, 0);
  assert.match(warns.out, /^warns\.yaml:1:\d+: warning: .*\nwarns\.yaml: ok\n$/);
  assert.equal((await run(['config', 'check', '--json', 'good.yaml'])).out, '');
});

test('without a name the usual file is meant; when it is not there, that is said', async () => {
  const none = await run(['config', 'check']);
  assert.equal(none.code, 3);
  assert.equal(none.out, 'millrace.yaml:1:1: there is no such file — create it, or name another with -c\n');
});

test('serve and queue list refuse a broken configuration with exit code 3, on stderr', async () => {
  for (const args of [
    ['serve', '-c', 'bad.yaml'],
    ['queue', 'list', '-c', 'bad.yaml'],
  ]) {
    const { code, out, err } = await run(args);
    assert.deepEqual([code, out], [3, '']);
    assert.match(
      err,
      /^bad\.yaml:2:1: hostnam: .*\nerror: the configuration has 1 error — bad\.yaml — .*\n$/,
    );
  }
});

test('a queue that never was is empty, and stays uncreated; a memory spool cannot be seen', async () => {
  assert.deepEqual(await run(['queue', 'list', '--json', '-c', 'good.yaml']), { code: 0, out: '', err: '' });
  assert.deepEqual(await run(['queue', 'list']), { code: 0, out: '', err: '' });
  assert.throws(() => mkdirSync(join(folder, 'state', 'spool')), { code: 'ENOENT' });
  writeFileSync(join(folder, 'memory.yaml'), 'spool: {engine: memory}\n');
  const memory = await run(['queue', 'list', '-c', 'memory.yaml']);
  assert.equal(memory.code, 5);
  assert.match(memory.err, /^error: a spool in memory is gone with its gateway, and none runs — .* — .*\n$/);
});

test('colour is for terminals that want it', async () => {
  const terminal = (env: Record<string, string>) => {
    let err = '';
    const stderr = Object.assign(
      new Writable({ write: (chunk, _, done) => ((err += String(chunk)), done()) }),
      { isTTY: true },
    );
    return run(['nonsense'], { stderr, env }).then(() => err);
  };
  assert.ok((await terminal({ TERM: 'xterm' })).startsWith('\x1b[31merror:'));
  assert.ok((await terminal({ NO_COLOR: '1' })).startsWith('error:'));
  assert.ok((await terminal({ TERM: 'dumb' })).startsWith('error:'));
});

test('a closed pipe ends quietly', async () => {
  const stdout = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  });
  const { code, err } = await run(['config', 'check', 'bad.yaml'], { stdout });
  assert.deepEqual([code, err], [3, '']);
});
