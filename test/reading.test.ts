/**
 * What operators read of a running gateway: the history and conversations over the API and on the command line, live and afterwards,
 * copies to take away, held mail; and that reading leaves no trace of its own.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import type { ConversationLine, HistoryRow, PacketRow } from '#journal';
import { defineMilter, quarantine, reject, serve } from '#milter/filter';
import { Cleanup } from './support/folders.ts';
import { gatewayCommand } from './support/gateway.ts';
import { json, millrace, relaying, TAKES } from './support/operator.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const marker = defineMilter({
  name: 'marker',
  needs: ['addHeaders', 'changeHeaders', 'replaceBody'],
  onMessage(_s, _e, m) {
    m.headers.prepend('X-Marked', 'yes');
    m.headers.set('Subject', `[seen] ${m.headers.get('Subject')}`);
    m.replaceBody('first\r\nother\r\nthird\r\n');
  },
});
const judge = defineMilter({
  name: 'judge',
  needs: ['quarantine'],
  onRcpt: (_s, to) => (to.address.startsWith('nobody@') ? reject(550, '5.1.1', 'nobody here') : undefined),
  onMessage: (_s, _e, m) =>
    (m.headers.get('Subject') ?? '').includes('odd') ? quarantine('looks \x1b[31modd') : undefined,
});

/** A gateway with a journal and two filters that delivers at once. */
async function scene(cleanup: Cleanup) {
  const milters = [];
  for (const filter of [marker, judge]) {
    const serving = await serve(filter, { listen: 'inet:0@127.0.0.1', signals: [], log: () => undefined });
    cleanup.after(() => serving.close(100));
    const port = Number(/^inet:(\d+)@/.exec(serving.addresses[0]!)![1]);
    milters.push({
      name: filter.name,
      hostname: '127.0.0.1',
      port,
      stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'],
    });
  }
  const at = await relaying(cleanup, { journal: true, milters });
  at.hop.answer = TAKES;
  const socket = join(at.folder, 'state/control.sock');
  const get = async <T>(path: string): Promise<T> => {
    const answer = await asked(socket, path);
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    assert.equal(answer.statusCode, 200, text);
    return JSON.parse(text) as T;
  };
  const rows = async (query = ''): Promise<readonly HistoryRow[]> =>
    (await get<{ rows: HistoryRow[] }>(`/api/v1/history?${query}`)).rows;
  return { ...at, socket, get, rows, cli: (...args: string[]) => millrace(at.folder, ...args) };
}

function asked(
  socketPath: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const made = request({ socketPath, path, headers, agent: false }, resolve);
    made.once('error', reject);
    made.end();
  });
}

const CONTENT = 'Subject: one\r\nFrom: a@out.test\r\n\r\nfirst\r\nsecond\r\nthird\r\n';

async function sendOne(
  port: number,
  to: readonly string[] = ['b@in.test'],
  content = CONTENT,
): Promise<void> {
  const session = await SmtpSession.greeted(port);
  await session.transaction('a@out.test', to, content);
  await session.quit();
}

test('a message is read afterwards: its row, what was changed, its packets, its copies', async (t) => {
  const cleanup = new Cleanup(t);
  const s = await scene(cleanup);
  await sendOne(s.port);
  const row = await until('the delivery to be told', 10_000, async () => {
    const [found] = await s.rows();
    return found?.delivery.some((d) => d.state === 'delivered') && found;
  });
  assert.deepEqual(
    [row.outcome, row.from, row.to, row.changed, row.filters.map((f) => f.name)],
    ['accepted', 'a@out.test', ['b@in.test'], true, ['marker', 'judge']],
  );

  await t.test('history list and show', async () => {
    const list = await s.cli('history', 'list', '--json');
    assert.deepEqual(
      json<HistoryRow>(list.out).map((r) => r.id),
      [row.id],
    );
    assert.equal(
      (await s.cli('history', 'list', '--where', 'milter=judge', '--where', 'rcpt=*@in.test')).out.length,
      3,
    );
    assert.deepEqual((await s.cli('history', 'list', '--where', 'from=x@y.test')).out, []);
    assert.equal((await s.cli('history', 'list', '--where', 'form=x')).code, 2);
    assert.equal((await s.cli('history', 'list', '--where', 'x')).code, 2);
    const show = await s.cli('history', 'show', row.id);
    assert.ok(
      show.out.some((l) => /^filter: +marker: continue/.test(l) || /^filter: +marker: accept/.test(l)),
      show.out.join('\n'),
    );
    assert.ok(
      show.out.some((l) => /^delivery: +b@in\.test delivered/.test(l)),
      show.out.join('\n'),
    );
    for (const id of ['nothing', '../x', '', 'x'.repeat(65)])
      assert.equal((await s.cli('history', 'show', id)).code, 4, id);
  });

  await t.test('history show --diff: fields, places, lines, who did it', async () => {
    const { out, code } = await s.cli('history', 'show', row.id, '--diff');
    assert.equal(code, 0);
    const text = out.join('\n');
    assert.match(text, /^=== marker$/m);
    assert.match(text, /^\+\[\d\] X-Marked: yes .*\(marker\)$/m);
    assert.match(text, /^-\[\d\] Subject: one$/m);
    assert.match(text, /^\+\[\d\] Subject: \[seen\] one +\(marker\)$/m);
    assert.match(text, /^ first\n-second\n\+other\n third$/m);
    assert.doesNotMatch(text, /\x1b/, 'no colour into a pipe');
  });

  await t.test('trace list, show and export', async () => {
    const list = json<ConversationLine>((await s.cli('trace', 'list', '--json')).out);
    const parts = list.filter((l) => l.session === row.session).map((l) => l.part);
    assert.deepEqual(
      parts.toSorted((a, b) => a - b),
      [0, 1],
    );
    assert.equal((await s.cli('trace', 'list', '--milter', 'nobody', '--json')).out.length, 0);
    assert.ok((await s.cli('trace', 'list', '--ip', '127.0.0.0/8', '--json')).out.length > 0);
    for (const id of [row.session, row.id]) {
      const shown = await s.cli('trace', 'show', id, '--packets');
      const text = shown.out.join('\n');
      assert.match(text, /client +<- +RCPT TO:<b@in\.test>/, id);
      assert.match(text, /judge +-> +SMFIC_RCPT/);
      assert.match(text, /marker +<- +SMFIR_(REPLBODY|CHGHEADER|INSHEADER)/);
      assert.match(text, /client +-> +250 /);
    }
    assert.match(
      (await s.cli('trace', 'show', row.id, '--hex')).out.join('\n'),
      /\b[0-9a-f]{6} {2}([0-9a-f]{2} ){3}/,
    );
    assert.equal((await s.cli('trace', 'show', 'nothing')).code, 4);
    const capture = await exported(s.folder, row.session, 'pcapng');
    assert.equal(capture.readUInt32LE(0), 0x0a0d0d0a);
    assert.ok(capture.includes('RCPT TO:<b@in.test>\r\n'));
    const script = (await exported(s.folder, row.id, 'test')).toString();
    assert.match(script, /drive\(filter\)/);
    const bytes = /\[\n([^\]]*)\n {4}\]/.exec(script)![1]!.replace(/[^A-Za-z0-9+/=]/g, '');
    assert.ok(Buffer.from(bytes, 'base64').toString().endsWith(CONTENT), 'the message as it came');
    assert.equal(
      (JSON.parse((await exported(s.folder, row.id, 'json')).toString()) as { session: string }).session,
      row.session,
    );
  });

  await t.test('reading is no mail: it leaves no row and no conversation', async () => {
    assert.deepEqual(
      (await s.rows()).map((r) => r.id),
      [row.id],
    );
    const { lines } = await s.get<{ lines: ConversationLine[] }>('/api/v1/conversations');
    const others = lines.filter((l) => l.session !== row.session);
    assert.ok(others.length <= 1 && others.every((l) => l.at < row.at), 'only the look whether it was ready');
  });

  await t.test('without a gateway it is said where to look, and a closed pipe ends quietly', async () => {
    const head = spawn('sh', ['-c', `${shell(s.folder, 'history', 'list')} | head -c 1`], { cwd: s.folder });
    let errors = '';
    head.stderr.on('data', (chunk) => (errors += String(chunk)));
    await once(head, 'close');
    assert.equal(errors, '');
    await s.gateway.stop();
    assert.equal((await s.cli('history', 'list')).code, 5);
    assert.equal((await s.cli('trace')).code, 5);
  });
});

const shell = (_folder: string, ...args: readonly string[]): string =>
  [...gatewayCommand(), ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

/** What `trace export` writes, to the byte. */
async function exported(folder: string, id: string, format: string): Promise<Buffer> {
  const file = join(folder, `copy.${format}`);
  const made = spawn(
    'sh',
    ['-c', `${shell(folder, 'trace', 'export', id, '--format', format)} > '${file}'`],
    { cwd: folder },
  );
  const [code] = (await once(made, 'close')) as [number];
  assert.equal(code, 0);
  return readFile(file);
}

/** A command that runs until it is ended; its lines so far. */
function running(cleanup: Cleanup, folder: string, ...args: readonly string[]) {
  const [program = '', ...before] = gatewayCommand();
  const child = spawn(program, [...before, ...args], { cwd: folder });
  cleanup.after(() => void child.kill('SIGKILL'));
  const at = { out: '', errors: '' };
  child.stdout.on('data', (chunk) => (at.out += String(chunk)));
  child.stderr.on('data', (chunk) => (at.errors += String(chunk)));
  const code = once(child, 'close').then(([c]) => c as number | null);
  return { at, child, code };
}

test('trace follows conversations as they happen, packet by packet', async (t) => {
  const cleanup = new Cleanup(t);
  const s = await scene(cleanup);
  const live = running(cleanup, s.folder, 'trace');
  const refused = running(cleanup, s.folder, 'trace', '--errors', '--terse', '--json');
  const other = running(cleanup, s.folder, 'trace', '--rcpt', 'other@in.test', '--terse', '--json');
  const one = running(cleanup, s.folder, 'trace', '--only-one', '--json');
  // Each is known to listen once it shows something: send until all that should have.
  const session = await SmtpSession.greeted(s.port);
  await until(
    'the live view',
    20_000,
    async () => {
      await session.transaction('a@out.test', ['b@in.test'], CONTENT);
      return live.at.out.includes('SMFIC_BODY') && one.at.out.includes('SMFIC_BODY');
    },
    300,
  );
  assert.match(live.at.out, /^--- \S+ 127\.0\.0\.1 at smtp$/m);
  await until('the end of the content', 5000, () => /client +-> +250 .*queued as/.test(live.at.out));
  await session.quit();
  assert.equal(await one.code, 0, one.at.errors);
  const packets = json<PacketRow & { session: string }>(one.at.out.split('\n'));
  assert.equal(new Set(packets.map((p) => p.session)).size, 1);
  for (const lane of ['client', 'marker', 'judge'])
    assert.ok(
      packets.some((p) => p.lane === lane),
      lane,
    );
  assert.deepEqual(
    packets.map((p) => `${p.part}.${p.n}`).length,
    new Set(packets.map((p) => `${p.part}.${p.n}`)).size,
    'no packet is shown twice',
  );
  await until(
    'the refusal',
    20_000,
    async () => {
      await sendOne(s.port, ['other@in.test', 'nobody@in.test']);
      return refused.at.out !== '' && other.at.out !== '';
    },
    300,
  );
  assert.ok(json<ConversationLine>(refused.at.out.split('\n')).every((l) => l.errors > 0));
  assert.ok(json<ConversationLine>(other.at.out.split('\n')).every((l) => l.rcpt === 'other@in.test'));
});

test('rows come as events while mail is taken, and nothing is missed over a break', async (t) => {
  const cleanup = new Cleanup(t);
  const s = await scene(cleanup);
  const heard: HistoryRow[] = [];
  let last = '';
  const follow = async (headers: Record<string, string> = {}): Promise<IncomingMessage> => {
    const answer = await asked(s.socket, '/api/v1/events?topics=history', headers);
    assert.equal(answer.statusCode, 200);
    let rest = '';
    answer.setEncoding('utf8');
    answer.on('data', (chunk: string) => {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (block.startsWith('event: history') && data !== undefined)
          heard.push(JSON.parse(data) as HistoryRow);
        last = /^id: (.*)$/m.exec(block)?.[1] ?? last;
      }
    });
    answer.on('error', () => undefined);
    await once(answer, 'data');
    return answer;
  };
  const subjects = (): string[] => [...new Set(heard.map((r) => r.subject))];
  const mail = (n: number): Promise<void> => sendOne(s.port, ['b@in.test'], `Subject: ${n}\r\n\r\nx\r\n`);
  const first = await follow();
  await mail(1);
  await until('the first row', 5000, () => subjects().includes('1'));
  await until('the news of its delivery', 5000, () =>
    heard.some((r) => r.delivery.some((d) => d.state === 'delivered')),
  );
  first.destroy();
  await mail(2);
  await mail(3);
  await until('both to be written', 5000, async () => (await s.rows()).length === 3);
  const second = await follow({ 'last-event-id': last });
  await until('what was missed', 5000, () => subjects().length === 3);
  await mail(4);
  await until('what comes next', 5000, () => subjects().length === 4);
  assert.deepEqual(subjects().toSorted(), ['1', '2', '3', '4']);
  second.destroy();
});

test('held mail is looked at, noted, asked about and let go on the command line; who did what outlives the gateway', async (t) => {
  const cleanup = new Cleanup(t);
  const s = await scene(cleanup);
  await sendOne(
    s.port,
    ['b@in.test', 'c@in.test'],
    'Subject: odd one\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n',
  );
  const quarantineOf = (...args: string[]) => s.cli('quarantine', ...args);
  const [held] = json<{ id: string; by: string; subject: string; to: string[] }>(
    (await quarantineOf('list', '--json')).out,
  );
  assert.deepEqual(
    [held!.by, held!.subject, held!.to],
    ['judge', '[seen] odd one', ['b@in.test', 'c@in.test']],
  );
  const { id } = held!;
  const table = (await quarantineOf('list')).out.join('\n');
  assert.match(table, /held by judge: looks [ ?]\[31modd/, 'what a filter says controls no terminal');
  assert.equal((await quarantineOf('note', id, 'ask the sender\x1b[2J')).code, 0);
  assert.match((await quarantineOf('list')).out.join('\n'), /note of operator:\S+: ask the sender\?\[2J/);
  const preview = (await quarantineOf('show', id, '--preview')).out.join('\n');
  assert.match(preview, /^Subject: \[seen\] odd one$/m);
  assert.ok((await quarantineOf('export', id)).out.some((l) => l.startsWith('Subject: [seen] odd')));
  const again = await quarantineOf('rescan', id);
  assert.match(again.out.join('\n'), /hold: judge holds it again: looks/);
  const skipping = await quarantineOf('rescan', id, '--skip', 'judge', '--json');
  assert.equal(json<{ verdict: string }>(skipping.out)[0]!.verdict, 'pass');
  assert.equal((await quarantineOf('rescan', 'gone')).code, 4);
  assert.equal((await quarantineOf('rescan', id, 'gone')).code, 6);
  assert.equal((await quarantineOf('note', 'gone', 'x')).code, 4);
  assert.equal((await quarantineOf('note', id, 'x'.repeat(1001))).code, 2);
  const released = await quarantineOf('rescan', id, '--skip', 'judge', '--release');
  assert.equal(released.code, 0, released.errors);
  await until('the message', 10_000, () => s.hop.taken.length === 1);
  await s.gateway.stop();
  const shown = (await quarantineOf('show', id)).out;
  assert.match(shown[0]!, /\(gone\)/);
  const audit = shown.filter((l) => l.startsWith('audit:')).map((l) => / operator:\S+ (\w+)/.exec(l)?.[1]);
  assert.deepEqual(audit, ['note', 'rescan', 'rescan', 'rescan', 'rescan', 'release']);
});
