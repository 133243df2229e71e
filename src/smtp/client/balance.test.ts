import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { ManualClock } from '#clock';
import { isTemporary } from '#message';
import type { PoolOptions } from './pool.ts';
import { codes, machineClock, messageTo, poolTo } from './rig.cases.ts';
import { startHop } from './scripted-hop.cases.ts';
import type { HopScript } from './scripted-hop.cases.ts';

async function rig(t: TestContext, scripts: readonly HopScript[], more: Partial<PoolOptions> = {}) {
  const hops = await Promise.all(scripts.map((s) => startHop(s)));
  const heard: string[] = [];
  const pool = poolTo(hops, more, heard);
  t.after(async () => {
    await pool.close();
    await Promise.all(hops.map((h) => h.close()));
  });
  const send = async (n: number): Promise<void> => {
    for (let i = 0; i < n; i++) assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
  };
  return { hops, pool, heard, send, taken: () => hops.map((h) => h.delivered.length) };
}

/** A hop that is down while `down()` says so. */
const unless = (down: () => boolean): HopScript => ({
  greeting: () => (down() ? '421 4.3.2 not now<close>' : undefined),
});

/** Time by hand for resting and idling, real timers for what waits on sockets. */
function clockByHand(): { clock: PoolOptions['clock']; advance: (ms: number) => void } {
  const hand = new ManualClock(1_000_000);
  return {
    clock: {
      now: () => hand.now(),
      elapsed: () => hand.elapsed(),
      after: (ms, fn) => machineClock.after(ms, fn),
    },
    advance: (ms) => hand.advance(ms),
  };
}

test('in order, the first hop has all messages as long as it works', async (t) => {
  const { send, taken } = await rig(t, [{}, {}]);
  await send(10);
  assert.deepEqual(taken(), [10, 0]);
});

test('round-robin gives each hop its turn, over one connection each', async (t) => {
  const { hops, send, taken, pool } = await rig(t, [{}, {}, {}], { balance: 'round-robin' });
  await send(12);
  assert.deepEqual(taken(), [4, 4, 4]);
  assert.deepEqual(
    hops.map((h) => h.sessions.length),
    [1, 1, 1],
  );
  assert.equal(pool.connections, 3);
});

test('round-robin keeps no more connections than allowed', async (t) => {
  const { send, taken, pool } = await rig(t, [{}, {}, {}], { balance: 'round-robin', maxConnections: 2 });
  await send(6);
  assert.deepEqual(taken(), [2, 2, 2]);
  assert.ok(pool.connections <= 2);
});

test('a hop that fails rests, the others carry its share, and it is tried again when its rest is over', async (t) => {
  for (const balance of ['order', 'round-robin'] as const) {
    let down = true;
    const { clock, advance } = clockByHand();
    const { hops, send, heard } = await rig(t, [unless(() => down), {}], {
      balance,
      clock,
      shunMs: 60_000,
      idleMs: 0,
    });
    await send(6);
    assert.equal(hops[0]!.sessions.length, 1, 'it was asked once');
    assert.deepEqual(heard, ['delivery.hop-trouble']);
    down = false;
    advance(59_999);
    await send(2);
    assert.equal(hops[0]!.sessions.length, 1, 'it still rests');
    advance(1);
    await send(4);
    assert.equal(hops[0]!.delivered.length, balance === 'order' ? 4 : 2);
  }
});

test('when every hop rests they are asked all the same', async (t) => {
  let down = true;
  const { pool, send } = await rig(t, [unless(() => down), unless(() => down)]);
  assert.ok(isTemporary((await pool.send(messageTo(['a@x'])))[0]!));
  down = false;
  await send(1);
});

test('a hop that falls silent amid pipelined commands gets them one by one from then on (Q18)', async (t) => {
  const { clock, advance } = clockByHand();
  const { hops, pool, send } = await rig(
    t,
    [
      {
        // Takes three commands of one write, and loses the others.
        command: (line, session) => {
          const together = session.reads.at(-1)!.split('\r\n');
          return together.indexOf(line) >= 3 ? '' : undefined;
        },
      },
    ],
    {
      clock: { ...clock, elapsed: () => machineClock.elapsed() + clock.elapsed() },
      stepwiseMs: 60_000,
      idleMs: 0,
    },
  );
  const all = ['a@x', 'b@x', 'c@x'];
  assert.ok((await pool.send(messageTo(all))).every(isTemporary));
  assert.deepEqual(codes(await pool.send(messageTo(all))), [250, 250, 250]);
  await send(2);
  assert.equal(hops[0]!.delivered.length, 3);
  advance(60_000);
  assert.ok(
    (await pool.send(messageTo(all))).every(isTemporary),
    'it is trusted with a whole envelope again',
  );
});

test('connections come from the source address, and only addresses of its family are tried', async (t) => {
  const { hops, send } = await rig(t, [{}], {
    source: '127.0.0.9',
    resolve: () => Promise.resolve(['::1', '127.0.0.1']),
  });
  await send(1);
  assert.equal(hops[0]!.sessions[0]!.from, '127.0.0.9');
  const none = await rig(t, [{}], { source: '127.0.0.9', resolve: () => Promise.resolve(['::1']) });
  const [s] = await none.pool.send(messageTo(['a@x']));
  assert.deepEqual([s!.code, s!.enhanced], [451, '4.4.4']);
});

test('a source address that is not ours defers', async (t) => {
  const { pool } = await rig(t, [{}], { source: '192.0.2.77' });
  const [s] = await pool.send(messageTo(['a@x']));
  assert.deepEqual([s!.code, s!.enhanced], [451, '4.4.1']);
});

test('who waits for a connection can be broken off, and the others keep their order', async (t) => {
  const { hops, pool } = await rig(t, [{}], { maxConnections: 1 });
  const abort = new AbortController();
  const sends = [1, 2, 3, 4].map((n) =>
    pool.send(messageTo([`r${n}@x`]), n === 3 ? abort.signal : undefined),
  );
  abort.abort();
  assert.ok(isTemporary((await sends[2]!)[0]!));
  await Promise.all(sends);
  assert.deepEqual(
    hops[0]!.delivered.map((m) => m.rcpts[0]),
    [1, 2, 4].map((n) => `RCPT TO:<r${n}@x>`),
  );
});
