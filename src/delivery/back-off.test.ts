import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { status } from '#message';
import { BackOff, FIRST_BACK_OFF, LONGEST_BACK_OFF, MAX_TROUBLED, backOffWait } from './back-off.ts';
import {
  DAY,
  LATER,
  MINUTE,
  NEVER,
  OK,
  START,
  agentThat,
  calm,
  entryTo,
  rigWith,
  until,
} from './rig.cases.ts';
import type { Agent, Attempt, Outcome } from './agent.ts';

const RETRY = [2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 60 * MINUTE];
const REFUSED = status(451, '4.4.1', 'connection refused', 'hop');
const FAR = START + 5 * DAY;

function backOffAt(random = 0) {
  const clock = new ManualClock(START);
  const heard: string[] = [];
  const notices = (name: string): void => void heard.push(name);
  const backOff = new BackOff({ clock, notices, expiryNow: () => clock.now(), random: () => random });
  return { clock, heard, backOff, fail: () => backOff.unreached('hop', REFUSED, RETRY) };
}

test('waits double from half a minute to half an hour, and the retry list bounds them', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((n) => backOffWait(n, RETRY));
  assert.deepEqual(
    waits.map((ms) => ms / MINUTE),
    [0.5, 1, 2, 4, 8, 16, 30, 30, 30],
  );
  assert.equal(backOffWait(1, RETRY), FIRST_BACK_OFF);
  assert.equal(backOffWait(1_000_000, RETRY), LONGEST_BACK_OFF);
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => backOffWait(n, [1000, 2000])),
    [1000, 2000, 2000, 2000],
  );
});

test('after a vain attempt everybody waits, then one probes and the others wait for it', () => {
  const { clock, backOff, fail, heard } = backOffAt();
  assert.equal(backOff.ask('hop', FAR), 'go');
  assert.equal(backOff.ask('hop', FAR), 'go', 'nothing is known yet');
  fail();
  fail();
  assert.deepEqual(heard, ['delivery.unreached'], 'attempts made together are one round');
  assert.equal(backOff.ask('hop', FAR), FIRST_BACK_OFF);
  assert.equal(backOff.waitFor('hop', FAR), FIRST_BACK_OFF);
  assert.equal(backOff.ask('other', FAR), 'go');
  clock.advance(FIRST_BACK_OFF - 1);
  assert.equal(backOff.ask('hop', FAR), 1);
  clock.advance(1);
  assert.equal(backOff.waitFor('hop', FAR), 0);
  assert.equal(backOff.ask('hop', FAR), 'go');
  assert.ok(Number(backOff.ask('hop', FAR)) >= 10_000, 'somebody is probing');
  backOff.abandoned('hop');
  assert.equal(backOff.ask('hop', FAR), 'go', 'the probe was not made: the next one makes it');
  fail();
  assert.equal(backOff.ask('hop', FAR), 2 * FIRST_BACK_OFF);
  assert.deepEqual(backOff.list(), [
    { destination: 'hop', failures: 2, until: clock.now() + 2 * FIRST_BACK_OFF, status: REFUSED },
  ]);
  backOff.reached('hop');
  assert.equal(backOff.ask('hop', FAR), 'go');
  assert.deepEqual(backOff.list(), []);
  assert.deepEqual(heard, ['delivery.unreached', 'delivery.unreached', 'delivery.reached-again']);
});

test('waits are lengthened by up to a tenth, and those who wait come back apart', () => {
  const { backOff, fail } = backOffAt(1);
  fail();
  const { until } = backOff.list()[0]!;
  assert.equal(until - START, FIRST_BACK_OFF * 1.1);
  assert.equal(backOff.ask('hop', FAR), FIRST_BACK_OFF * 1.1 * 1.1);
});

test('an entry whose time is over gets a last attempt, or the answer of one that was made after its end', () => {
  const { clock, backOff, fail } = backOffAt();
  const end = START + 10;
  fail();
  assert.equal(backOff.ask('hop', end), FIRST_BACK_OFF);
  clock.advance(10);
  assert.equal(backOff.waitFor('hop', end), 0);
  assert.equal(backOff.ask('hop', end), 'go');
  fail();
  assert.equal(backOff.ask('hop', end), REFUSED);
  assert.equal(backOff.ask('hop', end + 1), FIRST_BACK_OFF - 10);
});

test('the destinations remembered are bounded: the one longest in trouble is forgotten', () => {
  const { backOff } = backOffAt();
  for (let n = 0; n <= MAX_TROUBLED; n++) backOff.unreached(`d${n}`, REFUSED, RETRY);
  assert.equal(backOff.list().length, MAX_TROUBLED);
  assert.equal(backOff.ask('d0', FAR), 'go');
  assert.equal(backOff.ask('d1', FAR), FIRST_BACK_OFF);
});

/** An agent whose hop is there or not, and which remembers when it was asked. */
function hopThat(now: () => number): Agent & { there: boolean; readonly at: number[] } {
  return {
    there: false,
    at: [],
    async deliver({ recipients }: Attempt): Promise<readonly Outcome[]> {
      this.at.push(now());
      return recipients.map(({ address }) =>
        this.there ? { address, status: OK } : { address, status: REFUSED, unreached: true },
      );
    },
    close: () => Promise.resolve(),
  };
}

test('Q01: fifty messages for a hop that is down make few attempts, further and further apart, and all arrive when it is back', async () => {
  const hop = hopThat(() => rig.clock.now() - START);
  const rig = rigWith(hop, {
    retry: RETRY,
    concurrency: { total: 10, perDestination: 2 },
    random: Math.random,
  });
  for (let n = 0; n < 50; n++) await rig.spool.commit(entryTo(['u@x'], { id: `m${n}` }));
  rig.delivery.wake();
  await until(() => rig.heard.length >= 2 && rig.delivery.inFlight === 0);
  const first = hop.at.length;
  assert.ok(first <= 2, `${first} attempts before it was known`);
  assert.equal(rig.spool.totals().queued, 50);
  const step = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 5000) {
      rig.clock.advance(5000);
      await calm();
    }
  };
  await step(30 * MINUTE);
  const rounds = hop.at.length - first;
  assert.ok(rounds >= 4 && rounds <= 7, `${rounds} probes in half an hour`);
  const gaps = hop.at.slice(first).map((at, n, all) => at - (all[n - 1] ?? 0));
  for (let n = 1; n < gaps.length; n++) assert.ok(gaps[n]! > gaps[n - 1]!, gaps.join());
  assert.equal(rig.delivery.troubled.length, 1);
  hop.there = true;
  await step(40 * MINUTE);
  assert.deepEqual(rig.spool.totals(), { queued: 0, leased: 0, held: 0 });
  assert.equal(rig.heard.filter((h) => h.name === 'delivery.delivered').length, 50);
  assert.deepEqual(rig.delivery.troubled, []);
  await rig.delivery.stop(0);
});

test('entries that wait for a destination expire after one real attempt there, each with its notice', async () => {
  const hop = hopThat(() => rig.clock.now() - START);
  const rig = rigWith(hop, {
    retry: [DAY],
    newId: (
      (n) => () =>
        `notice${n++}`
    )(1),
    routes: [
      { match: ({ entry }) => entry.sender === '', agent: agentThat(() => OK), destinationKey: 'us' },
      { match: () => true, agent: hop, destinationKey: 'hop' },
    ],
  });
  for (let n = 0; n < 5; n++)
    await rig.spool.commit(entryTo(['u@x'], { id: `m${n}`, expiresAt: START + MINUTE }));
  rig.delivery.wake();
  await until(() => rig.heard.length > 0 && rig.delivery.inFlight === 0);
  const before = hop.at.length;
  for (let n = 0; n < 10; n++) {
    rig.clock.advance(10_000);
    await calm();
  }
  const expired = rig.heard.filter((h) => h.name === 'delivery.expired');
  assert.equal(expired.length, 5);
  assert.ok(
    hop.at.some((at) => at >= MINUTE),
    'tried after the end',
  );
  assert.ok(hop.at.length > before);
  assert.equal(rig.heard.filter((h) => h.name === 'delivery.notice-made').length, 5);
  assert.deepEqual(rig.spool.totals(), { queued: 0, leased: 0, held: 0 });
  await rig.delivery.stop(0);
});

test('a host that answers is no destination in trouble, whatever it answers', async () => {
  const rig = rigWith(agentThat((address) => (address === 'a@x' ? LATER : NEVER)));
  await rig.spool.commit(entryTo(['a@x', 'b@x'], { sender: '' }));
  rig.delivery.wake();
  await until(() => rig.heard.some((h) => h.name === 'delivery.deferred') && rig.delivery.inFlight === 0);
  assert.deepEqual(rig.delivery.troubled, []);
  await rig.delivery.stop(0);
});

test('an attempt in which nobody was asked says nothing of the destination', async () => {
  let tries = 0;
  const agent: Agent = {
    deliver({ recipients }) {
      if (++tries > 1) throw new Error('a mistake of ours');
      return Promise.resolve(recipients.map(({ address }) => ({ address, status: LATER, unreached: true })));
    },
    close: () => Promise.resolve(),
  };
  const rig = rigWith(agent);
  await rig.spool.commit(entryTo(['a@x']));
  rig.delivery.wake();
  await until(() => rig.delivery.troubled.length === 1 && rig.delivery.inFlight === 0);
  const [before] = rig.delivery.troubled;
  for (let n = 0; n < 30; n++) {
    rig.clock.advance(10_000);
    await calm();
  }
  assert.ok(tries >= 2);
  await until(() => rig.delivery.inFlight === 0);
  assert.equal(rig.delivery.troubled[0]?.failures, before!.failures);
  assert.ok(rig.heard.every((h) => h.name !== 'delivery.reached-again'));
  await rig.delivery.stop(0);
});
