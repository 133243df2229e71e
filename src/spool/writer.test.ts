import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManualClock } from '#clock';
import { silent } from '#notices';
import { FreeSpace } from './free-space.ts';
import { Probe } from './probe.ts';
import { idKey } from './record.ts';
import { Reserve } from './reserve.ts';
import { Tables } from './tables.ts';
import { GroupWriter } from './writer.ts';
import type { Change } from './writer.ts';

const root = mkdtempSync(join(tmpdir(), 'spool-'));
after(() => rmSync(root, { recursive: true, force: true }));

let made = 0;

interface Bench {
  readonly tables: Tables;
  readonly writer: GroupWriter;
  /** Transactions so far. */
  readonly count: () => number;
  /** A change that puts a record under this name. */
  readonly put: (name: string, lazy?: boolean) => Change;
  readonly has: (name: string) => boolean;
}

async function bench(): Promise<Bench> {
  const dir = mkdtempSync(join(root, String(made++)));
  const clock = new ManualClock();
  const tables = await Tables.open(dir, 2 ** 30);
  const reserve = await Reserve.open(join(dir, 'data.mdb'));
  const free = new FreeSpace({ dir, clock, notices: silent, reusable: () => 0 });
  await free.ask();
  let transactions = 0;
  const batch = tables.batch.bind(tables);
  tables.batch = (writes) => {
    transactions++;
    return batch(writes);
  };
  return {
    tables,
    writer: new GroupWriter(tables, reserve, free, clock, silent, new Probe(join(dir, 'probe'), clock)),
    count: () => transactions,
    put: (name, lazy = false) => ({
      size: 10,
      lazy,
      writes: () => void tables.entries.put(idKey(name), Buffer.from(name), 1),
    }),
    has: (name) => tables.entries.doesExist(idKey(name)),
  };
}

test('a lazy change goes with the next prompt one, and both are there when they resolve', async () => {
  const { tables, writer, count, put, has } = await bench();
  const order: string[] = [];
  const lazy = writer.submit(put('lazy', true)).then(() => order.push('lazy'));
  await Promise.resolve();
  assert.equal(count(), 0, 'it begins nothing');
  await writer.submit(put('prompt'));
  await lazy;
  assert.equal(count(), 1);
  assert.ok(has('lazy') && has('prompt'));
  await writer.close();
  await tables.close();
});

test('a lazy change that nothing joins is written by itself, soon and with all that wait', async () => {
  const { tables, writer, count, put, has } = await bench();
  const began = performance.now();
  assert.deepEqual(await Promise.all([writer.submit(put('a', true)), writer.submit(put('b', true))]), [
    true,
    true,
  ]);
  assert.ok(performance.now() - began >= 4);
  assert.equal(count(), 1);
  assert.ok(has('a') && has('b'));
  await writer.close();
  await tables.close();
});

test('lazy changes that come while a transaction runs wait for the next prompt one too', async () => {
  const { tables, writer, count, put } = await bench();
  const lazy: Promise<boolean>[] = [];
  const batch = tables.batch.bind(tables);
  tables.batch = (writes) => {
    if (lazy.length === 0) lazy.push(writer.submit(put('lazy', true)));
    return batch(writes);
  };
  await writer.submit(put('first'));
  assert.equal(count(), 1);
  await writer.submit(put('second'));
  assert.deepEqual(await Promise.all(lazy), [true]);
  assert.equal(count(), 2);
  await writer.close();
  await tables.close();
});

test('closing writes what is lazy at once', async () => {
  const { tables, writer, count, put, has } = await bench();
  const lazy = writer.submit(put('lazy', true));
  await writer.close();
  assert.equal(await lazy, true);
  assert.equal(count(), 1);
  assert.ok(has('lazy'));
  await assert.rejects(writer.submit(put('late', true)), { code: 'io' });
  await tables.close();
});
