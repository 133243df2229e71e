import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, latin1, makeField, type HeaderField } from '#message';
import { common } from './common.ts';
import { applyFields, fieldChanges, fieldsOf } from './fields.ts';
import { applyBody, bodyDiff, MAX_DIFF_LINES } from './lines.ts';

const header = (...lines: string[]): readonly HeaderField[] => fieldsOf(bytesOf(lines.join('\r\n') + '\r\n'));
const raw = (fields: readonly HeaderField[]): string => fields.map((f) => latin1(f.raw)).join('');
const told = (a: readonly HeaderField[], b: readonly HeaderField[]): string[] =>
  fieldChanges(a, b)
    .filter((c) => c.kind !== 'kept')
    .map((c) => `${c.kind} ${c.name} ${c.before?.at ?? '-'}>${c.after?.at ?? '-'}${c.moved ? ' moved' : ''}`);

test('a field that was added, removed or changed is told with its places', () => {
  const before = header('Received: x', 'From: a', 'Subject: one', 'X-Old: 1', 'To: b');
  assert.deepEqual(told(before, header('Received: x', 'From: a', 'Subject: two', 'To: b', 'X-New: 2')), [
    'changed Subject 2>2',
    'removed X-Old 3>-',
    'added X-New ->4',
  ]);
  assert.deepEqual(told(before, header('X-Top: 1', ...raw(before).trimEnd().split('\r\n'))), [
    'added X-Top ->0',
  ]);
  assert.deepEqual(told(before, before), []);
  assert.deepEqual(told([], before).length, 5);
  assert.deepEqual(told(before, []).length, 5);
});

test('a field that only lies elsewhere is moved; one that is only folded otherwise is refolded', () => {
  assert.deepEqual(told(header('A: 1', 'B: 2', 'C: 3', 'D: 4'), header('D: 4', 'A: 1', 'B: 2', 'C: 3')), [
    'moved D 3>0 moved',
  ]);
  assert.deepEqual(
    told(header('A: 1', 'S: long text', 'B: 2'), header('A: 1', 'S: long\r\n\ttext', 'B: 2')),
    ['refolded S 1>1'],
  );
  // One blank more or less is enough to break a signature, so it shows.
  assert.deepEqual(told(header('S: x'), header('S:  x')), ['refolded S 0>0']);
  assert.deepEqual(told(header('S: x', 'A: 1', 'B: 1'), header('A: 1', 'B: 1', 's: y')), [
    'changed s 0>2 moved',
  ]);
});

test('of several fields of one name the one that was changed is told', () => {
  const before = header('R: 1', 'R: 2', 'R: 3');
  assert.deepEqual(told(before, header('R: 1', 'R: new', 'R: 3')), ['changed R 1>1']);
  assert.deepEqual(told(before, header('R: 1', 'R: 3')), ['removed R 1>-']);
});

const field = fc
  .tuple(
    fc.constantFrom('A', 'B', 'b', 'Received', 'X-Y'),
    fc.array(fc.constantFrom('x', 'y', ' ', '  ', '\n ', '\n\t', '\xff'), { maxLength: 5 }),
  )
  .map(([name, value]) => makeField(name, ` ${value.join('')}`));
const fields = fc.array(field, { maxLength: 14 });

test('property: the changes, applied to the header before, give the header after, and every field has one fate', () => {
  fc.assert(
    fc.property(fields, fields, (a, b) => {
      const changes = fieldChanges(a, b);
      assert.equal(raw(applyFields(a, changes)), raw(b));
      const ats = changes.flatMap((c) => (c.before ? [c.before.at] : [])).toSorted((x, y) => x - y);
      assert.deepEqual(
        ats,
        a.map((_, i) => i),
      );
      for (const c of changes) {
        if (c.kind === 'kept' || c.kind === 'moved')
          assert.equal(latin1(c.before!.field.raw), latin1(c.after!.field.raw));
        if (c.kind === 'added') assert.equal(c.before, null);
        if (c.kind === 'removed') assert.equal(c.after, null);
      }
    }),
    { numRuns: 1000 },
  );
});

test('property: what was shuffled only is moved or kept, never added or removed', () => {
  fc.assert(
    fc.property(fields, fc.integer(), (a, seed) => {
      const b = a.map((f, i) => ({ f, key: (i * 7919 + seed) % 13 })).toSorted((x, y) => x.key - y.key);
      for (const { kind } of fieldChanges(
        a,
        b.map(({ f }) => f),
      ))
        assert.ok(kind === 'kept' || kind === 'moved', kind);
    }),
  );
});

test('a body is compared by line, with the lines around a change', () => {
  const lines = Array.from({ length: 30 }, (_, i) => `line ${i}\r\n`);
  const diff = bodyDiff(bytesOf(lines.join('')), bytesOf(lines.with(10, 'other\r\n').join('')));
  assert.deepEqual([diff.added, diff.removed, diff.cut, diff.hunks.length], [1, 1, false, 1]);
  const [hunk] = diff.hunks;
  assert.deepEqual([hunk!.before, hunk!.beforeLines, hunk!.after, hunk!.afterLines], [7, 7, 7, 7]);
  assert.equal(
    hunk!.lines.join(''),
    [' line 7\r\n line 8\r\n line 9\r\n-line 10\r\n+other\r\n line 11\r\n line 12\r\n line 13\r\n'].join(''),
  );
  assert.deepEqual(bodyDiff(bytesOf('x'), bytesOf('x')), { hunks: [], added: 0, removed: 0, cut: false });
});

const body = fc
  .array(fc.constantFrom('a\r\n', 'b\r\n', 'c\n', '\r\n', 'x', '\xff\0\r\n', '-', '+ '), { maxLength: 60 })
  .map((parts) => parts.join(''));

test('property: the diff, applied to the body before, gives the body after', () => {
  fc.assert(
    fc.property(body, body, (a, b) => {
      const diff = bodyDiff(bytesOf(a), bytesOf(b));
      assert.equal(diff.cut, false);
      assert.equal(applyBody(bytesOf(a), diff), b);
    }),
    { numRuns: 1000 },
  );
});

test('what is long is cut, and says so; large bodies are compared in bounded time', () => {
  const many = (word: string): string => Array.from({ length: 20_000 }, (_, i) => `${word} ${i}`).join('\n');
  const began = performance.now();
  const diff = bodyDiff(bytesOf(many('a')), bytesOf(many('b')));
  assert.ok(performance.now() - began < 2000);
  assert.equal(diff.cut, true);
  assert.equal(
    diff.hunks.reduce((sum, h) => sum + h.lines.length, 0),
    MAX_DIFF_LINES,
  );
  assert.equal(bodyDiff(bytesOf('x'), bytesOf('x'), true).cut, true);
});

test('where the table would be too large, elements that are unique on both sides still find each other', () => {
  const a = Array.from({ length: 3000 }, (_, i) => `a${i}`);
  const b = a.flatMap((text, i) => (i % 3 === 0 ? [text, 'new'] : i % 3 === 1 ? [text] : ['gone']));
  const pairs = common(['first', ...a], ['other', ...b]);
  assert.ok(pairs.length >= 2000);
  for (const [i, j] of pairs) assert.equal(['first', ...a][i], ['other', ...b][j]);
  assert.ok(pairs.every(([i, j], at) => at === 0 || (i > pairs[at - 1]![0] && j > pairs[at - 1]![1])));
});
