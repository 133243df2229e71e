import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PacketRow } from '../api/shapes.ts';
import { missingMacros } from './asked-macros.ts';

const row = (
  lane: string,
  code: string,
  at: number,
  summary: string,
  names: readonly (readonly [string, string])[],
) =>
  ({
    lane,
    code,
    at,
    summary,
    fields: names.map(([name, value]) => ({ name, value })),
  }) as unknown as PacketRow;

test('macros that were asked for and did not come are named, by the list of their stage and lane', () => {
  const rows = [
    row('a', 'SMFIR_OPTNEG', 1, 'wants version 6', [['macros at mail', 'i {auth_type} mail_addr']]),
    row('b', 'SMFIR_OPTNEG', 1, 'wants version 6', []),
  ];
  const sent = (lane: string, stage: string, at = 2): PacketRow =>
    row(lane, 'SMFIC_MACRO', at, `macros for ${stage}: {i} {mail_addr}`, [
      ['{i}', 'x'],
      ['{mail_addr}', 'y'],
    ]);
  assert.deepEqual(missingMacros(sent('a', 'mail'), rows), ['{auth_type}']);
  assert.deepEqual(missingMacros(sent('a', 'rcpt'), rows), [], 'no list for this stage');
  assert.deepEqual(missingMacros(sent('b', 'mail'), rows), [], 'no list at all');
  assert.deepEqual(missingMacros(sent('a', 'mail', 0), rows), [], 'before the negotiation');
});
