import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Answered } from './pool.ts';
import { codes, messageTo, poolTo } from './rig.cases.ts';
import { startHop } from './scripted-hop.cases.ts';
import type { HopScript } from './scripted-hop.cases.ts';

/** Sends to three recipients over these hops; the codes, and who was heard to have been answered by a peer with DSN. */
async function sendOver(
  t: TestContext,
  ...scripts: HopScript[]
): Promise<{ codes: number[]; heard: Map<number, boolean> }> {
  const hops = await Promise.all(scripts.map((s) => startHop(s)));
  const pool = poolTo(hops);
  t.after(async () => {
    await pool.close();
    await Promise.all(hops.map((h) => h.close()));
  });
  const heard = new Map<number, boolean>();
  const answered: Answered = (i, { dsn }) => void heard.set(i, dsn);
  const statuses = await pool.send(messageTo(['a@x', 'b@x', 'c@x']), undefined, answered);
  return { codes: codes(statuses), heard };
}

test('for each recipient it is told what the peer that answered offers', async (t) => {
  const command = (line: string): string | undefined => (line.includes('b@x') ? '550 5.1.1 no' : undefined);
  for (const offers of [['PIPELINING', 'DSN'], ['DSN'], ['PIPELINING']]) {
    const sent = await sendOver(t, { offers, command });
    const dsn = offers.includes('DSN');
    assert.deepEqual(sent.codes, [250, 550, 250]);
    assert.deepEqual(
      [...sent.heard],
      [
        [0, dsn],
        [1, dsn],
        [2, dsn],
      ],
    );
  }
});

test('when a second host is asked, its word about itself counts', async (t) => {
  const dead: HopScript = {
    offers: ['PIPELINING', 'DSN'],
    command: (line) => (line.startsWith('MAIL') ? '421 4.3.2 going<close>' : undefined),
  };
  const sent = await sendOver(t, dead, { offers: ['PIPELINING'] });
  assert.deepEqual(sent.codes, [250, 250, 250]);
  assert.deepEqual([...sent.heard.values()], [false, false, false]);
});

test('who is refused without being asked is told of no peer when none was connected', async (t) => {
  const hop = await startHop();
  await hop.close();
  const pool = poolTo([hop]);
  t.after(() => pool.close());
  const heard: number[] = [];
  const statuses = await pool.send(messageTo(['a@x']), undefined, (i) => heard.push(i));
  assert.equal(statuses[0]!.code, 451);
  assert.deepEqual(heard, []);
});
