/** The wire numbers of docs/milter.md are those of the program. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filled } from '../scripts/milter-tables.ts';
import { readText } from './support/documents.ts';

test('every table of docs/milter.md is what the constants of the protocol say', () => {
  const document = readText('docs/milter.md');
  assert.equal(
    document,
    filled(document),
    'run: node --conditions=source --import tsx scripts/milter-tables.ts',
  );
});

test('a number changed by hand is noticed, and so is a table without its place', () => {
  const document = readText('docs/milter.md');
  const tampered = document.replace('| `REPLBODY` |', '| `REPLBODIES` |');
  assert.notEqual(tampered, document);
  assert.notEqual(tampered, filled(tampered));
  assert.throws(() => filled(document.replace('<!-- table: rights -->', '')), /no place for table rights/);
  assert.throws(() => filled(document.replace('table: rights', 'table: wrongs')), /no table wrongs/);
});
