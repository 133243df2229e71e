import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { descriptorLimit, sessionsWithin } from './descriptors.ts';
import { eventLoopDelay } from './event-loop.ts';
import { LOOK_AT_LOOP, Shedding } from './shedding.ts';

/** A shedding whose loop is as late, and which has as many sessions, as the test says. */
function scene(loopDelay = 500, maxSessions = Infinity) {
  const clock = new ManualClock();
  const told: string[] = [];
  const facts = { late: 0, sessions: 0 };
  const shedding = new Shedding({
    clock,
    notices: (name, fields) => told.push(`${name} ${JSON.stringify(fields)}`),
    loop: { mean: () => facts.late, stop: () => (facts.late = 0) },
    sessions: () => facts.sessions,
  });
  shedding.reconfigure({ loopDelay, maxSessions });
  /** The loop is so late at the next look. */
  const look = (late: number): boolean => {
    facts.late = late;
    clock.advance(LOOK_AT_LOOP);
    return shedding.busy();
  };
  return { shedding, facts, told, look, clock };
}

test('a loop that stays late refuses connections until it is well below the bound, told once each', () => {
  const { look, told } = scene();
  assert.deepEqual(
    [501, 0, 501, 501, 900, 400, 251, 250, 501, 500, 501].map((late) => look(late)),
    [false, false, false, true, true, true, true, false, false, false, false],
  );
  assert.deepEqual(told, [
    'gateway.shedding {"cause":"event-loop","delayMs":501}',
    'gateway.shedding-over {"cause":"event-loop","refused":4}',
  ]);
});

test('exactly the bound is bearable, and 0 is no bound', () => {
  const at = scene(500);
  for (let i = 0; i < 5; i++) assert.equal(at.look(500), false);
  const off = scene(0);
  for (let i = 0; i < 5; i++) assert.equal(off.look(60_000), false);
  assert.deepEqual([...at.told, ...off.told], []);
});

test('a reload that takes the bound away ends it', () => {
  const { shedding, look } = scene();
  look(900);
  assert.ok(look(900));
  shedding.reconfigure({ loopDelay: 0, maxSessions: Infinity });
  assert.equal(look(900), false);
});

test('connections beyond what the descriptors are enough for are refused until there is room', () => {
  const { shedding, facts, told, look } = scene(500, 20);
  facts.sessions = 19;
  assert.equal(shedding.busy(), false);
  facts.sessions = 20;
  for (let i = 0; i < 3; i++) assert.equal(shedding.busy(), true);
  facts.sessions = 19;
  assert.equal(shedding.busy(), false);
  look(0);
  assert.equal(told.length, 1);
  facts.sessions = 17;
  look(0);
  assert.deepEqual(told, [
    'gateway.shedding {"cause":"descriptors","sessions":20}',
    'gateway.shedding-over {"cause":"descriptors","refused":3}',
  ]);
});

test('when it has stopped nothing is refused and nothing looked at', () => {
  const { shedding, look, told } = scene();
  look(900);
  look(900);
  shedding.stop();
  assert.equal(look(900), false);
  assert.equal(told.length, 1);
});

test('the share of clients leaves room for everything else, and is never nothing', () => {
  assert.equal(sessionsWithin(256, 0), 96);
  assert.equal(sessionsWithin(256, 2), 48);
  assert.equal(sessionsWithin(64, 0), 1);
  assert.equal(sessionsWithin(Infinity, 5), Infinity);
  assert.ok(descriptorLimit() >= 64);
});

test('a blocked event loop is seen as late, a calm one is not', async () => {
  const delay = eventLoopDelay();
  const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 25));
  const block = (ms: number): void => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  };
  await turn();
  await turn();
  delay.mean();
  for (let i = 0; i < 2; i++) {
    block(200);
    await turn();
  }
  assert.ok(delay.mean() > 40);
  delay.stop();
  assert.equal(delay.mean(), 0);
});
