import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';
import { parseSize } from './size.ts';

test('sizes are read as the specification means them: 50MB is 52428800', () => {
  const good: [string | number, number][] = [
    ['50MB', 52_428_800],
    ['50 MiB', 52_428_800],
    ['50m', 52_428_800],
    ['64KiB', 65_536],
    ['64kb', 65_536],
    ['1G', 1_073_741_824],
    ['0', 0],
    ['12', 12],
    ['12B', 12],
    [0, 0],
    [7, 7],
  ];
  for (const [text, bytes] of good) assert.equal(parseSize(text), bytes, String(text));
});

test('what is no size is refused', () => {
  for (const bad of [
    '',
    'MB',
    '-1',
    '1.5MB',
    '1TB',
    '1 M B',
    'x',
    '9999999999999999',
    '999999999999999G',
    -1,
    1.5,
    NaN,
    Infinity,
  ])
    assert.equal(parseSize(bad), null, String(bad));
});

test('the nearest name is found through typing mistakes, and not where there is none', () => {
  const known = ['hostname', 'maxRecipients', 'maxConnections', 'tls'];
  assert.equal(nearest('hostnam', known), 'hostname');
  assert.equal(nearest('hsotname', known), 'hostname');
  assert.equal(nearest('max-recipients', known), 'maxRecipients');
  assert.equal(nearest('MAX_CONNECTIONS', known), 'maxConnections');
  assert.equal(nearest('tsl', known), 'tls');
  assert.equal(nearest('color', known), null);
  assert.equal(nearest('h'.repeat(100_000), known), null);
});
