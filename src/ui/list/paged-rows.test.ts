import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEPT, PagedRows, type Batch } from './paged-rows.ts';

interface Row {
  readonly id: string;
}
const PAGE = 100;
const name = (n: number): string => String(n).padStart(8, '0');

/** Rows 0 (oldest) to size-1, newest first, as the API gives them. */
function source(size: number) {
  const asked: (string | null)[] = [];
  const read = async (before: string | null): Promise<Batch<Row>> => {
    asked.push(before);
    const end = before === null ? size : Number(before);
    const from = Math.max(0, end - PAGE);
    const rows = Array.from({ length: end - from }, (_, i) => ({ id: name(end - 1 - i) }));
    return { rows, next: from > 0 ? name(from) : null };
  };
  return { read, asked };
}
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

test('a hundred thousand rows are walked with few in memory, and read again on the way back', async () => {
  const { read, asked } = source(100_000);
  const list = new PagedRows(read, (row) => row.id);
  list.look(0, 30);
  await settled();
  assert.equal(list.count, PAGE);
  for (let at = 0; list.more; at = list.count) {
    list.look(at - 30, at);
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.resolve();
    if (list.count === at) await settled();
  }
  assert.equal(list.count, 100_000);
  assert.ok(list.kept <= (KEPT + 1) * PAGE, `${list.kept} rows in memory`);
  assert.equal(list.at(99_999)?.id, name(0));
  assert.equal(list.at(50_000), undefined);
  const before = asked.length;
  list.look(49_990, 50_020);
  await settled();
  assert.equal(list.at(50_000)?.id, name(49_999));
  assert.ok(asked.length - before <= 2);
});

test('live rows come in at the top, once each, and stay bounded', async () => {
  const { read } = source(1000);
  const list = new PagedRows(read, (row) => row.id);
  list.look(0, 30);
  await settled();
  for (let n = 1000; n < 21_000; n++) assert.equal(list.take({ id: name(n) }), true);
  assert.equal(list.take({ id: name(20_999) }), false);
  assert.equal(list.at(0)?.id, name(20_999));
  assert.equal(list.count, PAGE + 20_000);
  assert.ok(list.kept <= (KEPT + 1) * 200);
});

test('what failed is told, and reset begins anew', async () => {
  let fails = true;
  const list = new PagedRows<Row>(
    async () => {
      if (fails) throw new Error('away');
      return { rows: [{ id: 'a' }], next: null };
    },
    (row) => row.id,
  );
  list.look(0, 10);
  await settled();
  assert.match(String(list.error), /away/);
  assert.equal(list.pending, true);
  fails = false;
  list.reset();
  await settled();
  assert.equal(list.error, null);
  assert.equal(list.at(0)?.id, 'a');
  assert.equal(list.more, false);
});
