// Held messages on their way out: again through the filters, past the one that held them, or not at all; in a gateway with real filters.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { operatorOf, type ActResult } from '#gateway';
import { defineMilter, discard, quarantine, reject, tempfail, type Answer } from '#milter/filter';
import { Cleanup } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { arrived, readMaildir } from './support/maildir.ts';
import { until } from './support/wait.ts';

const EVA = operatorOf('eva');
const RELEASE = { verb: 'release', recipients: null, filters: 'auto', skip: [] } as const;

/** A gateway whose filter `judge` answers as `verdict` says at the time, behind a filter that marks every message. */
async function heldMessage(t: TestContext) {
  const cleanup = new Cleanup(t);
  const heard: string[] = [];
  const judge: { verdict: Answer } = { verdict: quarantine('looks odd') };
  const marker = defineMilter({
    name: 'marker',
    needs: ['addHeaders'],
    onMessage: (_s, _e, m) => m.headers.add('X-Marked', 'yes'),
  });
  const doubter = defineMilter({
    name: 'judge',
    needs: ['quarantine'],
    onConnect: (s) => void heard.push(`connect ${s.client.address}`),
    onHelo: (s) => void heard.push(`helo ${s.helo}`),
    onMail: (_s, from) => void heard.push(`mail ${from.address}`),
    onRcpt: (_s, to) => void heard.push(`rcpt ${to.address}`),
    onMessage(_s, _e, m) {
      const counts = ['Subject', 'X-Marked', 'Received'].map((name) => m.headers.all(name).length);
      heard.push(`fields ${counts.join()}`);
      return judge.verdict;
    },
  });
  const stages = ['connect', 'ehlo', 'mail', 'rcpt', 'data'];
  const h = await house(cleanup, [{ filter: marker }, { filter: doubter, more: { stages } }]);
  const session = await h.open();
  const sent = await session.transaction(
    'a@out.test',
    ['b@in.test', 'c@in.test'],
    'Subject: one\r\n\r\nbody\r\n',
  );
  assert.equal(sent.reply.code, 250);
  await session.quit();
  const held = await onlyHeld(h);
  assert.deepEqual(held.hold, { reason: 'looks odd', by: 'judge' });
  heard.length = 0;
  return { h, id: held.id, heard, judge };
}

async function onlyHeld({ gateway }: House) {
  const [held, ...more] = await gateway.office!.desk.store.list({ limit: 9, state: 'held' });
  assert.ok(held && more.length === 0);
  return held;
}

const release = (h: House, id: string, more: object = {}): Promise<ActResult> =>
  h.gateway.office!.desk.orders.act(id, { ...RELEASE, ...more }, EVA);

test('a held message goes through all filters again: they hear what is known of its client, and their edits count', async (t) => {
  const { h, id, heard, judge } = await heldMessage(t);
  judge.verdict = undefined;
  const { result, as } = await release(h, id);
  assert.equal(result, 'done');
  assert.deepEqual(heard, [
    'connect 127.0.0.1',
    'helo client.load.test',
    'mail a@out.test',
    'rcpt b@in.test',
    'rcpt c@in.test',
    'fields 1,2,0',
  ]);
  const message = await arrived(h.mail, 'the message', () => true);
  assert.deepEqual(message.field('X-Marked'), ['yes', 'yes']);
  assert.equal(message.field('Received').length, 1);
  assert.match(message.text, /\nbody\r?\n$/);
  await until(
    'it to leave the queue',
    5000,
    async () => (await h.gateway.office!.desk.store.get(as!)) === null,
  );
  const ordered = h.heard.find((n) => n.name === 'queue.ordered')!.fields;
  assert.deepEqual([ordered['id'], ordered['as'], ordered['by']], [id, as, 'operator:eva']);
});

test('a filter that still minds keeps it held, whatever it says; nothing is lost', async (t) => {
  const { h, id, judge } = await heldMessage(t);
  for (const [verdict, says] of [
    [quarantine('again'), /^judge holds it again: again$/],
    [reject(550, '5.7.1', 'no'), /^milter:judge says 550 5\.7\.1 no$/],
    [tempfail(451, '4.7.1', 'later'), /^milter:judge says 451 4\.7\.1 later$/],
    [discard, /^judge would throw it away$/],
  ] as const) {
    judge.verdict = verdict;
    const { result, detail } = await release(h, id);
    assert.equal(result, 'refused');
    assert.match(detail, says);
    assert.equal((await onlyHeld(h)).id, id);
  }
  assert.deepEqual(await readMaildir(h.mail), []);
});

test('filters are asked what they would say now: nothing is let go, nothing changes, and it is written down', async (t) => {
  const { h, id, judge, heard } = await heldMessage(t);
  const { orders, trail, store } = h.gateway.office!.desk;
  const before = await store.get(id);
  const ask = (...skip: string[]) => orders.rescan(id, skip, EVA);
  assert.deepEqual(await ask(), { id, verdict: 'hold', detail: 'judge holds it again: looks odd' });
  judge.verdict = reject(550, '5.7.1', 'bad');
  assert.match((await ask()).detail, /^milter:judge says 550 5\.7\.1 bad/);
  judge.verdict = discard;
  assert.equal((await ask()).verdict, 'discard');
  heard.length = 0;
  const { verdict, passed } = await ask('judge');
  assert.equal(verdict, 'pass');
  assert.deepEqual(heard, [], 'who is skipped hears nothing');
  const fields = (header: Uint8Array): number =>
    Buffer.from(header)
      .toString()
      .match(/^X-Marked: yes/gm)!.length;
  assert.deepEqual([fields(passed!.before), fields(passed!.after)], [1, 2]);
  assert.deepEqual(passed!.to, ['b@in.test', 'c@in.test']);
  assert.equal((await ask('nobody')).verdict, 'unfit');
  assert.deepEqual(await store.get(id), before);
  assert.deepEqual(await readMaildir(h.mail), []);
  assert.deepEqual(
    (await trail.of(id)).map((r) => `${r.verb} ${r.by} ${r.detail.split(':')[0]}`),
    ['hold', 'refuse', 'discard', 'pass', 'unfit'].map((said) => `rescan operator:eva ${said}`),
  );
});

test('past the filter that held it, the others are asked again; past all of them, none is', async (t) => {
  const skipped = await heldMessage(t);
  assert.equal((await release(skipped.h, skipped.id, { skip: ['judge'] })).result, 'done');
  assert.deepEqual(skipped.heard, []);
  const message = await arrived(skipped.h.mail, 'the message', () => true);
  assert.deepEqual(message.field('X-Marked'), ['yes', 'yes']);
  const none = await heldMessage(t);
  assert.equal((await release(none.h, none.id, { filters: 'none' })).result, 'done');
  assert.deepEqual((await arrived(none.h.mail, 'the message', () => true)).field('X-Marked'), ['yes']);
});

test('one of two recipients is released, the other one stays held', async (t) => {
  const { h, id, judge, heard } = await heldMessage(t);
  judge.verdict = undefined;
  assert.equal((await release(h, id, { recipients: ['c@in.test'] })).result, 'done');
  assert.ok(heard.includes('rcpt c@in.test') && !heard.includes('rcpt b@in.test'));
  await arrived(h.mail, 'the message', () => true);
  const held = await onlyHeld(h);
  assert.deepEqual([held.id, held.recipients.map((r) => r.address)], [id, ['b@in.test']]);
});

test('a filter that cannot be reached decides by its onError, and the message stays', async (t) => {
  const cleanup = new Cleanup(t);
  const h = await house(cleanup, [{ port: 1, more: { name: 'down', onError: 'quarantine' } }]);
  const session = await h.open();
  await session.transaction('a@out.test', ['b@in.test'], 'Subject: one\r\n\r\nbody\r\n');
  await session.quit();
  const { id } = await onlyHeld(h);
  const { result, detail } = await release(h, id);
  assert.deepEqual([result, detail], ['refused', 'down holds it again: filter down failed']);
  assert.equal((await release(h, id, { skip: ['down'] })).result, 'done');
  await arrived(h.mail, 'the message', () => true);
});

test('P2: held for longer than configured it ends, with a notice, in the running gateway', async (t) => {
  const cleanup = new Cleanup(t);
  const judge = defineMilter({ name: 'judge', needs: ['quarantine'], onMessage: () => quarantine('odd') });
  const delivery = {
    routes: [
      { match: "source == 'dsn'", via: 'discard' },
      { match: 'true', via: 'discard' },
    ],
  };
  const h = await house(cleanup, [{ filter: judge }], { delivery: { ...delivery, holdExpire: '700ms' } });
  const session = await h.open();
  await session.transaction('a@out.test', ['b@in.test'], 'Subject: one\r\n\r\nbody\r\n');
  await session.quit();
  const told = await until('the end of the hold', 5000, () =>
    h.heard.find((n) => n.name === 'queue.hold-expired'),
  );
  assert.ok(told.fields['notice']);
  await until(
    'the notice to leave',
    5000,
    async () => (await h.gateway.office!.desk.store.list({ limit: 1 })).length === 0,
  );
});
