import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { latin1 } from '#message';
import { HeldExpiry, heldExpirySettings, type HeldExpirySettings } from './held-expiry.ts';
import { DAY, heldBy, HOUR, metaOf, rig, START } from './rig.cases.ts';

type Rig = Awaited<ReturnType<typeof rig>>;

function begin(
  { config, spool, around, desk, newId }: Rig,
  more: Partial<HeldExpirySettings> = {},
): HeldExpiry {
  const settings = { ...heldExpirySettings(config), ...more };
  return new HeldExpiry({ spool, newId, wake: desk.wake, trail: desk.trail, ...around }, settings);
}

/** Moves the clock, an hour at a time, and lets what that begins end. */
async function pass(r: Rig, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= HOUR) {
    r.clock.advance(Math.min(left, HOUR));
    for (let n = 0; n < 20; n++) await turn();
  }
}

const ids = async ({ spool }: Rig): Promise<string[]> => (await spool.list({ limit: 9 })).map((e) => e.id);

test('held entries end when they were held for too long, with a notice to the sender; others stay', async () => {
  const held = heldBy('f', {
    id: '001',
    receivedAt: START - DAY,
    hold: { reason: 'r', by: 'f', since: START },
  });
  const r = await rig([held, heldBy('g', { id: '002', receivedAt: START - 2 * DAY }), metaOf({ id: '003' })]);
  const expiry = begin(r);
  await pass(r, 28 * DAY - HOUR);
  assert.deepEqual(await ids(r), ['001', '002', '003']);
  await pass(r, 2 * HOUR);
  const [first, third, notice] = await r.spool.list({ limit: 9 });
  assert.deepEqual([first!.id, third!.id], ['001', '003']);
  assert.deepEqual([notice!.sender, notice!.recipients[0]!.address], ['', 'from@sender.test']);
  const text = latin1(Buffer.concat((await r.spool.content(notice!.id))!.body.chunks!));
  assert.match(text, /a@one\.test/);
  assert.match(text, /4\.7/);
  assert.match(text, /nobody released it/);
  const told = r.said.find((n) => n.name === 'queue.hold-expired')!;
  assert.deepEqual([told.fields['id'], told.fields['by'], told.fields['notice']], ['002', 'g', notice!.id]);
  assert.equal(r.woken(), 1);
  await pass(r, 2 * DAY);
  assert.ok(!(await ids(r)).includes('001'));
  await expiry.stop();
});

for (const days of [30, 100])
  test(`Q19: a hold time of ${days} days ends neither at once nor early, and costs a look an hour`, async () => {
    const r = await rig([heldBy('f', { id: '001' })]);
    const list = r.spool.list.bind(r.spool);
    let looks = 0;
    r.spool.list = (options) => {
      looks++;
      return list(options);
    };
    const expiry = begin(r, { holdExpire: days * DAY });
    await pass(r, days * DAY - HOUR);
    assert.deepEqual(
      (await list({ limit: 9 })).map((e) => e.id),
      ['001'],
    );
    assert.ok(looks <= 2 * days * 24, `${looks} looks`);
    assert.equal(r.said.filter((n) => n.name === 'queue.hold-expired').length, 0);
    await pass(r, 2 * HOUR);
    assert.equal(r.said.filter((n) => n.name === 'queue.hold-expired').length, 1);
    await expiry.stop();
  });

test('where so configured nobody is told, but the log is', async () => {
  const r = await rig([heldBy('f')]);
  const expiry = begin(r, { holdExpired: 'discard', holdExpire: HOUR });
  await pass(r, HOUR + 1000);
  assert.deepEqual(await ids(r), []);
  assert.equal(r.said.filter((n) => n.name === 'queue.hold-expired').length, 1);
  assert.equal(r.said.filter((n) => n.name === 'delivery.expired').length, 2);
  assert.equal(r.said.filter((n) => n.name === 'delivery.notice-made').length, 0);
  await expiry.stop();
});

test('a shorter time counts at once; after the end nothing happens any more', async () => {
  const r = await rig([
    heldBy('f'),
    heldBy('f', { id: '2', hold: { reason: '', by: '', since: START + DAY } }),
  ]);
  const expiry = begin(r);
  await pass(r, HOUR);
  expiry.reconfigure({ ...heldExpirySettings(r.config), holdExpire: HOUR });
  for (let n = 0; n < 20; n++) await turn();
  assert.deepEqual(
    (await r.spool.list({ limit: 9, state: 'held' })).map((e) => e.id),
    ['2'],
  );
  await expiry.stop();
  await pass(r, 3 * DAY);
  assert.deepEqual(
    (await r.spool.list({ limit: 9, state: 'held' })).map((e) => e.id),
    ['2'],
  );
});

test('one that cannot be ended keeps no other one, and is tried again', async () => {
  const r = await rig([heldBy('f', { id: 'm1' }), heldBy('f', { id: 'm2' })]);
  const amend = r.spool.amend.bind(r.spool);
  r.spool.amend = (seen, ...rest) =>
    seen.id === 'm1' ? Promise.reject(new RangeError('no')) : amend(seen, ...rest);
  const expiry = begin(r);
  await pass(r, 30 * DAY);
  const held = async (): Promise<string[]> =>
    (await r.spool.list({ limit: 9, state: 'held' })).map((e) => e.id);
  assert.deepEqual(await held(), ['m1']);
  assert.ok(r.said.some((n) => n.name === 'queue.sweep-failed' && n.fields['id'] === 'm1'));
  r.spool.amend = amend;
  await pass(r, HOUR);
  assert.deepEqual(await held(), []);
  await expiry.stop();
});

test('P30: a clock that jumps forward ends nobody, and trouble of the spool ends in another look', async () => {
  const r = await rig([heldBy('f')]);
  const now = r.clock.now.bind(r.clock);
  const list = r.spool.list.bind(r.spool);
  const expiry = begin(r);
  await pass(r, HOUR);
  r.clock.now = () => now() + 100 * DAY;
  await pass(r, 2 * HOUR);
  assert.deepEqual(await ids(r), ['m1']);
  r.clock.now = now;
  r.spool.list = () => Promise.reject(new RangeError('no'));
  await pass(r, 2 * HOUR);
  assert.ok(r.said.some((n) => n.name === 'queue.sweep-failed'));
  r.spool.list = list;
  await pass(r, 30 * DAY);
  assert.equal((await r.spool.list({ limit: 9, state: 'held' })).length, 0);
  await expiry.stop();
});
