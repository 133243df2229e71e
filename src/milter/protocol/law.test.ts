import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LAW,
  SMFIC,
  SMFIP,
  eventOfCode,
  mayEdit,
  meaningOf,
  type EventName,
  type VerdictKind,
} from '#milter/protocol';

const SPOKEN = { version: 6, protocol: SMFIP.SKIP };

/** Milter reference 4.1 and 7.2, by verdict: c a r t d y s 4 f. */
const KINDS: VerdictKind[] = [
  'continue',
  'accept',
  'reject',
  'tempfail',
  'discard',
  'replycode',
  'skip',
  'shutdown',
  'connfail',
];
const EXPECTED: [EventName[], string[]][] = [
  [
    ['connect', 'helo'],
    [
      'command continue',
      'connection accept',
      'connection refuse',
      'connection refuse',
      'illegal',
      'connection refuse',
      'command continue',
      'connection close',
      'connection close',
    ],
  ],
  [
    ['mail', 'data', 'header', 'eoh', 'body'],
    [
      'command continue open',
      'transaction accept',
      'transaction refuse',
      'transaction refuse',
      'transaction discard',
      'transaction refuse',
      'command continue open',
      'connection close',
      'connection close',
    ],
  ],
  [
    ['rcpt'],
    [
      'command continue open',
      'transaction accept',
      'recipient refuse open',
      'recipient refuse open',
      'transaction discard open',
      'recipient refuse open',
      'command continue open',
      'connection close',
      'connection close',
    ],
  ],
  [
    ['end'],
    [
      'transaction accept',
      'transaction accept',
      'transaction refuse',
      'transaction refuse',
      'transaction discard',
      'transaction refuse',
      'transaction accept',
      'connection close',
      'connection close',
    ],
  ],
  [
    ['unknown'],
    [
      'command continue',
      'transaction accept',
      'command refuse',
      'command refuse',
      'command continue',
      'command refuse',
      'command continue',
      'connection close',
      'connection close',
    ],
  ],
  [['abort', 'quit', 'quitNc'], KINDS.map(() => 'illegal')],
];

for (const [events, meanings] of EXPECTED)
  for (const event of events)
    test(`every verdict has its meaning at ${event}`, () => {
      const found = KINDS.map((kind) => {
        const m = meaningOf(SPOKEN, event, kind);
        return m ? `${m.about} ${m.does}${m.open ? ' open' : ''}` : 'illegal';
      });
      assert.deepEqual(found, meanings);
    });

test('SKIP is illegal unless it was negotiated', () => {
  for (const event of Object.keys(LAW) as EventName[])
    assert.equal(meaningOf({ version: 6, protocol: 0 }, event, 'skip'), null);
});

test('every command code leads back to its event, MACRO and OPTNEG to none', () => {
  for (const law of Object.values(LAW)) assert.equal(eventOfCode(law.code), law.name);
  assert.equal(Object.keys(LAW).length, Object.keys(SMFIC).length - 2);
  assert.equal(eventOfCode(SMFIC.MACRO), undefined);
  assert.equal(eventOfCode(SMFIC.OPTNEG), undefined);
});

test('each bit that suppresses an event or its answer is used once', () => {
  const bits = Object.values(LAW).flatMap((law) => [law.skip, law.noReply].filter((b) => b !== 0));
  assert.equal(new Set(bits).size, bits.length);
  assert.equal(
    bits.reduce((a, b) => a | b, 0),
    0x1fffff & ~(SMFIP.SKIP | SMFIP.RCPT_REJ | SMFIP.HDR_LEADSPC),
  );
});

test('every edit frame needs its own right; inserting is content with either header right', () => {
  const needs: [string, number][] = [
    ['h', 0x01],
    ['b', 0x02],
    ['+', 0x04],
    ['-', 0x08],
    ['m', 0x10],
    ['q', 0x20],
    ['e', 0x40],
    ['2', 0x80],
  ];
  for (const [code, right] of needs) {
    assert.ok(mayEdit(right, code.charCodeAt(0)), code);
    assert.ok(!mayEdit(0x1ff & ~right, code.charCodeAt(0)), code);
  }
  assert.ok(mayEdit(0x01, 0x69) && mayEdit(0x10, 0x69) && !mayEdit(0x1ee, 0x69));
  assert.ok(!mayEdit(0x1ff, 0x63));
});
