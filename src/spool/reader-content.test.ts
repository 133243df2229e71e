// Single entries read from beside, and a spool that is wanted alone.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { bodyOf } from '#message';
import { silent } from '#notices';
import { openLmdbReader, openLmdbSpool } from '#spool';
import { bytesIn, entryOf, pattern } from './samples.cases.ts';

test('a look finds one entry and its bytes, in the record or in a file, and nothing under a name that is none', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-reader-'));
  const spool = await openLmdbSpool({ dir, clock: new ManualClock(1), notices: silent });
  const large = pattern(100_000);
  await spool.commit(entryOf({ id: 'A1' }));
  await spool.commit(entryOf({ id: 'A2' }, bodyOf([large])));
  const reader = await openLmdbReader({ dir, notices: silent });
  try {
    assert.deepEqual(await reader.get('A1'), await spool.get('A1'));
    assert.equal(await bytesIn((await reader.content('A1'))!.body).then(String), 'hello\r\n');
    assert.deepEqual(await bytesIn((await reader.content('A2'))!.body), Buffer.from(large));
    for (const id of ['', 'A', 'A11', '../A1', '__proto__', 'A1\0', 'x'.repeat(1000)]) {
      assert.equal(await reader.get(id), null);
      assert.equal(await reader.content(id), null);
    }
  } finally {
    await reader.close();
    await spool.close();
    rmSync(dir, { recursive: true });
  }
});

test('who wants the spool alone is refused while somebody has it open', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-alone-'));
  const open = (alone: boolean) => openLmdbSpool({ dir, clock: new ManualClock(1), notices: silent, alone });
  try {
    const first = await open(true);
    await assert.rejects(open(true), /another process has it open/);
    await (await open(false)).close();
    await first.close();
    await (await open(true)).close();
  } finally {
    rmSync(dir, { recursive: true });
  }
});
