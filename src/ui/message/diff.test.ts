import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldsOf } from './fields.ts';
import { headerDiff } from './header-diff.ts';
import { sequenceDiff } from './sequence-diff.ts';

test('the steps lead from one list to the other, whatever they are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4 })),
      fc.array(fc.integer({ min: 0, max: 4 })),
      (a, b) => {
        const steps = sequenceDiff(a, b, (x, y) => x === y);
        assert.deepEqual(
          steps.flatMap((s) => (s.kind === 'added' ? [] : [s.before])),
          a,
        );
        assert.deepEqual(
          steps.flatMap((s) => (s.kind === 'removed' ? [] : [s.after])),
          b,
        );
      },
    ),
    { numRuns: 2000 },
  );
});

test('the steps are few: one added line is one step', () => {
  const a = Array.from({ length: 500 }, (_, i) => i);
  const b = [...a.slice(0, 200), -1, ...a.slice(200)];
  assert.equal(sequenceDiff(a, b, (x, y) => x === y).filter((s) => s.kind !== 'same').length, 1);
});

test('fields keep their bytes, folds and odd lines', () => {
  const header = 'Received: by x\r\n\tfor y\r\nSubject:  hi \r\nnonsense\r\nX: \r\n';
  assert.deepEqual(
    fieldsOf(header).map(({ name, raw, value }) => [name, raw, value]),
    [
      ['Received', 'Received: by x\r\n\tfor y', 'by x\tfor y'],
      ['Subject', 'Subject:  hi ', 'hi'],
      ['', 'nonsense', 'nonsense'],
      ['X', 'X: ', ''],
    ],
  );
});

test('added, removed, changed, refolded and moved fields are told apart, with positions', () => {
  const before = fieldsOf('A: 1\r\nB: 2\r\nSubject: old\r\nLong: a b\r\nGone: x\r\nZ: 9\r\n');
  const after = fieldsOf('Z: 9\r\nA: 1\r\nX-New: n\r\nB: 2\r\nSubject: new\r\nLong: a\r\n b\r\n');
  const told = headerDiff(before, after).map(
    (c) => `${c.kind} ${c.kind === 'removed' ? c.before.name : c.after.name}`,
  );
  assert.deepEqual(told, [
    'moved Z',
    'same A',
    'added X-New',
    'same B',
    'removed Gone',
    'changed Subject',
    'refolded Long',
  ]);
  const [moved] = headerDiff(before, after);
  assert.deepEqual(moved?.kind === 'moved' && [moved.from, moved.to], [6, 1]);
});
