import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { bodyOf, byteStringOf, bytesOf, status } from '#message';
import { silent } from '#notices';
import { openLmdbSpool, queueLine, type EntryMeta, type QueueLine } from '#spool';
import { main } from '../index.ts';
import { Terminal } from '../terminal.ts';
import { entryText, postqueueLine, queueText, resultText } from './entries.ts';
import { printQueue } from './read.ts';

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

/** An end with `entries`, some at a time; counts the pages it was asked for. */
const endOf = (entries: readonly EntryMeta[], asked: { pages: number } = { pages: 0 }) => ({
  async *list() {
    for (let at = 0; at < entries.length; at += 100) {
      asked.pages++;
      yield entries.slice(at, at + 100).map(queueLine);
    }
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
  const hold = { reason: 'spam', by: 'x' };
  const since = '1970-01-01T00:00:00.000Z';
  const held = queueLine(entry('1', { state: 'held', hold, receivedAt: NaN }));
  assert.deepEqual([held.nextAttempt, held.hold], [null, { ...hold, since }]);
  const later = queueLine(entry('1', { state: 'held', hold: { ...hold, since: 1000 } }));
  assert.equal(later.hold!.since, '1970-01-01T00:00:01.000Z');
});

test('a table row stays a row whatever strangers wrote', () => {
  const line = queueLine(
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
  for (const text of [queueText(line), entryText(line)])
    assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f]/);
  assert.deepEqual(queueText(line).split('\n').slice(1), [
    '    held by milter:f: x?y',
    '    c?d@e  (550 no?)',
  ]);
  assert.equal(
    resultText({ id: 'A', result: 'refused', detail: 'no\x1b[2J', as: 'B' }),
    'A                 refused: goes on as B, no?[2J',
  );
});

test('as postqueue -j it has the fields of Postfix and no other', () => {
  const recipients = [
    { address: 'b@example.net', params: [], state: 'delivered', attempts: 1, lastStatus: null },
    { address: 'c@example.net', params: [], state: 'pending', attempts: 0, lastStatus: null },
    { address: 'd@x', params: [], state: 'pending', attempts: 2, lastStatus: status(451, '4.7.1', 'no') },
  ] as const;
  const waiting = queueLine(entry('1A', { attempts: 2, receivedAt: 61_999, sender: '', recipients }));
  assert.deepEqual(postqueueLine(waiting), {
    queue_name: 'deferred',
    queue_id: '1A',
    arrival_time: 61,
    message_size: 1234,
    forced_expire: false,
    sender: 'MAILER-DAEMON',
    recipients: [{ address: 'c@example.net' }, { address: 'd@x', delay_reason: '451 4.7.1 no' }],
  });
  const hold = { reason: 'r', by: 'b' };
  const lease = { owner: 'w', token: 't', until: 9 };
  const names = [entry('1'), entry('2', { state: 'held', hold }), entry('3', { state: 'leased', lease })];
  assert.deepEqual(
    names.map((e) => postqueueLine(queueLine(e)).queue_name),
    ['incoming', 'hold', 'active'],
  );
});

test('the table has one heading, other formats have none', async () => {
  const entries = Array.from({ length: 250 }, (_, i) => entry(String(i).padStart(6, '0')));
  for (const [format, more] of [
    ['table', 1],
    ['json', 0],
    ['postqueue', 0],
  ] as const) {
    const lines: string[] = [];
    await printQueue(endOf(entries), [], format, terminalInto(lines));
    assert.equal(lines.length, 250 + more);
    assert.equal(/^ID /.test(lines[0]!), more === 1);
  }
});

test('listing stops when nobody reads any more, and waits for a slow reader', async () => {
  const entries = Array.from({ length: 500 }, (_, i) => entry(String(i).padStart(6, '0')));
  const asked = { pages: 0 };
  const broken = new Writable({
    write: (_c, _e, done) => done(Object.assign(new Error('EPIPE'), { code: 'EPIPE' })),
  });
  const into = (stdout: Writable) => new Terminal({ stdout, stderr: new Writable(), env: {}, cwd: '/' });
  await printQueue(endOf(entries, asked), [], 'json', into(broken));
  assert.equal(asked.pages, 1);
  let most = 0;
  const slow = new Writable({
    highWaterMark: 1000,
    write(_c, _e, done) {
      most = Math.max(most, this.writableLength);
      setImmediate(done);
    },
  });
  await printQueue(endOf(entries), [], 'json', into(slow));
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
