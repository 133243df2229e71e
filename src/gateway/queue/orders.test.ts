import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latin1, status } from '#message';
import type { Act } from './acts.ts';
import { mailboxOf, operatorOf } from './acts.ts';
import { DAY, heldBy, HOUR, metaOf, rig, START, to } from './rig.cases.ts';

const EVA = operatorOf('eva');
const RELEASE = { verb: 'release', recipients: null, filters: 'auto', skip: [] } as const;
const EVERY: readonly Act[] = [
  { verb: 'retry' },
  { verb: 'hold', reason: 'r' },
  RELEASE,
  { verb: 'bounce', recipients: null, reason: 'r' },
  { verb: 'delete', reason: '' },
  { verb: 'redirect', to: 'x@y.test', recipients: null },
];

test('an order about an entry that is not there, or that is being delivered, says so and changes nothing', async () => {
  const lease = { owner: 'w', token: 't', until: START + HOUR };
  const { desk, spool } = await rig([metaOf({ id: 'L', state: 'leased', lease })]);
  for (const act of EVERY) {
    assert.equal((await desk.orders.act('gone', act, EVA)).result, 'absent');
    assert.equal((await desk.orders.consider('gone', act)).result, 'absent');
    assert.equal((await desk.orders.act('L', act, EVA)).result, 'busy');
    assert.equal((await desk.orders.consider('L', act)).result, 'busy');
  }
  assert.deepEqual(await spool.get('L'), metaOf({ id: 'L', state: 'leased', lease }));
});

test('retry makes it due now; hold keeps it with reason, who and when; each wakes or not', async () => {
  const { desk, spool, said, woken, forgiven } = await rig([metaOf()]);
  assert.deepEqual(await desk.orders.act('m1', { verb: 'retry' }, EVA), {
    id: 'm1',
    result: 'done',
    detail: '',
  });
  assert.equal(await spool.nextDue(), START);
  assert.deepEqual([woken(), forgiven()], [1, 1]);
  assert.equal((await desk.orders.act('m1', { verb: 'hold', reason: 'why' }, EVA)).result, 'done');
  assert.deepEqual((await spool.get('m1'))!.hold, { reason: 'why', by: 'operator:eva', since: START });
  assert.equal(woken(), 1);
  for (const act of [{ verb: 'retry' }, { verb: 'hold', reason: '' }] as const)
    assert.equal((await desk.orders.act('m1', act, EVA)).result, 'unfit');
  const logged = said.filter((n) => n.name === 'queue.ordered');
  assert.deepEqual(
    logged.map(({ fields }) => [fields['verb'], fields['by'], fields['result'], fields['reason']]),
    [
      ['retry', 'operator:eva', 'done', undefined],
      ['hold', 'operator:eva', 'done', 'why'],
      ['retry', 'operator:eva', 'unfit', undefined],
      ['hold', 'operator:eva', 'unfit', undefined],
    ],
  );
});

test('what an operator held is released as it is; the time it was held does not count', async () => {
  const { desk, spool, clock, woken } = await rig([heldBy('operator:tom')]);
  clock.advance(10 * DAY);
  assert.equal((await desk.orders.act('m1', RELEASE, EVA)).result, 'done');
  const { state, hold, due, expiresAt, recipients } = (await spool.get('m1'))!;
  assert.deepEqual([state, hold, due, expiresAt], ['queued', null, START + 10 * DAY, START + 15 * DAY]);
  assert.equal(recipients.length, 2);
  assert.equal(woken(), 1);
  assert.equal((await desk.orders.act('m1', RELEASE, EVA)).result, 'unfit');
});

test('held and released again and again, a message lives no longer than its life', async () => {
  const { desk, spool, clock } = await rig([metaOf()]);
  for (let day = 1; day <= 3; day++) {
    clock.advance(DAY);
    await desk.orders.act('m1', { verb: 'hold', reason: '' }, EVA);
    clock.advance(10 * DAY);
    await desk.orders.act('m1', RELEASE, EVA);
    assert.equal((await spool.get('m1'))!.expiresAt, clock.now() + (5 - day) * DAY);
  }
});

test('what a filter held goes through the chain again and on under a new id', async () => {
  const { desk, spool } = await rig([heldBy('rspamd')]);
  const { result, as } = await desk.orders.act('m1', RELEASE, EVA);
  assert.equal(result, 'done');
  assert.equal(await spool.get('m1'), null);
  const entry = (await spool.get(as!))!;
  assert.deepEqual([entry.state, entry.hold, entry.receivedAt, entry.due], ['queued', null, START, START]);
  assert.deepEqual(entry.origin, heldBy('x').origin);
  assert.equal(latin1((await spool.content(as!))!.header), 'Subject: x\r\n');
  assert.ok(!('delayTold' in entry));
});

test('a sender who was told that his message is late is not told again after it was held, whoever held it', async () => {
  for (const by of ['operator:tom', 'rspamd'])
    for (const recipients of [null, ['b@two.test']]) {
      const { desk, spool } = await rig([heldBy(by, { delayTold: true })]);
      const { as = 'm1' } = await desk.orders.act('m1', { ...RELEASE, recipients }, EVA);
      assert.equal((await spool.get(as))!.delayTold, true, `${by} ${String(recipients)}`);
    }
});

test('some recipients are released, the others stay held under the old id', async () => {
  for (const by of ['operator:tom', 'rspamd']) {
    const { desk, spool } = await rig([heldBy(by)]);
    const some = { ...RELEASE, recipients: ['b@TWO.test', 'nobody@x'] };
    const { result, as } = await desk.orders.act('m1', some, EVA);
    assert.equal(result, 'done');
    const names = (id: string) => spool.get(id).then((e) => e!.recipients.map((r) => r.address));
    assert.deepEqual([await names('m1'), await names(as!)], [['a@one.test'], ['b@two.test']]);
    assert.deepEqual(spool.totals(), { queued: 1, leased: 0, held: 1 });
    assert.equal((await desk.orders.act('m1', some, EVA)).result, 'unfit');
  }
});

test('a filter to be skipped that does not exist is told, and nothing is released', async () => {
  const { desk, spool } = await rig([heldBy('rspamd')]);
  const { result, detail } = await desk.orders.act('m1', { ...RELEASE, skip: ['nix'] }, EVA);
  assert.deepEqual([result, detail], ['unfit', 'there is no filter nix; there are none']);
  assert.equal(spool.totals().held, 1);
});

test('bouncing gives up with a notice in the same step; the null sender hears nothing', async () => {
  const { desk, spool, said } = await rig([metaOf(), metaOf({ id: 'm2', sender: '' })]);
  const bounce = { verb: 'bounce', recipients: null, reason: 'not wanted' } as const;
  assert.equal((await desk.orders.act('m1', bounce, EVA)).detail, 'the sender is told');
  assert.equal((await desk.orders.act('m2', bounce, EVA)).detail, 'nobody is to be told');
  const [notice, ...more] = await spool.list({ limit: 9 });
  assert.equal(more.length, 0);
  assert.deepEqual([notice!.sender, notice!.recipients[0]!.address], ['', 'from@sender.test']);
  const { body } = (await spool.content(notice!.id))!;
  const text = latin1(Buffer.concat(body.chunks!));
  assert.match(text, /a@one\.test/);
  assert.match(text, /b@two\.test/);
  assert.match(text, /Status: 5\.7\.1/);
  assert.match(text, /not wanted/);
  assert.equal(said.filter((n) => n.name === 'delivery.failed').length, 4);
});

test('bouncing one recipient leaves the others in the queue', async () => {
  const { desk, spool } = await rig([metaOf()]);
  const act = { verb: 'bounce', recipients: ['a@one.test'], reason: '' } as const;
  assert.equal((await desk.orders.act('m1', act, EVA)).result, 'done');
  assert.deepEqual(
    (await spool.get('m1'))!.recipients.map((r) => r.state),
    ['failed', 'pending'],
  );
  assert.equal(spool.totals().queued, 2);
  assert.equal((await desk.orders.act('m1', act, EVA)).result, 'unfit');
});

test('deleting leaves nothing and tells nobody', async () => {
  const { desk, spool, said } = await rig([metaOf(), heldBy('x', { id: 'm2' })]);
  for (const id of ['m1', 'm2'])
    assert.equal((await desk.orders.act(id, { verb: 'delete', reason: 'junk' }, EVA)).result, 'done');
  assert.deepEqual(spool.totals(), { queued: 0, leased: 0, held: 0 });
  assert.deepEqual([...new Set(said.map((n) => n.name))], ['queue.ordered']);
});

test('redirecting replaces the recipients that are meant by one that remembers the first of them', async () => {
  const done = to('c@three.test', { state: 'delivered', attempts: 1, lastStatus: status(250, '', 'ok') });
  const recipients = [to('a+b=c@one.test', { params: ['NOTIFY=NEVER'] }), to('b@two.test'), done];
  const { desk, spool } = await rig([metaOf({ recipients }), heldBy('x', { id: 'm2' })]);
  const act = { verb: 'redirect', to: 'new@home.test', recipients: null } as const;
  assert.equal((await desk.orders.act('m1', act, EVA)).result, 'done');
  const entry = (await spool.get('m1'))!;
  assert.deepEqual(entry.recipients, [
    done,
    to('new@home.test', { params: ['NOTIFY=NEVER', 'ORCPT=rfc822;a+2Bb+3Dc@one.test'] }),
  ]);
  assert.equal(entry.due, START);
  const some = { ...act, recipients: ['b@two.test'] };
  assert.equal((await desk.orders.act('m2', some, EVA)).result, 'done');
  assert.equal((await spool.get('m2'))!.state, 'held');
  const again = { ...act, recipients: ['a@one.test'] };
  assert.equal((await desk.orders.act('m2', again, EVA)).result, 'done');
  assert.deepEqual(
    (await spool.get('m2'))!.recipients.map((r) => r.address),
    ['new@home.test'],
  );
  const back = { ...act, to: 'c@THREE.test' };
  assert.equal((await desk.orders.act('m1', back, EVA)).result, 'unfit');
});

test('considering an order tells what it would come to and does nothing', async () => {
  const { desk, spool, said } = await rig([metaOf(), heldBy('x', { id: 'm2' })]);
  for (const act of EVERY) {
    const fits = act.verb !== 'release';
    assert.equal((await desk.orders.consider('m1', act)).result, fits ? 'would' : 'unfit');
    const fitsHeld = act.verb !== 'retry' && act.verb !== 'hold';
    assert.equal((await desk.orders.consider('m2', act)).result, fitsHeld ? 'would' : 'unfit');
  }
  assert.deepEqual(said, []);
  assert.deepEqual([await spool.get('m1'), await spool.get('m2')], [metaOf(), heldBy('x', { id: 'm2' })]);
});

test('orders that cross are each answered truthfully', async () => {
  for (let n = 0; n < 30; n++) {
    const { desk, spool } = await rig([metaOf()]);
    const [deleted, held, retried, claimed] = await Promise.all([
      desk.orders.act('m1', { verb: 'delete', reason: '' }, EVA),
      desk.orders.act('m1', { verb: 'hold', reason: 'r' }, EVA),
      desk.orders.act('m1', { verb: 'retry' }, EVA),
      spool.claim('w', START + 2 * HOUR, 1000, 1),
    ]);
    const left = await spool.get('m1');
    assert.equal(left === null, deleted.result === 'done');
    if (claimed.length > 0) assert.equal(left?.state, 'leased');
    if (left?.state === 'held') assert.equal(held.result, 'done');
    assert.ok(['done', 'absent', 'busy', 'unfit'].includes(retried.result));
  }
});

test('names of operators and mailboxes are taken as they are or not at all', () => {
  assert.equal(operatorOf('eva\r\nx'), 'operator:eva??x');
  assert.equal(operatorOf(''), 'operator:unknown');
  assert.equal(operatorOf('x'.repeat(100)).length, 'operator:'.length + 64);
  assert.equal(mailboxOf(' a@b.test '), 'a@b.test');
  assert.equal(mailboxOf('jürgen@b.test'), 'j\xc3\xbcrgen@b.test');
  for (const none of ['', 'a', 'a@', '@b', 'a b@c', '<a@b>', 'a@b>\r\nDATA', 'a@b, c@d'])
    assert.equal(mailboxOf(none), null, none);
});
