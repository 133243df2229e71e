import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySpool } from '#spool';
import { DAY, MINUTE, START, entryTo } from './rig.cases.ts';
import { SetBack } from './set-back.ts';

/** A wall clock that can be set, beside a time that only passes. */
function house() {
  const time = { wall: START, passed: 0 };
  const spool = new MemorySpool();
  const heard: unknown[] = [];
  const clock = { now: () => time.wall, elapsed: () => time.passed, after: () => () => undefined };
  const notices = (name: string, fields: object): void => void heard.push([name, fields]);
  const setBack = new SetBack({ clock, spool, notices }, () => [2 * MINUTE, 10 * MINUTE]);
  const commit = (id: string, due: number): Promise<void> => {
    const entry = entryTo(['a@x']);
    return spool.commit({ ...entry, meta: { ...entry.meta, id, due } });
  };
  const dueOf = async (id: string): Promise<number> => (await spool.get(id))!.due;
  return { time, spool, heard, setBack, commit, dueOf };
}

test('a clock set back makes due what no retry could be waiting for, and leaves what one could', async () => {
  const { time, setBack, commit, dueOf, heard } = house();
  await setBack.mend();
  await commit('late', START + 5 * MINUTE);
  time.wall -= DAY;
  await commit('soon', time.wall + 11 * MINUTE);
  await setBack.mend();
  assert.equal(await dueOf('late'), time.wall);
  assert.equal(await dueOf('soon'), time.wall + 11 * MINUTE);
  assert.deepEqual(heard, [['delivery.hastened', { entries: 1 }]]);
});

test('the first look is such a moment, later ones are not unless the clock went back by a second', async () => {
  const { time, setBack, commit, dueOf } = house();
  await commit('one', START + DAY);
  await setBack.mend();
  assert.equal(await dueOf('one'), START);
  await commit('two', START + DAY);
  time.wall += 10 * DAY;
  time.passed += MINUTE;
  await setBack.mend();
  time.wall -= 999;
  await setBack.mend();
  assert.equal(await dueOf('two'), START + DAY);
  time.wall = START;
  await setBack.mend();
  assert.equal(await dueOf('two'), START);
});

test('what a spool in trouble could not do is done at the next look', async () => {
  const { time, spool, setBack, commit, dueOf } = house();
  await setBack.mend();
  await commit('late', START + DAY);
  time.wall -= DAY;
  const hasten = spool.hasten.bind(spool);
  spool.hasten = () => Promise.reject(new Error('not now'));
  await assert.rejects(setBack.mend());
  spool.hasten = hasten;
  await setBack.mend();
  assert.equal(await dueOf('late'), time.wall);
});
