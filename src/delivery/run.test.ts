import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '#message';
import { MemorySpool, SpoolError } from '#spool';
import type { EntryMeta, NewEntry, Settlement } from '#spool';
import { PATIENCE } from './lanes.ts';
import { LEASE_MS } from './options.ts';
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
import type { Rig } from './rig.cases.ts';

async function commit(rig: Rig, entry: NewEntry): Promise<void> {
  await rig.spool.commit(entry);
  rig.delivery.wake();
}

const stateOf = async (rig: Rig, id = 'm1'): Promise<EntryMeta> => (await rig.spool.get(id))!;
/** The entry was taken, something was told about it, and it is back in the queue. */
const queued =
  (rig: Rig, id = 'm1') =>
  async () =>
    rig.heard.length > 0 && (await rig.spool.get(id))?.state === 'queued';
const gone =
  (rig: Rig, id = 'm1') =>
  async () =>
    (await rig.spool.get(id)) === null;

/** An entry leased to `us`, as intake commits it. */
function leased(entry: NewEntry): NewEntry {
  const lease = { owner: 'us', token: `t-${entry.meta.id}`, until: START + LEASE_MS };
  return { ...entry, meta: { ...entry.meta, state: 'leased', lease } };
}

test('a due entry is delivered once and leaves the queue', async () => {
  const agent = agentThat(() => OK);
  const rig = rigWith(agent);
  await commit(rig, entryTo(['a@x', 'b@x']));
  await until(gone(rig));
  assert.deepEqual(agent.asked, [['a@x', 'b@x']]);
  assert.deepEqual(rig.names(), ['delivery.delivered', 'delivery.delivered']);
  assert.equal(rig.delivery.inFlight, 0);
  await rig.delivery.stop(0);
});

test('a deferred entry comes back by the retry list', async () => {
  const times: number[] = [];
  const rig: Rig = rigWith(
    agentThat(() => {
      times.push(rig.clock.now() - START);
      return LATER;
    }),
  );
  await commit(rig, entryTo(['a@x']));
  await until(queued(rig));
  for (const wait of [2 * MINUTE, 5 * MINUTE, 5 * MINUTE]) {
    const before = times.length;
    rig.clock.advance(wait - 1);
    await calm();
    assert.equal(times.length, before, 'not before its time');
    rig.clock.advance(1);
    await until(() => times.length > before);
    await until(queued(rig));
  }
  assert.deepEqual(
    times,
    [0, 2, 7, 12].map((m) => m * MINUTE),
  );
  const meta = await stateOf(rig);
  assert.equal(meta.recipients[0]!.attempts, 4);
  assert.deepEqual(meta.recipients[0]!.lastStatus, LATER);
  assert.deepEqual(new Set(rig.names()), new Set(['delivery.deferred']));
  await rig.delivery.stop(0);
});

test('a retry of 100 days is neither fired at once nor forgotten', async () => {
  const agent = agentThat(() => LATER);
  const rig = rigWith(agent, { retry: [100 * DAY] });
  await commit(rig, entryTo(['a@x'], { expiresAt: START + 1000 * DAY }));
  await until(queued(rig));
  assert.equal((await stateOf(rig)).due, START + 100 * DAY);
  for (let d = 0; d < 99; d += 33) {
    rig.clock.advance(33 * DAY);
    await calm();
  }
  assert.equal(agent.asked.length, 1);
  rig.clock.advance(DAY);
  await until(() => agent.asked.length === 2);
  await rig.delivery.stop(0);
});

test('each recipient has its own outcome: only those deferred are tried again, one notice about those refused', async () => {
  const agent = agentThat((a) => (/^(ok|from)/.test(a) ? OK : a.startsWith('no') ? NEVER : LATER));
  const rig = rigWith(agent);
  await commit(rig, entryTo(['ok1@x', 'no1@x', 'later@x', 'no2@x', 'ok2@x']));
  await until(queued(rig));
  assert.deepEqual(
    (await stateOf(rig)).recipients.map((r) => r.state),
    ['delivered', 'failed', 'pending', 'failed', 'delivered'],
  );
  await until(gone(rig, 'notice1'));
  assert.deepEqual(agent.asked[1], ['from@test']);
  assert.equal(agent.attempts[1]!.entry.sender, '');
  rig.clock.advance(2 * MINUTE);
  await until(() => agent.asked.length === 3);
  assert.deepEqual(agent.asked[2], ['later@x']);
  assert.equal(rig.names().filter((n) => n === 'delivery.notice-made').length, 1);
  await rig.delivery.stop(0);
});

test('an expired entry is given up with one notice after a last attempt (Q21)', async () => {
  const agent = agentThat((_, { entry }) => (entry.sender === '' ? OK : LATER));
  const rig = rigWith(agent, { retry: [3 * DAY] });
  await commit(rig, entryTo(['a@x', 'b@x']));
  await until(queued(rig));
  rig.clock.advance(3 * DAY);
  await until(async () => agent.asked.length === 2 && (await queued(rig)()));
  assert.equal((await stateOf(rig)).due, START + 5 * DAY, 'the last attempt is at the end of its life');
  rig.clock.advance(2 * DAY);
  await until(gone(rig));
  await until(gone(rig, 'notice1'));
  assert.deepEqual(agent.asked, [['a@x', 'b@x'], ['a@x', 'b@x'], ['a@x', 'b@x'], ['from@test']]);
  assert.equal(rig.names().filter((n) => n === 'delivery.expired').length, 2);
  assert.equal(rig.names().filter((n) => n === 'delivery.notice-made').length, 1);
  await rig.delivery.stop(0);
});

test('a refused notice makes no notice', async () => {
  const rig = rigWith(agentThat(() => NEVER));
  await commit(rig, entryTo(['a@x'], { sender: '' }));
  await until(gone(rig));
  assert.deepEqual(rig.names(), ['delivery.no-notice', 'delivery.failed']);
  assert.deepEqual(rig.spool.totals(), { queued: 0, leased: 0, held: 0 });
  await rig.delivery.stop(0);
});

test('a result that the spool refuses as a mistake of ours is told once, and the entry is let go until its lease ends', async () => {
  class Mistaken extends MemorySpool {
    asked = 0;
    override settle(...args: Parameters<MemorySpool['settle']>): Promise<boolean> {
      if (this.asked++ > 0) return super.settle(...args);
      const [id, lease] = args;
      return super.settle(id, lease, { kind: 'retry', recipients: [], due: NaN });
    }
  }
  const spool = new Mistaken();
  const agent = agentThat(() => OK);
  const rig = rigWith(agent, { spool });
  await commit(rig, entryTo(['a@x']));
  await until(() => rig.names().includes('delivery.settle-fault') && rig.delivery.inFlight === 0);
  const { fields } = rig.heard.find(({ name }) => name === 'delivery.settle-fault')!;
  assert.deepEqual([fields['id'], fields['result']], ['m1', 'done']);
  assert.match(String(fields['error']), /IllegalMove/);
  rig.clock.advance(LEASE_MS - 1);
  await calm();
  assert.equal(spool.asked, 1, 'it is not offered again');
  assert.equal(agent.asked.length, 1);
  assert.equal((await stateOf(rig)).state, 'leased');
  rig.clock.advance(5001);
  await until(gone(rig));
  assert.equal(agent.asked.length, 2);
  await rig.delivery.stop(0);
});

test('the notice and the end of the entry happen in one step', async () => {
  class Watching extends MemorySpool {
    readonly settled: { result: Settlement; also: number }[] = [];
    override async settle(...args: Parameters<MemorySpool['settle']>): Promise<boolean> {
      this.settled.push({ result: args[2], also: args[3]?.length ?? 0 });
      return super.settle(...args);
    }
  }
  const spool = new Watching();
  const rig = rigWith(
    agentThat((_, { entry }) => (entry.sender === '' ? OK : NEVER)),
    { spool },
  );
  await commit(rig, entryTo(['a@x']));
  await until(() => spool.settled.length === 2);
  assert.deepEqual(spool.settled[0], { result: { kind: 'done' }, also: 1 });
  await rig.delivery.stop(0);
});

test('no route, a loop and an agent that fails are outcomes like others', async () => {
  const none = rigWith(
    agentThat(() => OK),
    { routes: [] },
  );
  await commit(none, entryTo(['a@x']));
  await until(queued(none));
  assert.equal((await stateOf(none)).recipients[0]!.lastStatus?.enhanced, '4.4.4');
  await none.delivery.stop(0);

  const agent = agentThat(() => OK);
  const loop = rigWith(agent);
  await commit(loop, entryTo(['a@x'], {}, 'Received: x\r\n'.repeat(101)));
  await until(() => loop.names().includes('delivery.notice-made'));
  const refused = loop.heard.find((h) => h.name === 'delivery.failed')!;
  assert.match(String(refused.fields['status']), /^554 5\.4\.6 /);
  await until(() => agent.asked.length > 0);
  assert.deepEqual(agent.asked, [['from@test']], 'only the notice was sent');
  await loop.delivery.stop(0);

  const broken = rigWith({
    deliver: () => Promise.reject(new Error('bug')),
    close: () => Promise.resolve(),
  });
  await commit(broken, entryTo(['a@x']));
  await until(queued(broken));
  assert.deepEqual(broken.names(), ['delivery.agent-error', 'delivery.deferred']);
  await broken.delivery.stop(0);
});

test('an agent that forgets a recipient leaves it for later', async () => {
  const rig = rigWith({
    deliver: async ({ recipients }) => [{ address: recipients[1]!.address, status: OK }],
    close: () => Promise.resolve(),
  });
  await commit(rig, entryTo(['a@x', 'b@x']));
  await until(queued(rig));
  assert.deepEqual(
    (await stateOf(rig)).recipients.map((r) => r.state),
    ['pending', 'delivered'],
  );
  await rig.delivery.stop(0);
});

test('a result is not recorded when the lease was lost meanwhile', async () => {
  let release!: () => void;
  const wait = new Promise<void>((r) => (release = r));
  const rig: Rig = rigWith(
    agentThat(async () => {
      await wait;
      return NEVER;
    }),
  );
  await commit(rig, entryTo(['a@x']));
  await until(() => rig.delivery.inFlight === 1);
  const [other] = await rig.spool.claim('other', START + LEASE_MS, LEASE_MS, 1);
  assert.equal(other?.id, 'm1');
  release();
  await until(() => rig.names().includes('delivery.lease-lost'));
  const now = await stateOf(rig);
  assert.equal(now.lease?.owner, 'other');
  assert.equal(now.recipients[0]!.state, 'pending');
  assert.equal(await rig.spool.get('notice1'), null, 'no notice either');
  await rig.delivery.stop(0);
});

test('leases are renewed while an attempt is under way, and a lost one breaks it off', async () => {
  let aborted = false;
  const rig: Rig = rigWith(
    agentThat(
      (_, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            resolve(LATER);
          });
        }),
    ),
  );
  await commit(rig, entryTo(['a@x']));
  await until(() => rig.delivery.inFlight === 1);
  for (let i = 1; i <= 3; i++) {
    rig.clock.advance(LEASE_MS / 3);
    await until(async () => (await stateOf(rig)).lease?.until === rig.clock.now() + LEASE_MS);
  }
  await rig.spool.claim('other', rig.clock.now() + 2 * LEASE_MS, LEASE_MS, 1);
  rig.clock.advance(LEASE_MS / 3);
  await until(() => aborted);
  await until(() => rig.delivery.inFlight === 0);
  assert.ok(rig.names().includes('delivery.lease-lost'));
  assert.equal((await stateOf(rig)).recipients[0]!.attempts, 0);
  await rig.delivery.stop(0);
});

test('an entry handed over in memory is delivered without reading the spool', async () => {
  class NoReading extends MemorySpool {
    override content(): Promise<never> {
      throw new Error('read');
    }
  }
  const agent = agentThat(() => OK);
  const rig = rigWith(agent, { spool: new NoReading() });
  const entry = leased(entryTo(['a@x']));
  await rig.spool.commit(entry);
  assert.equal(rig.delivery.offer(entry.meta, entry), true);
  await until(gone(rig));
  assert.deepEqual(agent.asked, [['a@x']]);
  assert.equal(rig.delivery.offer(entryTo(['a@x']).meta, entry), false, 'not leased to us');
  await rig.delivery.stop(0);
});

test('beyond its room delivery says so, and puts back what comes all the same', async () => {
  let release!: () => void;
  const wait = new Promise<void>((r) => (release = r));
  const agent = agentThat(async () => {
    await wait;
    return OK;
  });
  const rig = rigWith(agent, { concurrency: { total: 2, perDestination: 2 } });
  const entries = Array.from({ length: 9 }, (_, i) => leased(entryTo(['a@x'], { id: `m${i}` })));
  const offered: boolean[] = [];
  for (const entry of entries) {
    await rig.spool.commit(entry);
    offered.push(rig.delivery.offer(entry.meta, entry));
  }
  assert.deepEqual(offered, [...Array.from({ length: 8 }, () => true), false]);
  assert.equal(rig.delivery.hasRoom(), false);
  await until(async () => (await stateOf(rig, 'm8')).state === 'queued');
  assert.equal(agent.attempts.length, 2, 'no more attempts at once than allowed');
  release();
  rig.delivery.wake();
  await until(async () => (await rig.spool.nextDue()) === null);
  assert.equal(agent.attempts.length, 9);
  await rig.delivery.stop(0);
});

test('no more entries are claimed than may be attempted, and all get their turn', async () => {
  let now = 0;
  let most = 0;
  const agent = agentThat(async () => {
    most = Math.max(most, ++now);
    await new Promise((r) => setImmediate(r));
    now--;
    return OK;
  });
  const rig = rigWith(agent, { concurrency: { total: 3, perDestination: 3 } });
  for (let i = 0; i < 40; i++) await rig.spool.commit(entryTo(['a@x'], { id: `m${i}` }));
  rig.delivery.wake();
  await until(async () => {
    assert.ok(rig.delivery.inFlight <= 3);
    return (await rig.spool.nextDue()) === null;
  });
  assert.equal(agent.attempts.length, 40);
  assert.equal(most, 3);
  await rig.delivery.stop(0);
});

test('a dead-slow destination does not hold up the others (Q06)', async () => {
  const slow = agentThat(
    (_, { signal }) => new Promise((r) => signal.addEventListener('abort', () => r(LATER))),
  );
  const quick = agentThat(() => OK);
  const rig = rigWith(quick, {
    routes: [
      { match: (f) => f.recipient.address.endsWith('@slow'), agent: slow, destinationKey: 'slow' },
      { match: () => true, agent: quick, destinationKey: 'quick' },
    ],
    concurrency: { total: 10, perDestination: 2 },
  });
  for (let i = 0; i < 30; i++) await rig.spool.commit(entryTo(['a@slow'], { id: `a${i}`, due: START - 1 }));
  for (let i = 0; i < 50; i++) await rig.spool.commit(entryTo(['a@quick'], { id: `q${i}` }));
  rig.delivery.wake();
  for (let i = 0; i < 20 && quick.attempts.length < 50; i++) {
    rig.clock.advance(PATIENCE / 5);
    await calm();
    await new Promise((r) => setImmediate(r));
  }
  await until(() => quick.attempts.length === 50);
  assert.equal(slow.attempts.length, 2);
  const waiting = await stateOf(rig, 'a29');
  assert.equal(waiting.recipients[0]!.attempts, 0, 'waiting for room is no attempt');
  await rig.delivery.stop(0);
});

test('stopping waits for attempts under way and puts back the rest', async () => {
  let release!: () => void;
  const wait = new Promise<void>((r) => (release = r));
  const agent = agentThat(async () => {
    await wait;
    return OK;
  });
  const rig = rigWith(agent, { concurrency: { total: 10, perDestination: 1 } });
  await rig.spool.commit(entryTo(['a@x'], { id: 'm1' }));
  await rig.spool.commit(entryTo(['b@x'], { id: 'm2' }));
  rig.delivery.wake();
  await until(() => rig.delivery.inFlight === 2);
  const stopped = rig.delivery.stop(MINUTE);
  await until(queued(rig, 'm2'));
  assert.equal((await stateOf(rig, 'm2')).due, rig.clock.now());
  release();
  await stopped;
  assert.equal(await rig.spool.get('m1'), null);
  assert.equal(agent.closed, true);
  await rig.spool.commit(entryTo(['c@x'], { id: 'm3' }));
  rig.delivery.wake();
  await calm();
  assert.equal(agent.attempts.length, 1, 'nothing begins after the stop');
});

test('after the grace attempts are broken off and their entries put back as they were', async () => {
  const agent = agentThat(
    (a, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(a === 'no@x' ? NEVER : LATER));
      }),
  );
  const rig = rigWith(agent, {
    routes: [{ match: () => true, agent, destinationKey: (f) => f.recipient.address }],
  });
  await commit(rig, entryTo(['a@x', 'no@x']));
  await until(() => agent.attempts.length === 2);
  const stopped = rig.delivery.stop(1000);
  rig.clock.advance(1000);
  await stopped;
  const meta = await stateOf(rig);
  assert.deepEqual(
    meta.recipients.map((r) => [r.state, r.attempts]),
    [
      ['pending', 0],
      ['failed', 1],
    ],
  );
  assert.equal(meta.due, rig.clock.now());
  assert.equal(meta.state, 'queued');
});

test('a spool in trouble is asked again until it takes the result', async () => {
  class Sick extends MemorySpool {
    sick = 2;
    override async settle(...args: Parameters<MemorySpool['settle']>): Promise<boolean> {
      if (this.sick-- > 0) throw new SpoolError('io', 'disk');
      return super.settle(...args);
    }
  }
  const agent = agentThat(() => OK);
  const rig = rigWith(agent, { spool: new Sick() });
  await commit(rig, entryTo(['a@x']));
  for (const wait of [250, 1000]) {
    const seen = rig.heard.length;
    await until(() => rig.names().at(-1) === 'delivery.store-trouble' && rig.heard.length >= seen);
    await calm();
    rig.clock.advance(wait);
    await calm();
  }
  await until(gone(rig));
  assert.equal(agent.attempts.length, 1, 'delivered once all the same');
  await rig.delivery.stop(0);
});

test('a spool that cannot be claimed from is asked again later, not in a loop', async () => {
  class Sick extends MemorySpool {
    asked = 0;
    override async claim(...args: Parameters<MemorySpool['claim']>): ReturnType<MemorySpool['claim']> {
      if (++this.asked < 3) throw new SpoolError('io', 'disk');
      return super.claim(...args);
    }
  }
  const spool = new Sick();
  const rig = rigWith(
    agentThat(() => OK),
    { spool },
  );
  await until(() => spool.asked === 1);
  await spool.commit(entryTo(['a@x']));
  await calm();
  assert.equal(spool.asked, 1);
  rig.clock.advance(5000);
  await until(() => spool.asked === 2);
  await calm();
  rig.clock.advance(5000);
  await until(gone(rig));
  await rig.delivery.stop(0);
});

test('content that cannot be read leaves the entry in the queue', async () => {
  class Gone extends MemorySpool {
    override async content(): Promise<null> {
      return null;
    }
  }
  const rig = rigWith(
    agentThat(() => OK),
    { spool: new Gone() },
  );
  await commit(rig, entryTo(['a@x']));
  await until(queued(rig));
  assert.deepEqual(rig.names(), ['delivery.content-missing', 'delivery.deferred']);
  await rig.delivery.stop(0);
});

test('new settings are used by new attempts, and old agents are closed when their last attempt ends', async () => {
  let release!: () => void;
  const wait = new Promise<void>((r) => (release = r));
  const old = agentThat(async () => {
    await wait;
    return status(250, '2.0.0', 'old');
  });
  const fresh = agentThat(() => OK);
  const rig = rigWith(old);
  await commit(rig, entryTo(['a@x'], { id: 'm1' }));
  await until(() => old.attempts.length === 1);
  rig.delivery.reconfigure({
    routes: [{ match: () => true, agent: fresh, destinationKey: 'fresh' }],
    retry: [1000],
    expire: DAY,
    concurrency: { total: 2, perDestination: 2 },
    hostname: 'mx.test',
  });
  await commit(rig, entryTo(['b@x'], { id: 'm2' }));
  await until(gone(rig, 'm2'));
  assert.equal(old.closed, false);
  release();
  await until(() => old.closed);
  assert.deepEqual(fresh.asked, [['b@x']]);
  assert.equal(fresh.closed, false);
  await rig.delivery.stop(0);
  assert.equal(fresh.closed, true);
});

test('a house half full of attempts that hang still takes what it has room for', async () => {
  const hangs = agentThat(
    (_, { signal }) => new Promise((r) => signal.addEventListener('abort', () => r(LATER))),
  );
  const quick = agentThat(() => OK);
  const rig = rigWith(quick, {
    routes: [
      { match: (f) => f.recipient.address.endsWith('@hangs'), agent: hangs, destinationKey: 'hangs' },
      { match: () => true, agent: quick, destinationKey: 'quick' },
    ],
    concurrency: { total: 10, perDestination: 9 },
  });
  for (let i = 0; i < 9; i++) await rig.spool.commit(entryTo(['a@hangs'], { id: `a${i}`, due: START - 1 }));
  for (let i = 0; i < 30; i++) await rig.spool.commit(entryTo(['a@quick'], { id: `q${i}` }));
  rig.delivery.wake();
  for (let i = 0; i < 30; i++) {
    await calm();
    rig.clock.advance(50);
  }
  await until(() => quick.attempts.length === 30);
  assert.equal(hangs.attempts.length, 9);
  await rig.delivery.stop(0);
});
