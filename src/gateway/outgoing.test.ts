import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { loadConfig } from '#gateway/config';
import type { EntryContent, EntryMeta } from '#spool';
import { deliveryElsewhere, TELL_EVERY } from './outgoing.ts';

const meta = {} as EntryMeta;
const content = {} as EntryContent;

test('an entry for another process is not leased, and the word of it is given at once', () => {
  let told = 0;
  const { handOver } = deliveryElsewhere(() => told++, new ManualClock(1000));
  assert.equal(handOver.lease(), null);
  handOver.accepted(meta, content);
  assert.equal(told, 1);
});

test('entries within a few milliseconds share one further word, and none is forgotten', () => {
  let told = 0;
  const clock = new ManualClock(1000);
  const { handOver } = deliveryElsewhere(() => told++, clock);
  for (let i = 0; i < 100; i++) handOver.accepted(meta, content);
  assert.equal(told, 1);
  clock.advance(TELL_EVERY - 1);
  handOver.accepted(meta, content);
  assert.equal(told, 1);
  clock.advance(1);
  assert.equal(told, 2);
  clock.advance(1000);
  assert.equal(told, 2, 'nothing came since');
  handOver.accepted(meta, content);
  assert.equal(told, 3);
});

test('a word that waits is given when the process ends, once', async () => {
  let told = 0;
  const clock = new ManualClock(1000);
  const outgoing = deliveryElsewhere(() => told++, clock);
  outgoing.handOver.accepted(meta, content);
  outgoing.handOver.accepted(meta, content);
  await outgoing.stop(100);
  await outgoing.stop(0);
  clock.advance(1000);
  assert.equal(told, 2);
});

test('a new configuration changes nothing about delivery elsewhere', () => {
  const loaded = loadConfig({ text: '', name: 'test' }, { env: {} });
  assert.ok(loaded.ok);
  let told = 0;
  const outgoing = deliveryElsewhere(() => told++, new ManualClock());
  outgoing.prepare(loaded.config)();
  assert.equal(told, 0);
});
