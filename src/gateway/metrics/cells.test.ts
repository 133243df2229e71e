import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HistogramFamily, NumberFamily } from './cells.ts';
import { Figures } from './figures.ts';

test('a cell is made once for its labels, and shown with them', () => {
  const family = new NumberFamily('n_total', { type: 'counter', help: 'N.', labels: ['a', 'b'] });
  family.cell('x', 'y').n++;
  family.cell('x', 'y').n += 2;
  family.cell('x', 'z');
  assert.deepEqual(family.get(), {
    name: 'n_total',
    help: 'N.',
    type: 'counter',
    aggregator: 'sum',
    values: [
      { labels: { a: 'x', b: 'y' }, value: 3 },
      { labels: { a: 'x', b: 'z' }, value: 0 },
    ],
  });
});

test('what is forgotten by its first label is that alone', () => {
  const family = new NumberFamily('n', { type: 'gauge', help: 'N.', labels: ['a', 'b'] });
  for (const a of ['x', 'xx', 'y']) family.cell(a, 'b').n = 1;
  family.drop('x');
  assert.deepEqual(
    family.get().values.map(({ labels }) => labels['a']),
    ['xx', 'y'],
  );
  family.clear();
  assert.deepEqual(family.get().values, []);
});

test('a histogram counts a value at a bound below it, one beyond all at the end, and adds up as it is shown', () => {
  const family = new HistogramFamily('h', { type: 'histogram', help: 'H.', labels: [], buckets: [1, 2, 5] });
  const cell = family.cell();
  for (const value of [0, 1, 1.5, 2, 5.1, 100]) cell.observe(value);
  assert.deepEqual([...cell.counts], [2, 2, 0, 2]);
  assert.deepEqual(
    family.get().values.map(({ metricName, labels, value }) => [metricName, labels['le'], value]),
    [
      ['h_bucket', 1, 2],
      ['h_bucket', 2, 4],
      ['h_bucket', 5, 4],
      ['h_bucket', '+Inf', 6],
      ['h_sum', undefined, 109.6],
      ['h_count', undefined, 6],
    ],
  );
});

test('a look waits for what is to be collected, and goes on without what fails', async () => {
  const figures = new Figures();
  figures.onLook(async () => {
    await Promise.resolve();
    figures.number('spool_free_bytes').cell().n = 7;
  });
  figures.onLook(() => Promise.reject(new RangeError('no')));
  const free = (await figures.look()).find(({ name }) => name === 'millrace_spool_free_bytes');
  assert.deepEqual(free?.values, [{ labels: {}, value: 7 }]);
  assert.throws(() => figures.number('milter_connect_duration_seconds'), RangeError);
  assert.throws(() => figures.histogram('milter_up'), RangeError);
});
