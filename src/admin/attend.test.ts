import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createConnection, createServer } from 'node:net';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '#clock';
import { Suspensions } from '#delivery';
import { makeDesk, Metrics, Settings, Trail } from '#gateway';
import { loadConfig } from '#gateway/config';
import type { NoticeFields, NoticeName } from '#notices';
import { makeQueueId, MemorySpool } from '#spool';
import { attend } from './attend.ts';
import { tokenOf } from './token.ts';
import { listedAccounts } from './accounts.cases.ts';
import { idleMilters } from './milters.cases.ts';

/** The doors of a configuration, opened in a folder of their own. */
async function open(
  t: TestContext,
  admin: object | undefined,
  prepare: (folder: string) => void = () => undefined,
) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-admin-'));
  prepare(folder);
  const text = JSON.stringify({ stateDir: folder, ...(admin && { admin }) });
  const loaded = loadConfig({ text, name: 'test', base: folder });
  assert.ok(loaded.ok);
  const { config } = loaded;
  const said: { name: NoticeName; fields: NoticeFields }[] = [];
  const notices = (name: NoticeName, fields: NoticeFields): void => void said.push({ name, fields });
  const clock = new ManualClock(1);
  const desk = makeDesk({
    spool: new MemorySpool(),
    suspensions: new Suspensions({ clock, notices, file: '' }),
    trail: new Trail({ clock, notices, file: '' }),
    config: () => config,
    filters: () => assert.fail('no filter is asked here'),
    newId: makeQueueId(clock),
    wake: () => undefined,
    forgive: () => undefined,
    clock,
    notices,
  });
  const settings = new Settings({ home: null, config: () => config, clock, notices });
  const metrics = new Metrics({ clock, notices });
  const ready = () => Promise.resolve({ ready: true, reasons: [] });
  const milters = idleMilters(clock, notices);
  const office = { desk, milters, settings, accounts: listedAccounts(), journal: null, metrics, ready };
  const attendance = await attend(office, config, { clock, notices });
  t.after(async () => {
    await attendance.close();
    rmSync(folder, { recursive: true });
  });
  const listening = said.filter((n) => n.name === 'admin.listening').map((n) => String(n.fields['address']));
  return { folder, socket: join(folder, 'control.sock'), said, listening, attendance };
}

/** Status of a GET over a socket or a port. */
function get(at: string | number, path: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const where = typeof at === 'string' ? { socketPath: at } : { port: at, host: '127.0.0.1' };
    const made = request({ ...where, path, headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    made.once('error', reject);
    made.end();
  });
}

const portOf = (address: string | undefined): number => Number(address!.split(':').at(-1));

test('without admin there is the control socket alone, for its owner alone', async (t) => {
  const { socket, listening, attendance } = await open(t, undefined);
  assert.deepEqual(listening, [`unix:${socket}`]);
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  assert.equal(await get(socket, '/api/v1/queue'), 200);
  await attendance.close();
  assert.equal(existsSync(socket), false);
});

test('a socket left behind is replaced, one that answers and any other file are left alone', async (t) => {
  const left = await open(t, undefined, (folder) => {
    const path = join(folder, 'control.sock');
    const child = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', child]);
    assert.ok(existsSync(path));
  });
  assert.equal(await get(left.socket, '/healthz'), 200);
  const server = createServer();
  const taken = await open(t, undefined, (folder) => void server.listen(join(folder, 'control.sock')));
  server.close();
  assert.deepEqual(taken.listening, []);
  assert.equal(taken.said[0]!.name, 'admin.not-listening');
  const file = await open(t, undefined, (folder) => writeFileSync(join(folder, 'control.sock'), 'mine'));
  assert.deepEqual(file.listening, []);
  assert.equal(readFileSync(file.socket, 'utf8'), 'mine');
});

test('A02: without a token one is made, in a file of our own, and nothing opens without it', async (t) => {
  const { folder, listening, said } = await open(t, { bind: '127.0.0.1:0' });
  const file = join(folder, 'admin.token');
  const token = readFileSync(file, 'latin1').trim();
  assert.match(token, /^[\w-]{43}$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const port = portOf(listening[1]);
  assert.equal(await get(port, '/api/v1/queue'), 401);
  assert.equal(await get(port, '/api/v1/queue', { authorization: `Bearer ${token}` }), 200);
  assert.equal(await get(port, '/healthz'), 200);
  assert.ok(!JSON.stringify(said).includes(token));
});

test('a token file is read; one that holds none keeps the door closed, and the others open', async (t) => {
  const write = (text: string) => (folder: string) => writeFileSync(join(folder, 'token'), text);
  const good = await open(t, { bind: '127.0.0.1:0', token: { file: 'token' } }, write('0123456789abcdef\n'));
  const authorization = 'Bearer 0123456789abcdef';
  assert.equal(await get(portOf(good.listening[1]), '/api/v1/queue', { authorization }), 200);
  for (const bad of ['', 'short', 'with blanks in it and long enough']) {
    const { listening, said } = await open(t, { bind: '127.0.0.1:0', token: { file: 'token' } }, write(bad));
    assert.equal(listening.length, 1);
    assert.match(String(said.at(-1)!.fields['error']), /holds no token/);
  }
});

test('two makers of one token file agree on one token', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-token-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'deeper', 'token');
  const first = await tokenOf({ file }, () => undefined);
  assert.equal(await tokenOf({ file }, () => assert.fail('it is there')), first);
  chmodSync(file, 0o600);
  assert.equal(await tokenOf({ text: 'as it stands here' }, () => undefined), 'as it stands here');
});

test('A13: half a request, random bytes and a header without end are cut off; others are served meanwhile', async (t) => {
  const { socket } = await open(t, undefined);
  const half = createConnection(socket);
  half.write('GET /api/v1/queue HTTP/1.1\r\nHost: x\r\n');
  const noise = createConnection(socket);
  noise.write(Buffer.from('\x00\xff\x16\x03\x01 nonsense\r\n\r\n', 'latin1'));
  const large = createConnection(socket);
  large.on('error', () => undefined);
  large.write(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`);
  const first = (s: typeof half): Promise<string> =>
    new Promise((resolve) => s.once('data', (d) => resolve(String(d))));
  assert.match(await first(noise), /^HTTP\/1\.1 400/);
  assert.match(await first(large), /^HTTP\/1\.1 431/);
  assert.equal(await get(socket, '/healthz'), 200);
  half.destroy();
});
