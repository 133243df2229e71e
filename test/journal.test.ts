/**
 * The journal before the whole gateway: what is kept of a message and of its conversation, whatever becomes of it; what operators
 * do; the policy; restarts; and that no secret of AUTH ever gets into it.
 */
import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { readdir, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { passwordHashText } from '#gateway/config';
import type { HistoryRow, JournalReader, PacketRow } from '#journal';
import { defineMilter, quarantine, reject } from '#milter/filter';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { startOutbox } from './support/outbox.ts';
import { freePort } from './support/ports.ts';
import { startNextHop } from './support/next-hop.ts';
import { until } from './support/wait.ts';

const CONTENT = 'From: a@out.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle\r\n\r\nbody one\r\n';
const STAGES = { stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'] };

const marker = defineMilter({
  name: 'marker',
  needs: ['addHeaders'],
  onRcpt: (_, to) => (to.address.startsWith('nobody') ? reject(550, '5.1.1', 'No such user') : undefined),
  onMessage(_, __, message) {
    message.headers.add('X-Marked', 'yes');
  },
});

const rewriter = defineMilter({
  name: 'rewriter',
  needs: ['replaceBody', 'quarantine'],
  onMessage(_, __, message) {
    const subject = message.headers.get('Subject') ?? '';
    if (subject.includes('hold')) return quarantine('suspicious');
    if (subject.includes('refuse')) return reject(554, '5.7.1', 'Not wanted');
    message.replaceBody('body two\r\n');
    return undefined;
  },
});

/** What `millrace user hash` prints, cheap to check. */
function hashOf(password: string): string {
  const salt = Buffer.from('0123456789abcdef');
  const hash = scryptSync(password, salt, 32, { N: 2 ** 14, r: 8, p: 1 });
  return passwordHashText({ kind: 'scrypt', ln: 14, r: 8, p: 1, salt, hash });
}

const readerOf = ({ gateway }: House): JournalReader => gateway.office!.journal!;

async function onlyRow(journal: JournalReader): Promise<HistoryRow> {
  const { rows } = await journal.history({ where: {}, limit: 10 });
  assert.equal(rows.length, 1);
  return rows[0]!;
}

const openLines = async (journal: JournalReader): Promise<number> =>
  (await journal.conversations({ where: { open: true }, limit: 100 })).lines.length;

async function gatewayWith(cleanup: Cleanup, more: Record<string, unknown> = {}) {
  const { taken, delivery } = await startOutbox(cleanup);
  const guests = [
    { filter: marker, more: STAGES },
    { filter: rewriter, more: STAGES },
  ];
  const at = await house(cleanup, guests, {
    journal: true,
    delivery: { ...delivery, retry: ['1s'] },
    ...more,
  });
  return { at, journal: readerOf(at), taken };
}

test('a message through two filters: its row, its packets, what was changed, and its delivery', async (t) => {
  const cleanup = new Cleanup(t);
  const { at, journal, taken } = await gatewayWith(cleanup);
  const session = await at.open();
  await session.transaction('a@out.test', ['b@in.test', 'c@in.test'], CONTENT);
  await until('the message to be delivered', 5000, () => taken.length > 0);
  await session.quit();
  await until('the outcome in the row', 5000, async () =>
    (await onlyRow(journal)).delivery.every(({ state }) => state === 'delivered'),
  );
  const row = await onlyRow(journal);
  assert.equal(row.subject, 'Grüße an alle');
  assert.deepEqual(
    [row.outcome, row.from, row.to, row.recipients],
    ['accepted', 'a@out.test', ['b@in.test', 'c@in.test'], 2],
  );
  assert.deepEqual(
    [row.listener, row.client, row.helo, row.by, row.part],
    ['smtp', '127.0.0.1', 'client.load.test', '', 1],
  );
  assert.match(row.reply, /^250 2\.0\.0 Ok: queued as /);
  assert.equal(row.size, CONTENT.length);
  assert.deepEqual(
    row.filters.map(({ name, verdict, edits, error }) => [name, verdict, edits, error]),
    [
      ['marker', 'continue', ['addHeader'], ''],
      ['rewriter', 'continue', ['replaceBody'], ''],
    ],
  );
  assert.ok(row.ms > 0 && row.acceptMs > 0 && row.acceptMs <= row.ms && row.filterMs > 0);
  assert.deepEqual(
    row.delivery.map(({ recipient, attempts }) => [recipient, attempts]),
    [
      ['b@in.test', 1],
      ['c@in.test', 1],
    ],
  );
  assert.match(row.delivery[0]!.reply, /^250 /);
  assert.equal(row.id, /queued as (\w{16})$/.exec(row.reply)?.[1]);
  await checkChanges(journal, row);
  await checkPackets(journal, row);
});

async function checkChanges(journal: JournalReader, row: HistoryRow): Promise<void> {
  assert.equal(row.changed, true);
  const changes = (await journal.changes(row.id))!;
  const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();
  assert.equal(text(changes.original.body), 'body one\r\n');
  assert.ok(!text(changes.original.header).includes('X-Marked'));
  assert.ok(text(changes.original.header).includes('Subject: =?utf-8?q?'));
  const [first, second] = changes.steps;
  assert.deepEqual([first!.milter, second!.milter, changes.steps.length], ['marker', 'rewriter', 2]);
  assert.deepEqual(first!.edits, [{ kind: 'addHeader', name: 'X-Marked', value: 'yes' }]);
  assert.ok(text(first!.header).includes('X-Marked: yes\r\n'));
  assert.equal(first!.body, null);
  assert.deepEqual([text(second!.body), second!.bodySize], ['body two\r\n', 10]);
  assert.deepEqual(second!.edits, [{ kind: 'replaceBody', bytes: 10 }]);
}

async function checkPackets(journal: JournalReader, row: HistoryRow): Promise<void> {
  const all = (await journal.packets(row.session))!;
  assert.ok(all.some((p) => p.part === 0 && p.lane === 'rewriter' && p.code === 'SMFIC_OPTNEG'));
  const part = all.filter((p) => p.part === 1);
  const of = (lane: string) => part.filter((p) => p.lane === lane);
  const said = of('client').map((p) => `${p.direction === 'sent' ? 'S' : 'C'} ${p.code}`);
  assert.deepEqual(said, [
    'C MAIL',
    'S 250',
    'C RCPT',
    'S 250',
    'C RCPT',
    'S 250',
    'C DATA',
    'S 354',
    'C CONTENT',
    'S 250',
    'C QUIT',
    'S 221',
  ]);
  const content = of('client').find((p) => p.code === 'CONTENT')!;
  assert.equal(Buffer.from(content.data, 'base64').toString(), CONTENT);
  const marks = of('marker').map((p) => p.code);
  assert.ok(
    marks.includes('SMFIC_MACRO') && marks.includes('SMFIC_BODYEOB') && marks.includes('SMFIR_ADDHEADER'),
  );
  const rcpt = of('marker').find((p) => p.code === 'SMFIC_RCPT')!;
  assert.deepEqual(rcpt.fields, [{ name: 'path', value: '<b@in.test>' }]);
  const verdicts = of('marker').filter((p) => p.code === 'SMFIR_CONTINUE');
  assert.ok(verdicts.length > 0 && verdicts.every((p) => p.waited !== null && p.waited >= 0));
  assert.deepEqual(
    part.map((p) => p.n),
    part.map((_, i) => i + 1),
  );
  assert.ok(part.every((p, i) => i === 0 || p.at >= part[i - 1]!.at));
  const { lines } = await journal.conversations({ where: { id: row.id }, limit: 10 });
  assert.deepEqual(
    lines.map((l) => [l.session, l.part, l.outcome, l.milters, l.open]),
    [[row.session, 1, 'accepted', ['marker', 'rewriter'], false]],
  );
  assert.deepEqual(await journal.packets(row.session, 1, part.length - 1), [part.at(-1)]);
  assert.equal(await journal.packets('zz-zz'), null);
}

test('whatever becomes of a message, there is a row: refused, held, aborted, mixed', async (t) => {
  const cleanup = new Cleanup(t);
  const { at, journal } = await gatewayWith(cleanup);
  const session = await at.open();
  await session.command('MAIL FROM:<a@out.test>');
  await session.command('RCPT TO:<nobody@in.test>');
  await session.command('RSET');
  const subject = (words: string): string => `Subject: ${words}\r\n\r\nx\r\n`;
  await session.transaction('a@out.test', ['b@in.test'], subject('please refuse'));
  await session.transaction('a@out.test', ['b@in.test'], subject('please hold'));
  await session.command('MAIL FROM:<a@out.test>');
  await session.command('RCPT TO:<b@in.test>');
  session.drop();
  await until(
    'four rows',
    5000,
    async () => (await journal.history({ where: {}, limit: 10 })).rows.length === 4,
  );
  await until('the connection to be over', 5000, async () => (await openLines(journal)) === 0);
  const { rows } = await journal.history({ where: {}, limit: 10 });
  assert.deepEqual(rows.map((r) => [r.outcome, r.by, r.to, r.part]).toReversed(), [
    ['rejected', 'marker', ['nobody@in.test'], 1],
    ['rejected', 'rewriter', ['b@in.test'], 2],
    ['held', 'rewriter', ['b@in.test'], 3],
    ['aborted', '', ['b@in.test'], 4],
  ]);
  assert.deepEqual(
    rows
      .map((r) => r.reply.slice(0, 9))
      .toReversed()
      .slice(0, 2),
    ['550 5.1.1', '554 5.7.1'],
  );
  const held = rows.find((r) => r.outcome === 'held')!;
  assert.equal(held.delivery[0]!.state, 'held');
  const found = await journal.history({ where: { milter: 'rewriter', verdict: 'replycode' }, limit: 10 });
  assert.deepEqual(
    found.rows.map((r) => r.part),
    [2],
  );
  const errors = await journal.conversations({ where: { errors: true }, limit: 10 });
  assert.deepEqual(errors.lines.map((l) => l.part).toReversed(), [1, 2, 4]);
  const decided = (await journal.packets(held.session, 2))!.filter((p: PacketRow) => p.kind === 'decision');
  assert.match(decided[0]!.summary, /rewriter.*554 5\.7\.1 Not wanted/);
  await releases(at, journal, held);
});

/** What operators do to a held message stands in its row, and so does what becomes of it under its new id. */
async function releases(at: House, journal: JournalReader, held: HistoryRow): Promise<void> {
  const release = { verb: 'release', recipients: null, filters: 'again', skip: ['rewriter'] } as const;
  const answer = await at.gateway.office!.desk.orders.act(held.id, release, 'operator:eva');
  assert.equal(answer.result, 'done');
  assert.notEqual(answer.as, undefined);
  await until('the released message in its row', 5000, async () =>
    (await journal.message(held.id))!.delivery.some(({ state }) => state === 'delivered'),
  );
}

test('a hop that defers, then refuses: the row says so, with its words', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  let answer = '451 4.2.0 later';
  await startNextHop(cleanup, port, () => answer);
  const route = { match: 'true', via: 'smtp', to: `127.0.0.1:${port}`, tls: 'off' };
  const at = await house(cleanup, [], { journal: true, delivery: { routes: [route], retry: ['100ms'] } });
  const journal = readerOf(at);
  const session = await at.open();
  await session.transaction('a@out.test', ['b@in.test'], CONTENT);
  const line = async () => (await onlyRow(journal)).delivery[0]!;
  await until('it to be deferred', 5000, async () => (await line()).state === 'deferred');
  assert.match((await line()).reply, /^451 4\.2\.0 later/);
  assert.match((await line()).hop, /127\.0\.0\.1/);
  answer = '550 5.2.1 never';
  await until('it to fail', 5000, async () => (await line()).state === 'failed');
  assert.ok((await line()).attempts > 1);
  await session.quit();
});

test('the policy decides at the end of a part, changes while it runs, and outlives a restart; off records nothing', async (t) => {
  const cleanup = new Cleanup(t);
  const { at, journal } = await gatewayWith(cleanup);
  const count = async () =>
    (await journal.conversations({ where: {}, limit: 100 })).lines.filter((l) => l.part > 0).length;
  await journal.setPolicy({ mode: 'matching', errorsOnly: true, body: 0 });
  const session = await at.open();
  await session.transaction('a@out.test', ['b@in.test'], CONTENT);
  await session.transaction('a@out.test', ['b@in.test'], 'Subject: refuse\r\n\r\nx\r\n');
  await session.quit();
  await until('the refused one alone', 3000, async () => (await count()) === 1);
  const { lines } = await journal.conversations({ where: {}, limit: 1 });
  const packets = (await journal.packets(lines[0]!.session))!;
  assert.ok(
    packets
      .filter((p) => p.code === 'CONTENT' || p.code === 'SMFIC_BODY')
      .every((p) => p.data === '' && p.cut > 0),
  );
  await journal.setPolicy({ mode: 'off', body: 0 });
  const quiet = await at.open();
  await quiet.transaction('a@out.test', ['b@in.test'], CONTENT);
  await quiet.quit();
  assert.equal((await journal.history({ where: {}, limit: 10 })).rows.length, 3);
  assert.equal(await count(), 1);
  await assert.rejects(journal.setPolicy({ mode: 'all', body: -1 }), RangeError);
  assert.deepEqual(journal.policy(), { mode: 'off', body: 0 });
});

test('rows and packets outlive the gateway; a damaged journal is set aside and mail goes on', async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const more = { journal: true, stateDir: folder };
  const first = await gatewayWith(cleanup, more);
  const session = await first.at.open();
  await session.transaction('a@out.test', ['b@in.test'], CONTENT);
  await session.quit();
  await first.journal.setPolicy({ mode: 'matching', slowerThan: 5, body: 10 });
  await first.at.gateway.stop(1000);
  const second = await gatewayWith(cleanup, more);
  const row = await onlyRow(second.journal);
  assert.equal(row.from, 'a@out.test');
  assert.ok((await second.journal.packets(row.session))!.length > 10);
  assert.deepEqual(second.journal.policy(), { mode: 'matching', slowerThan: 5, body: 10 });
  await second.at.gateway.stop(1000);
  const file = join(folder, 'journal', 'data.mdb');
  await truncate(file, (await stat(file)).size >> 1);
  const third = await gatewayWith(cleanup, more);
  assert.equal(third.at.heard.filter(({ name }) => name === 'journal.set-aside').length, 1);
  const again = await third.at.open();
  assert.equal((await again.transaction('a@out.test', ['b@in.test'], CONTENT)).reply.code, 250);
  await again.quit();
  await onlyRow(third.journal);
  await third.at.gateway.stop(1000);
  assert.ok((await readdir(folder)).some((name) => name.startsWith('journal.damaged.')));
});

test('nothing of AUTH gets into the journal: no password, no exchange, however it is sent', async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const [password, wrong] = ['Secret-4711-tanstaaf', 'Guess-0815-tanstaaf'];
  const at = await house(cleanup, [{ filter: marker, more: STAGES }], {
    journal: true,
    stateDir: folder,
    users: [{ name: 'eva', password: hashOf(password) }],
    listeners: [
      {
        name: 'smtp',
        bind: '127.0.0.1:0',
        auth: 'optional',
        insecureAuth: true,
        relay: { networks: ['127.0.0.0/8'] },
        limits: { authDelay: '0s' },
      },
    ],
  });
  const b64 = (text: string): string => Buffer.from(text).toString('base64');
  for (const secret of [password, wrong]) {
    const session = await at.open();
    const plain = b64(`\0eva\0${secret}`);
    await session.command(`AUTH PLAIN ${plain}`);
    const late = await at.open();
    await late.command('AUTH PLAIN');
    await late.command(plain);
    const login = await at.open();
    await login.command('AUTH LOGIN');
    await login.command(b64('eva'));
    await login.command(b64(secret));
    const scram = await at.open();
    await scram.command(`AUTH SCRAM-SHA-256 ${b64('n,,n=eva,r=clientnonce')}`);
    await scram.command(b64(`c=biws,r=clientnonce,p=${b64(secret)}`));
    const odd = await at.open();
    await odd.command(`auth\tplain ${plain}`);
    await odd.command(` AUTH ${plain}`);
    await odd.command(`AUTH ${plain}`);
    await odd.command(`AUTH PLAIN ${plain} ${plain}`);
    await odd.command(`AUTHPLAIN ${plain}`);
    await odd.command(`AUTH NOSUCH ${plain}`);
    await odd.command(b64(secret));
    await session.transaction('eva@in.test', ['b@in.test'], CONTENT);
    for (const one of [session, late, login, scram, odd]) one.drop();
  }
  const journal = readerOf(at);
  await until(
    'the sessions to be over',
    5000,
    async () => (await journal.conversations({ where: { open: true }, limit: 100 })).lines.length === 0,
  );
  const { lines } = await journal.conversations({ where: {}, limit: 100 });
  const said: string[] = [];
  for (const { session } of new Map(lines.map((l) => [l.session, l])).values())
    for (const packet of (await journal.packets(session))!)
      said.push(JSON.stringify(packet), Buffer.from(packet.data, 'base64').toString('latin1'));
  assert.ok(said.some((text) => text.startsWith('AUTH PLAIN ***')));
  await at.gateway.stop(1000);
  const file = (await readFile(join(folder, 'journal', 'data.mdb'))).toString('latin1');
  for (const secret of [password, wrong])
    for (const form of [
      secret,
      b64(secret),
      b64(`\0eva\0${secret}`),
      b64(b64(secret)),
      'clientnonce',
      b64('n,,n=eva').slice(0, 8),
      b64('c=biws'),
    ])
      for (const text of [file, ...said]) assert.ok(!text.includes(form.replace(/=+$/, '')), form);
});
