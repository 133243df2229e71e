import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock } from '#clock';
import { bodyOf } from '#message';
import { silent } from '#notices';
import { makeOwner, openLmdbSpool, SpoolError } from '#spool';
import { shapeOf } from './preflight.ts';
import { Presence } from './presence.ts';
import { entryOf, pattern } from './samples.cases.ts';

const root = mkdtempSync(join(tmpdir(), 'spool-'));
after(() => rmSync(root, { recursive: true, force: true }));

const clock = new ManualClock(1000);
const gone = makeOwner().replace(/^\d+/, '4194399');
const elsewhere = `${makeOwner()}9`;
let made = 0;

function place(): { dir: string; files: () => string[]; leave: (name: string) => void } {
  const dir = join(root, String(made++));
  const at = join(dir, 'open');
  mkdirSync(at, { recursive: true });
  return { dir, files: () => readdirSync(at), leave: (name) => writeFileSync(join(at, name), '') };
}

const inTheWay = (error: unknown): boolean => error instanceof SpoolError && error.code === 'io';

test('one that is alone may mend, and nobody can begin meanwhile', async () => {
  const { dir, files } = place();
  const mine = await Presence.announce(dir);
  let mended = 0;
  await mine.alone(async () => {
    await assert.rejects(Presence.announce(dir), inTheWay);
    mended++;
  });
  assert.equal(mended, 1);
  assert.equal(
    files().length,
    1,
    'the mark of mending is gone, and so is the file of the one that was turned away',
  );
  await (await Presence.announce(dir)).leave();
  await mine.leave();
  assert.deepEqual(files(), []);
});

test('nobody mends while another has the spool open, or may have', async () => {
  const { dir, files, leave } = place();
  const [mine, other] = [await Presence.announce(dir), await Presence.announce(dir)];
  const never = (): never => assert.fail('it is not alone');
  await assert.rejects(mine.alone(never), inTheWay);
  await other.leave();
  leave(`${elsewhere}.x`);
  await assert.rejects(mine.alone(never), (error: SpoolError) => {
    assert.match((error.cause as Error).message, new RegExp(elsewhere), 'the log tells whom it waits for');
    return inTheWay(error);
  });
  assert.equal(files().length, 2);
});

test('what dead processes left is removed and stops nobody; other files are nobody', async () => {
  const { dir, files, leave } = place();
  for (const name of [`${gone}.x`, `${gone}.y.mending`, 'README']) leave(name);
  const mine = await Presence.announce(dir);
  assert.equal(await mine.alone(async () => 'mended'), 'mended');
  await mine.leave();
  assert.deepEqual(files(), ['README']);
});

test('a mending that fails is taken back', async () => {
  const { dir, files } = place();
  const mine = await Presence.announce(dir);
  await assert.rejects(
    mine.alone(() => Promise.reject(new RangeError('no'))),
    RangeError,
  );
  assert.equal(files().length, 1);
});

for (const [says, ruin] of [
  ['cut short', (data: string) => truncateSync(data, 20 * 4096)],
  ['garbage', (data: string) => writeFileSync(data, pattern(50_000))],
] as const)
  test(`a data file that is ${says} is left as it is while another process may have it open`, async () => {
    const { dir, leave } = place();
    const options = { dir, clock, notices: silent };
    const spool = await openLmdbSpool(options);
    for (let i = 0; i < 30; i++) await spool.commit(entryOf({}, bodyOf([pattern(9000)])));
    await spool.close();
    const data = join(dir, 'queue', 'data.mdb');
    ruin(data);
    const before = await shapeOf(data);
    leave(`${elsewhere}.x`);
    await assert.rejects(openLmdbSpool(options), inTheWay);
    assert.deepEqual(await shapeOf(data), before);
    assert.deepEqual(readdirSync(join(dir, 'open')), [`${elsewhere}.x`], 'it left nothing of its own');
    rmSync(join(dir, 'open', `${elsewhere}.x`));
    await (await openLmdbSpool(options)).close();
    assert.equal((await shapeOf(data)).kind, 'sound');
  });

test('an open spool that is sound can be opened by others, announced or not', async () => {
  const { dir, files, leave } = place();
  leave(`${elsewhere}.x`);
  const options = { dir, clock, notices: silent };
  const first = await openLmdbSpool(options);
  const second = await openLmdbSpool(options);
  assert.equal(files().length, 3);
  await first.close();
  await second.commit(entryOf());
  await second.close();
  assert.deepEqual(files(), [`${elsewhere}.x`]);
});
