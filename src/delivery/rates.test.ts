import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '#clock';
import { OK, START, MINUTE, agentThat, calm, entryTo, rigWith, until } from './rig.cases.ts';
import { LONGEST_WAIT, MAX_DESTINATIONS, Rates } from './rates.ts';

const RATE = { messages: 10, ms: 60_000 };

test('so many messages go at once, the next when the oldest is a period old', () => {
  const clock = new ManualClock(START);
  const rates = new Rates(clock);
  for (let i = 0; i < 10; i++) assert.equal(rates.take('a', RATE), 0);
  const wait = rates.take('a', RATE);
  assert.ok(wait >= 60_000 && wait <= 66_000, `${wait}`);
  assert.equal(rates.take('b', RATE), 0, 'another destination has a rate of its own');
  clock.advance(wait - 1);
  assert.ok(rates.take('a', RATE) > 0);
  clock.advance(1);
  assert.equal(rates.take('a', RATE), 0);
});

test('in no period there are more than the rate allows, and most of it can be used', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 300 }),
      (messages, waits) => {
        const clock = new ManualClock(START);
        const rates = new Rates(clock);
        const went: number[] = [];
        for (const wait of waits) {
          clock.advance(wait);
          if (rates.take('a', { messages, ms: 1000 }) === 0) went.push(clock.elapsed());
        }
        for (const [i, at] of went.entries()) assert.ok(!(went[i + messages]! - at <= 1000));
      },
    ),
  );
  const clock = new ManualClock(START);
  const rates = new Rates(clock);
  let went = 0;
  for (let ms = 0; ms < 60_000; ms += 10, clock.advance(10))
    if (rates.take('a', { messages: 100, ms: 1000 }) === 0) went++;
  assert.ok(went > 5400 && went <= 6000, `${went} of 6000`);
});

test('those who must wait are told different times, in step with the rate, none too far away', () => {
  const clock = new ManualClock(START);
  const rates = new Rates(clock);
  for (let i = 0; i < 10; i++) rates.take('a', RATE);
  const waits = Array.from({ length: 500 }, () => rates.take('a', RATE));
  for (let i = 1; i < 80; i++) assert.equal(waits[i]! - waits[i - 1]!, 6000);
  assert.equal(Math.max(...waits), LONGEST_WAIT);
});

test('a changed rate begins anew', () => {
  const rates = new Rates(new ManualClock(START));
  assert.equal(rates.take('a', { messages: 1, ms: 1000 }), 0);
  assert.ok(rates.take('a', { messages: 1, ms: 1000 }) > 0);
  assert.equal(rates.take('a', { messages: 1, ms: 2000 }), 0);
});

test('destinations are forgotten when they are at rest, or beyond the bound', () => {
  const clock = new ManualClock(START);
  const rates = new Rates(clock);
  for (let i = 0; i < MAX_DESTINATIONS + 5; i++) rates.take(`d${i}`, RATE);
  assert.equal(rates.size, MAX_DESTINATIONS);
  clock.advance(10 * MINUTE);
  rates.take('new', RATE);
  assert.equal(rates.size, 1);
});

test('a message beyond the rate of its route goes back untried, and comes when its turn is', async () => {
  const agent = agentThat(() => OK);
  const rig = rigWith(agent, {
    routes: [
      { match: () => true, agent, destinationKey: 'hop', limits: { rate: { messages: 2, ms: MINUTE } } },
    ],
  });
  for (let i = 1; i <= 6; i++) await rig.spool.commit(entryTo([`r${i}@x`], { id: `m${i}` }));
  rig.delivery.wake();
  await until(() => agent.attempts.length === 2 && rig.delivery.inFlight === 0);
  assert.equal(rig.names().filter((n) => n === 'delivery.rate-limited').length, 4);
  const left = await rig.spool.list({ limit: 10 });
  assert.ok(left.every((e) => e.recipients[0]!.attempts === 0 && e.due > START));
  for (let i = 0; i < 4; i++) {
    rig.clock.advance(MINUTE);
    await calm();
  }
  await until(() => agent.attempts.length === 6);
  await rig.delivery.stop(0);
});

test('a route has a concurrency of its own', async () => {
  let go = (): void => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  const agent = agentThat(async () => (await gate, OK));
  const rig = rigWith(agent, {
    routes: [{ match: () => true, agent, destinationKey: 'hop', limits: { concurrency: 2 } }],
  });
  for (let i = 1; i <= 5; i++) await rig.spool.commit(entryTo([`r${i}@x`], { id: `m${i}` }));
  rig.delivery.wake();
  await until(() => agent.attempts.length === 2);
  await calm();
  assert.equal(agent.attempts.length, 2);
  go();
  await until(() => agent.attempts.length === 5);
  await rig.delivery.stop(0);
});
