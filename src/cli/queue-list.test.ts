import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { bodyOf, byteStringOf, bytesOf, status } from '#message';
import { silent } from '#notices';
import { openLmdbSpool, type EntryMeta } from '#spool';
import { main } from './index.ts';
import { PAGE, printQueue } from './queue-list.ts';
import { queueLine, queueText, type QueueLine } from './queue-entries.ts';
import { Terminal } from './terminal.ts';

const entry = (id: string, more: Partial<EntryMeta> = {}): EntryMeta => ({
  id,
  state: 'queued',
  receivedAt: 0,
  sender: 'a@example.org',
  senderParams: [],
  recipients: [{ address: 'b@example.net', params: [], state: 'pending', attempts: 0, lastStatus: null }],
  origin: {
    listener: 'smtp',
    clientAddress: '',
    clientName: '',
    helo: '',
    user: '',
    localPort: 25,
    source: 'smtp',
  },
  size: 1234,
  due: 60_000,
  expiresAt: 86_400_000,
  attempts: 0,
  hold: null,
  lease: null,
  ...more,
});

/** A store of `entries` that remembers how it was asked. */
const storeOf = (entries: readonly EntryMeta[], asked: unknown[] = []) => ({
  list: (options: { after?: string; limit: number; state?: string }) => {
    asked.push(options);
    const found = entries.filter(
      (e) => e.id > (options.after ?? '') && (!options.state || e.state === options.state),
    );
    return Promise.resolve(found.slice(0, options.limit));
  },
});

function terminalInto(lines: string[]): Terminal {
  const stdout = new Writable({ write: (chunk, _, done) => (lines.push(String(chunk)), done()) });
  return new Terminal({ stdout, stderr: new Writable(), env: {}, cwd: '/' });
}

test('an entry for machines has every fact, text of strangers decoded', () => {
  const line = queueLine(
    entry('1A', {
      sender: byteStringOf('jürgen@example.org'),
      attempts: 2,
      recipients: [
        {
          address: 'b@example.net',
          params: [],
          state: 'delivered',
          attempts: 1,
          lastStatus: status(250, '2.0.0', 'ok'),
        },
        {
          address: 'c@example.net',
          params: [],
          state: 'pending',
          attempts: 2,
          lastStatus: status(451, '4.7.1', 'later\nplease'),
        },
      ],
    }),
  );
  assert.deepEqual(line, {
    id: '1A',
    state: 'queued',
    receivedAt: '1970-01-01T00:00:00.000Z',
    size: 1234,
    sender: 'jürgen@example.org',
    recipients: [
      { address: 'b@example.net', state: 'delivered', attempts: 1, lastError: '' },
      { address: 'c@example.net', state: 'pending', attempts: 2, lastError: '451 4.7.1 later / please' },
    ],
    attempts: 2,
    nextAttempt: '1970-01-01T00:01:00.000Z',
    expiresAt: '1970-01-02T00:00:00.000Z',
    lastError: '451 4.7.1 later / please',
    hold: null,
  } satisfies QueueLine);
  const held = queueLine(
    entry('1', { state: 'held', hold: { reason: 'spam', by: 'milter:x' }, receivedAt: NaN }),
  );
  assert.deepEqual([held.nextAttempt, held.hold], [null, { reason: 'spam', by: 'milter:x' }]);
});

test('a table row stays a row whatever strangers wrote', () => {
  const text = queueText(
    entry('1', {
      state: 'held',
      sender: 'a\r\nb\x1b[2J@x',
      hold: { reason: 'x\ny', by: 'milter:f' },
      recipients: [
        {
          address: 'c\nd@e',
          params: [],
          state: 'pending',
          attempts: 1,
          lastStatus: status(550, '', 'no\x07'),
        },
      ],
    }),
  );
  assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f]/);
  assert.deepEqual(text.split('\n').slice(1), ['    held by milter:f: x?y', '    c?d@e  (550 no?)']);
});

test('a long queue is read page by page, each entry once, in order', async () => {
  for (const count of [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE]) {
    const entries = Array.from({ length: count }, (_, i) => entry(String(i).padStart(6, '0')));
    const lines: string[] = [];
    const asked: unknown[] = [];
    await printQueue(storeOf(entries, asked), { json: true }, terminalInto(lines));
    assert.deepEqual(
      lines.map((l) => (JSON.parse(l) as QueueLine).id),
      entries.map((e) => e.id),
    );
    assert.ok(asked.length <= Math.floor(count / PAGE) + 1);
  }
});

test('the table has one heading; a state can be asked for', async () => {
  const entries = [entry('1'), entry('2', { state: 'held' }), entry('3')];
  const lines: string[] = [];
  await printQueue(storeOf(entries), { state: 'queued' }, terminalInto(lines));
  assert.deepEqual(
    lines.map((l) => l.split(' ')[0]),
    ['ID', '1', '3'],
  );
});

test('listing stops when nobody reads any more, and waits for a slow reader', async () => {
  const entries = Array.from({ length: 3 * PAGE }, (_, i) => entry(String(i).padStart(6, '0')));
  const asked: unknown[] = [];
  const broken = new Writable({
    write: (_c, _e, done) => done(Object.assign(new Error('EPIPE'), { code: 'EPIPE' })),
  });
  await printQueue(
    storeOf(entries, asked),
    { json: true },
    new Terminal({ stdout: broken, stderr: new Writable(), env: {}, cwd: '/' }),
  );
  assert.equal(asked.length, 1);
  let most = 0;
  const slow = new Writable({
    highWaterMark: 1000,
    write(_c, _e, done) {
      most = Math.max(most, this.writableLength);
      setImmediate(done);
    },
  });
  await printQueue(
    storeOf(entries),
    { json: true },
    new Terminal({ stdout: slow, stderr: new Writable(), env: {}, cwd: '/' }),
  );
  assert.ok(most < 3000, String(most));
});

test('the command lists what a real spool holds, while the gateway has it open and after it has gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-queue-'));
  writeFileSync(join(folder, 'millrace.yaml'), 'stateDir: ./state\n');
  const list = async (...args: string[]) => {
    const lines: string[] = [];
    const errors: string[] = [];
    const into = (all: string[]) =>
      new Writable({ write: (chunk, _, done) => (all.push(String(chunk)), done()) });
    const machine = { stdout: into(lines), stderr: into(errors), env: {}, cwd: folder };
    const code = await main(['queue', 'list', ...args], machine);
    assert.deepEqual([code, errors], [0, []]);
    return lines;
  };
  const spool = await openLmdbSpool({
    dir: join(folder, 'state/spool'),
    clock: new ManualClock(1),
    notices: silent,
  });
  try {
    for (const id of ['0B', '0A'])
      await spool.commit({ meta: entry(id), header: bytesOf('A: b\r\n'), body: bodyOf([]) });
    await spool.hold('0B', 'why not', 'me');
    const ids = (lines: string[]) => lines.map((l) => (JSON.parse(l) as QueueLine).id);
    assert.deepEqual(ids(await list('--json')), ['0A', '0B']);
    assert.deepEqual(ids(await list('--json', '--state', 'held', '-c', 'millrace.yaml')), ['0B']);
    assert.equal((await spool.list({ limit: 10 })).length, 2, 'the spool is still usable');
    await spool.close();
    const table = await list();
    assert.match(
      table.join(''),
      /^ID .*\n0A .*\n {4}b@example\.net\n0B .*\n {4}held by me: why not\n {4}b@example\.net\n$/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Runs the command in a folder that has a configuration; its exit code and what it wrote. */
async function listIn(folder: string): Promise<{ code: number; out: string; errors: string }> {
  const into = (all: string[]) =>
    new Writable({ write: (chunk, _, done) => (all.push(String(chunk)), done()) });
  const [out, errors]: [string[], string[]] = [[], []];
  const machine = { stdout: into(out), stderr: into(errors), env: {}, cwd: folder };
  const code = await main(['queue', 'list', '--json'], machine);
  return { code, out: out.join(''), errors: errors.join('') };
}

test('a spool that does not exist is an empty queue and is not made; one that cannot be read is an error', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-queue-'));
  try {
    writeFileSync(join(folder, 'millrace.yaml'), 'stateDir: ./state\n');
    assert.deepEqual(await listIn(folder), { code: 0, out: '', errors: '' });
    assert.deepEqual(readdirSync(folder), ['millrace.yaml']);
    mkdirSync(join(folder, 'state/spool/queue'), { recursive: true });
    writeFileSync(join(folder, 'state/spool/queue/data.mdb'), 'garbage');
    const { code, out, errors } = await listIn(folder);
    assert.deepEqual([code, out], [1, '']);
    assert.match(errors, /^error: spool: the data file is damaged; .* — .*spool — .*\n$/);
    rmSync(join(folder, 'state/spool'), { recursive: true });
    writeFileSync(join(folder, 'state/spool'), '');
    assert.match((await listIn(folder)).errors, /^error: spool: it is not a directory — /);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
