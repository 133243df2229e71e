import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '#clock';
import { silent } from '#notices';
import { RecipientFile } from './recipient-file.ts';

const around = { clock: new ManualClock(), notices: silent };

async function fileOf(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-recipients-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'list');
  await writeFile(path, text, 'latin1');
  return path;
}

test('comments, blanks, a byte order mark and any line end are no entries', async (t) => {
  const text =
    '\xef\xbb\xbfa@in.test\r\n#b@in.test\n\n \t\n\tc@in.test\t# c\r\n#\n"# d"@in.test\ne#f@in.test\n@all.test';
  const file = await RecipientFile.open(await fileOf(t, text), around);
  t.after(() => file.close());
  const known = ['a@in.test', 'c@in.test', 'e#f@in.test', 'x@all.test'];
  for (const address of known) assert.equal(file.list.find(address), 'known', address);
  assert.equal(file.list.find('b@in.test'), 'unknown');
});

test('an empty file is a list of nobody that speaks of no domain', async (t) => {
  const file = await RecipientFile.open(await fileOf(t, ''), around);
  t.after(() => file.close());
  assert.equal(file.list.size, 0);
  assert.equal(file.list.find('a@in.test'), 'elsewhere');
});

test('a line may have 1000 bytes, and a bad one is named by its number', async (t) => {
  const line = (length: number): string => `a@in.test ${'#'.repeat(length - 10)}`;
  const file = await RecipientFile.open(await fileOf(t, `${line(1000)}\n`), around);
  t.after(() => file.close());
  assert.equal(file.list.size, 1);
  for (const [text, at] of [
    [`a@in.test\n${line(1001)}\n`, 2],
    [`\n\n${'x'.repeat(200_000)}`, 3],
    ['a@in.test\n\nb@in.test c@in.test\n', 3],
    ['a@in.test\rb@in.test\n', 1],
    [`${'a@in.test\n'.repeat(10_000)}b`, 10_001],
  ] as const) {
    const path = await fileOf(t, text);
    await assert.rejects(RecipientFile.open(path, around), {
      code: 'bad-line',
      message: `${path}:${at}: neither an address nor @ and a domain`,
    });
  }
});

test('a folder, a file that is not there and one that is too large are refused', async (t) => {
  const path = await fileOf(t, '');
  await assert.rejects(RecipientFile.open(join(path, '..'), around), { code: 'unreadable' });
  await assert.rejects(RecipientFile.open(`${path}x`, around), { code: 'unreadable' });
  await truncate(path, 64 * 1024 * 1024 + 1);
  await assert.rejects(RecipientFile.open(path, around), { code: 'too-large' });
});

test('a long list is read beside everything else, and looked up at once', async (t) => {
  const path = await fileOf(t, '');
  const out = createWriteStream(path);
  const count = 200_000;
  for (let i = 0; i < count; i += 1000)
    out.write(Array.from({ length: 1000 }, (_, n) => `user.${i + n}@d${(i + n) % 50}.test\n`).join(''));
  out.end();
  await once(out, 'finish');
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const file = await RecipientFile.open(path, around);
  delay.disable();
  t.after(() => file.close());
  assert.equal(file.list.size, count);
  // Read in one go it takes several hundred milliseconds; in pieces, each some milliseconds. Generous for a busy machine.
  assert.ok(delay.percentile(90) / 1e6 < 100, `${delay.percentile(90) / 1e6} ms`);
  const began = performance.now();
  for (let i = 0; i < count; i += 7) assert.equal(file.list.find(`user.${i}@d${i % 50}.test`), 'known');
  assert.equal(file.list.find('user.1@d2.test'), 'unknown');
  assert.ok(performance.now() - began < 1000);
});
