import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Journal } from './journal.ts';
import type { CapturePolicy } from './policy.ts';
import { folderFor, rig, row, START } from './rig.cases.ts';
import type { DeliveryState } from './row.ts';
import { stampOf } from './stamp.ts';

const idOf = (n: number, at = START): string => stampOf(at + n) + n.toString(36).padStart(7, '0');
const MIB = 1024 * 1024;
/** Conversations that somebody asked for are kept whole, however fast they come. */
const WHOLE: CapturePolicy = { mode: 'matching', body: 64 * 1024 };

function deliver(journal: Journal, id: string, recipient: string, state: DeliveryState, reply = ''): void {
  journal.delivery(id, { recipient, state, at: START, reply, hop: 'hop', attempts: 1 });
}

/** One session that says this much. */
function converse(journal: Journal, session: string, content: Uint8Array, parts = 1): void {
  const recorder = journal.record(session, '192.0.2.7', 'smtp')!;
  recorder.line('EHLO c.test');
  recorder.reply('250 mx.test\r\n');
  for (let i = 0; i < parts; i++) {
    recorder.line('MAIL FROM:<a@out.test>');
    recorder.begun(idOf(i), 'a@out.test');
    recorder.recipient('b@in.test');
    recorder.reply('250 2.1.0 Ok\r\n');
    recorder.line('DATA');
    recorder.content(content);
    recorder.ended('accepted', 5);
    recorder.reply('250 2.0.0 Ok\r\n');
  }
  recorder.line('QUIT');
  recorder.reply('221 2.0.0 Bye\r\n');
  recorder.close();
}

test('outcomes reach their row before and after it was written, and under the id a message goes on as', async (t) => {
  const { journal } = await rig(t);
  const states = async (id: string) =>
    (await journal.message(id))!.delivery.map((d) => [d.recipient, d.state, d.reply]);
  const two = { to: ['b@in.test', 'c@in.test'], recipients: 2 };
  journal.row(row(idOf(1), two));
  deliver(journal, idOf(1), 'b@in.test', 'delivered', '250 ok');
  assert.deepEqual(await states(idOf(1)), [
    ['b@in.test', 'delivered', '250 ok'],
    ['c@in.test', 'queued', ''],
  ]);
  deliver(journal, idOf(1), 'c@in.test', 'deferred', '451 later');
  deliver(journal, idOf(1), 'c@in.test', 'failed', '550 no');
  assert.deepEqual(await states(idOf(1)), [
    ['b@in.test', 'delivered', '250 ok'],
    ['c@in.test', 'failed', '550 no'],
  ]);
  journal.row(row(idOf(2), { ...two, outcome: 'held' }));
  await journal.flush();
  journal.goesOn(idOf(2), idOf(3));
  deliver(journal, idOf(2), '', 'released');
  assert.deepEqual(
    (await states(idOf(2))).map(([, state]) => state),
    ['released', 'released'],
  );
  deliver(journal, idOf(3), 'c@in.test', 'delivered', '250 ok');
  await journal.flush();
  journal.goesOn(idOf(3), idOf(4));
  deliver(journal, idOf(4), 'b@in.test', 'expired');
  assert.deepEqual(
    (await states(idOf(2))).map(([, state]) => state),
    ['expired', 'delivered'],
  );
});

test('retention: rows by number and age, conversations by bytes; pinned sessions stay', async (t) => {
  const { journal, clock } = await rig(t, { rows: 100, age: 60_000, conversations: 4 * MIB, policy: WHOLE });
  for (let n = 0; n < 1500; n++) journal.row(row(idOf(n), { outcome: 'rejected' }));
  await journal.flush();
  assert.equal(journal.figures().rows, 100);
  assert.equal((await journal.history({ where: {}, limit: 1000 })).rows.at(-1)!.id, idOf(1400));
  clock.advance(61_400);
  await journal.flush();
  journal.row(row(idOf(0, clock.now())));
  await journal.flush();
  assert.ok(journal.figures().rows <= 100);
  assert.ok(
    (await journal.history({ where: {}, limit: 1000 })).rows.every(
      (r) => r.id > stampOf(clock.now() - 60_000),
    ),
  );
  const session = (n: number): string => `${(START + n).toString(36)}-x`;
  // Of random bytes nothing is saved in the store.
  converse(journal, session(0), randomBytes(60_000));
  await journal.flush();
  assert.equal(await journal.pin(session(0), true), true);
  assert.equal(await journal.pin('nobody-0', true), false);
  for (let n = 1; n < 200; n++) {
    converse(journal, session(n), randomBytes(60_000));
    if (n % 10 === 0) await journal.flush();
  }
  await journal.flush();
  const { bytes, capacity } = journal.figures();
  assert.ok(bytes <= capacity + MIB, `${bytes}`);
  assert.equal(await journal.packets(session(1)), null);
  assert.equal(await journal.packets(session(1)), null);
  const kept = (await journal.packets(session(0)))!;
  assert.equal(kept.find((p) => p.code === 'CONTENT')!.bytes, 60_000);
  const { lines } = await journal.conversations({ where: { pinned: true }, limit: 10 });
  assert.deepEqual(
    lines.map((l) => [l.session, l.part]),
    [
      [session(0), 1],
      [session(0), 0],
    ],
  );
  await journal.pin(session(0), false);
  assert.equal(await journal.packets(session(0)), null);
});

test('lines come page by page, each part once, however it was written', async (t) => {
  const { journal } = await rig(t);
  for (let n = 0; n < 40; n++) {
    converse(journal, `${(START + n).toString(36)}-p`, new Uint8Array(10), (n % 3) + 1);
    if (n % 7 === 0) await journal.flush();
  }
  const late = journal.record(`${START.toString(36)}-late`, '198.51.100.1', 'smtp')!;
  late.line('MAIL FROM:<a@out.test>');
  late.begun(idOf(7), 'a@out.test');
  late.ended('rejected', 3);
  late.reply('550 5.7.1 no\r\n');
  await journal.flush();
  late.line('QUIT');
  late.reply('221 2.0.0 Bye\r\n');
  late.close();
  const seen: string[] = [];
  let before: string | undefined;
  do {
    const page = await journal.conversations({
      where: {},
      limit: 13,
      ...(before !== undefined && { before }),
    });
    seen.push(...page.lines.map((l) => `${l.session}/${l.part}`));
    before = page.next ?? undefined;
  } while (before !== undefined);
  assert.equal(seen.length, new Set(seen).size);
  assert.equal(seen.length, 40 + 27 + 26 + 26 - 0 + 1);
  const packets = (await journal.packets(late.session))!;
  assert.deepEqual(
    packets.map((p) => [p.n, p.code]),
    [
      [1, 'MAIL'],
      [2, '550'],
      [3, 'QUIT'],
      [4, '221'],
    ],
  );
});

test('a part is found by any recipient it names, open and written; of lines looked at there may be few', async (t) => {
  const { journal } = await rig(t);
  const recorder = journal.record('s-many', '192.0.2.7', 'smtp')!;
  recorder.line('MAIL FROM:<a@out.test>');
  recorder.begun(idOf(1), 'a@out.test');
  for (let n = 0; n < 1001; n++) recorder.recipient(`u${n}@in.test`);
  const found = async (rcpt: string, look?: number) =>
    (await journal.conversations({ where: { rcpt }, limit: 10, ...(look !== undefined && { look }) })).lines;
  assert.deepEqual(
    (await found('U999@*')).map((l) => [l.session, l.rcpt, l.open]),
    [['s-many', 'u0@in.test', true]],
  );
  recorder.ended('accepted', 5);
  recorder.reply('250 2.0.0 Ok\r\n');
  recorder.close();
  converse(journal, 's-later', Buffer.alloc(10));
  for (const rcpt of ['u0@in.test', 'u1@in.test', 'u999@in.test'])
    assert.deepEqual(
      (await found(rcpt)).map((l) => [l.session, l.rcpt, l.open]),
      [['s-many', 'u0@in.test', false]],
    );
  assert.deepEqual(await found('u1000@in.test'), []);
  assert.deepEqual(await found('u999@in.test', 1), [], 'only the newest line was looked at');
  assert.equal((await found('b@in.test', 1)).length, 1);
});

test('a disk that does not keep up costs content, then parts, never memory without end; and is told once', async (t) => {
  const { journal, heard } = await rig(t, { policy: WHOLE }, { hasRoom: () => false });
  const content = new Uint8Array(64 * 1024);
  for (let n = 0; n < 1000; n++) converse(journal, `${(START + n).toString(36)}-m`, content);
  assert.ok(journal.figures().droppedBytes > 45 * MIB);
  assert.equal(journal.pressure, 1);
  for (let n = 0; n < 30_000; n++) journal.row(row(idOf(n)));
  await journal.flush();
  await journal.flush();
  assert.equal(heard.filter(([name]) => name === 'journal.not-written').length, 1);
  assert.equal(journal.pressure, 0);
  assert.equal((await journal.history({ where: {}, limit: 10 })).rows.length, 0);
});

test('a volume that takes no writes costs rows and parts, is told of, and lmdb is not asked to write to it', async (t) => {
  let takes = true;
  const ask = (): Promise<void> => (takes ? Promise.resolve() : Promise.reject(new Error('read-only')));
  const { journal, heard } = await rig(t, {}, { probe: { ask, close: () => Promise.resolve() } });
  const found = async (): Promise<readonly string[]> =>
    (await journal.history({ where: {}, limit: 10 })).rows.map(({ id }) => id);
  journal.row(row(idOf(1)));
  assert.deepEqual(await found(), [idOf(1)]);
  takes = false;
  journal.row(row(idOf(2)));
  converse(journal, `${START.toString(36)}-lost`, new Uint8Array(10));
  assert.deepEqual(await found(), [idOf(1)]);
  assert.deepEqual(
    heard.map(([name, { error, rows }]) => [name, error, rows]),
    [['journal.not-written', 'read-only', 1]],
  );
  takes = true;
  journal.row(row(idOf(3)));
  assert.deepEqual(await found(), [idOf(3), idOf(1)]);
});

test('watchers hear of rows, of parts, and of what happens in open ones', async (t) => {
  const { journal, clock } = await rig(t);
  const news: string[] = [];
  const stop = journal.watch(({ history, conversations, ids }) =>
    news.push(`${history} ${conversations} ${ids.join()}`),
  );
  journal.row(row(idOf(1), { outcome: 'rejected' }));
  await journal.flush();
  assert.deepEqual(news, [`true false ${idOf(1)}`]);
  const recorder = journal.record('s-2', '192.0.2.7', 'smtp')!;
  recorder.line('EHLO c.test');
  clock.advance(300);
  assert.equal(news.at(-1), 'false true ');
  const { lines } = await journal.conversations({ where: { open: true }, limit: 10 });
  assert.deepEqual(
    lines.map((l) => [l.session, l.open, l.packets]),
    [['s-2', true, 1]],
  );
  assert.deepEqual(
    (await journal.packets('s-2'))!.map((p) => p.summary),
    ['EHLO c.test'],
  );
  stop();
});

test('a writer that is killed takes nothing with it but what it had not written, and the next one goes on', async (t) => {
  const folder = await folderFor(t);
  const program = fileURLToPath(new URL('./kill-writer.cases.ts', import.meta.url));
  for (let round = 0; round < 3; round++) {
    const child = fork(program, [folder, String(round)], {
      execArgv: ['--conditions=source', '--import', 'tsx'],
    });
    let written = 0;
    const enough = new Promise<void>((resolve) => {
      child.on('message', (count: number) => {
        written = count;
        if (count >= 200) resolve();
      });
    });
    await enough;
    child.kill('SIGKILL');
    await once(child, 'exit');
    const { journal, heard } = await rig(t, {}, { folder });
    assert.deepEqual(heard, []);
    const { rows } = await journal.history({ where: { listener: `round${round}` }, limit: 1000 });
    assert.ok(rows.length >= Math.min(written, 1000), `${rows.length} of ${written}`);
    const last = rows.at(-1)!;
    assert.ok((await journal.packets(last.session, 1))!.length > 0);
    await journal.close();
  }
});

test('an environment that cannot be used is set aside: garbage, a killed opener, a mark of damage', async (t) => {
  const folder = await folderFor(t);
  await mkdir(join(folder, 'journal'));
  const spoil = [
    () => writeFile(join(folder, 'journal.opening.999999999'), ''),
    () => writeFile(join(folder, 'journal', 'damaged'), ''),
  ];
  for (const [n, ruin] of spoil.entries()) {
    await ruin();
    const { journal, heard, clock } = await rig(t, {}, { folder });
    clock.advance(n);
    assert.deepEqual(
      heard.map(([name]) => name),
      ['journal.set-aside'],
    );
    journal.row(row(idOf(1)));
    assert.equal((await journal.history({ where: {}, limit: 10 })).rows.length, 1);
    await journal.close();
    const names = await readdir(folder);
    assert.ok(names.some((name) => name.startsWith('journal.damaged.')));
    assert.ok(!names.some((name) => name.startsWith('journal.opening')));
  }
});

test('the policy decides which parts are kept', async (t) => {
  const { journal } = await rig(t);
  const kept = async (): Promise<number> =>
    (await journal.conversations({ where: {}, limit: 100 })).lines.filter((l) => l.part === 1).length;
  await journal.setPolicy({ mode: 'matching', client: ['198.51.100.0/24'], body: 0 });
  assert.equal(journal.record('s-1', '192.0.2.7', 'smtp'), null);
  await journal.setPolicy({
    mode: 'matching',
    sender: '*@OUT.test',
    recipient: 'b@*',
    slowerThan: 5,
    body: 0,
  });
  converse(journal, 's-2', new Uint8Array(10));
  assert.equal(await kept(), 1);
  await journal.setPolicy({ mode: 'matching', sender: 'x@*', body: 0 });
  converse(journal, 's-3', new Uint8Array(10));
  await journal.setPolicy({ mode: 'matching', slowerThan: 6, body: 0 });
  converse(journal, 's-4', new Uint8Array(10));
  await journal.setPolicy({ mode: 'matching', milter: 'rspamd', body: 0 });
  converse(journal, 's-5', new Uint8Array(10));
  assert.equal(await kept(), 1);
  await assert.rejects(journal.setPolicy({ mode: 'all', client: ['nobody'], body: 1 }), RangeError);
});

test('what a session said is the same from several packed blocks, large and small, as it was', async (t) => {
  const { journal } = await rig(t);
  const session = `${START.toString(36)}-p`;
  const recorder = journal.record(session, '192.0.2.7', 'smtp')!;
  const contents = [3000, 20, 60_000, 5000].map((size, i) => Buffer.alloc(size, `line ${i} of it\r\n`));
  for (const [i, content] of contents.entries()) {
    recorder.line('MAIL FROM:<a@out.test>');
    recorder.begun(idOf(i), 'a@out.test');
    recorder.content(content);
    recorder.ended('accepted', 5);
    recorder.reply('250 2.0.0 Ok\r\n');
    await journal.flush();
  }
  const rows = (await journal.packets(session))!;
  const sizes = new Set(contents.map(({ length }) => length));
  const kept = rows.filter(({ bytes, direction }) => direction === 'received' && sizes.has(bytes));
  assert.deepEqual(
    kept.map(({ data }) => data),
    contents.map((content) => content.toString('base64')),
  );
  recorder.close();
});

test('while mail comes faster than the ring can hold for ten minutes, lines are kept and content is counted', async (t) => {
  const { journal, clock } = await rig(t, { conversations: 4 * MIB });
  const session = `${START.toString(36)}-f`;
  converse(journal, session, new Uint8Array(64 * 1024), 20);
  const content = async (of: string) =>
    (await journal.packets(of))!.filter(({ bytes }) => bytes === 64 * 1024).map(({ cut }) => cut);
  const cuts = await content(session);
  assert.equal(cuts.length, 20);
  // An eighth of the ring is half a megabyte: eight of them.
  assert.deepEqual(cuts, [...Array<number>(8).fill(0), ...Array<number>(12).fill(64 * 1024)]);
  clock.advance(60_000);
  const later = `${(START + 60_000).toString(36)}-f`;
  converse(journal, later, new Uint8Array(64 * 1024), 1);
  assert.deepEqual(await content(later), [0]);
});
