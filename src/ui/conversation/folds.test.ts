import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PacketRow } from '../api/shapes.ts';
import { isError, isNews, linesOf, slowest, summaryOf } from './folds.ts';

let n = 0;
const row = (lane: string, code: string, more: Partial<PacketRow> = {}): PacketRow => ({
  n: ++n,
  part: 1,
  at: n,
  delta: 1,
  lane,
  direction: code.startsWith('SMFIR') ? 'received' : 'sent',
  kind: code.startsWith('SMFI') ? 'milter' : 'smtp',
  code,
  summary: code,
  fields: [],
  bytes: 10,
  waited: null,
  data: '',
  cut: 0,
  note: '',
  ...more,
});

test('macros fold under their command, runs fold per lane even when lanes are mixed', () => {
  const lines = linesOf([
    row('client', 'MAIL'),
    row('a', 'SMFIC_MACRO'),
    row('a', 'SMFIC_MAIL'),
    row('b', 'SMFIC_MAIL'),
    row('a', 'SMFIC_HEADER'),
    row('b', 'SMFIC_HEADER'),
    row('a', 'SMFIR_CONTINUE'),
    row('b', 'SMFIC_HEADER'),
    row('a', 'SMFIC_HEADER'),
    row('a', 'SMFIC_BODY'),
    row('a', 'SMFIR_PROGRESS'),
    row('a', 'SMFIR_PROGRESS'),
    row('a', 'SMFIR_ACCEPT'),
  ]);
  assert.deepEqual(
    lines.map(
      (l) =>
        `${l.row.lane} ${l.row.code}${l.macros.length ? ' +macros' : ''}${l.folded.length ? ` x${l.folded.length}` : ''}`,
    ),
    [
      'client MAIL',
      'a SMFIC_MAIL +macros',
      'b SMFIC_MAIL',
      'a SMFIC_HEADER x3',
      'b SMFIC_HEADER x2',
      'a SMFIC_BODY',
      'a SMFIR_PROGRESS x2',
      'a SMFIR_ACCEPT',
    ],
  );
  assert.equal(summaryOf(lines[3]!), '2 header fields, 20 B');
});

test('a remark ends a run, macros without a command stay', () => {
  const lines = linesOf([
    row('a', 'SMFIC_BODY'),
    row('a', 'SMFIC_BODY'),
    row('a', 'SMFIR_CONTINUE', { note: 'odd' }),
    row('a', 'SMFIC_MACRO'),
  ]);
  assert.deepEqual(
    lines.map((l) => l.row.code),
    ['SMFIC_BODY', 'SMFIR_CONTINUE', 'SMFIC_MACRO'],
  );
  assert.ok(isError(lines[1]!));
});

test('news are refusals, decisions and every answer but continue; the three slowest are found', () => {
  const of = (code: string, more: Partial<PacketRow> = {}) => linesOf([row('a', code, more)])[0]!;
  assert.deepEqual(
    [of('SMFIR_CONTINUE'), of('SMFIR_ACCEPT'), of('250'), of('550'), of('x', { kind: 'decision' })].map(
      isNews,
    ),
    [false, true, false, true, true],
  );
  const lines = linesOf([5, 1, 9, 0.2, 7].map((waited) => row('a', 'SMFIR_CONTINUE', { waited })));
  assert.deepEqual([...slowest(lines)].length, 3);
  assert.ok(!slowest(lines).has(lines[1]!.key));
});
