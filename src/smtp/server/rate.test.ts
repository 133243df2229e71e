import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { ConnectionRate } from './rate.ts';

/** How many of `tries` connections are admitted. */
const admitted = (rate: ConnectionRate, most: number, tries: number, client = '192.0.2.1'): number =>
  Array.from({ length: tries }, () => rate.admit(client, most)).filter(Boolean).length;

test('each client has its rate: none, one, many, and no bound', () => {
  for (const most of [0, 1, 5]) {
    const rate = new ConnectionRate(new ManualClock());
    assert.equal(admitted(rate, most, 20), most);
    assert.equal(admitted(rate, most, 20, '192.0.2.2'), most);
  }
  assert.equal(admitted(new ConnectionRate(new ManualClock()), Infinity, 1000), 1000);
});

test('over any minute a client gets its rate, about, however it places its connections', () => {
  const clock = new ManualClock();
  const rate = new ConnectionRate(clock);
  const when: number[] = [];
  for (let at = 0; at < 600_000; at += 100) {
    if (rate.admit('192.0.2.1', 60)) when.push(at);
    clock.advance(100);
  }
  for (let from = 0; from <= 540_000; from += 5000) {
    const within = when.filter((at) => at >= from && at < from + 60_000).length;
    assert.ok(within <= 66, `${within} within the minute from ${from}`);
  }
  assert.ok(when.length >= 500, `${when.length} in ten minutes`);
});

test('who waits for a minute or two has the whole rate again', () => {
  const clock = new ManualClock();
  const rate = new ConnectionRate(clock);
  assert.equal(admitted(rate, 10, 20), 10);
  clock.advance(59_999);
  assert.equal(admitted(rate, 10, 20), 0);
  clock.advance(60_001);
  assert.equal(admitted(rate, 10, 20), 10);
});

test('a flood of addresses is held to the rate each, and forgotten in time: counts of two minutes are kept at most', () => {
  const rate = new ConnectionRate(new ManualClock());
  const address = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
  assert.equal(admitted(rate, 10, 20), 10);
  // One flood too large for one table: the client is still known from the earlier table, which has its full weight.
  for (let i = 0; i < 20_000; i++) assert.ok(rate.admit(address(i), 10));
  assert.equal(admitted(rate, 10, 20), 0);
  for (let i = 20_000; i < 60_000; i++) assert.ok(rate.admit(address(i), 10));
  assert.equal(admitted(rate, 10, 20), 10);
});
