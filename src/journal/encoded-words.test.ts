import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeWords } from './encoded-words.ts';
import { byteStringOf } from '#message';

const CASES: readonly (readonly [value: string, text: string])[] = [
  ['plain', 'plain'],
  ['=?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle', 'Grüße an alle'],
  ['=?UTF-8?B?R3LDvMOfZQ==?=', 'Grüße'],
  ['=?iso-8859-1?Q?caf=E9_au_lait?=', 'café au lait'],
  ['=?utf-8?q?a?= =?utf-8?q?b?=', 'ab'],
  ['=?utf-8?q?=C3?= =?utf-8?q?=BC?=', 'ü'],
  ['=?utf-8?q?a?= b =?utf-8?q?c?=', 'a b c'],
  ['=?utf-8*de?q?a?=', 'a'],
  ['=?nosuch?q?a=41?=', 'aA'],
  ['=?utf-8?x?a?=', '=?utf-8?x?a?='],
  ['=?utf-8?q?open', '=?utf-8?q?open'],
  ['=?utf-8?b?!!!?=', '!!!'],
];

for (const [value, text] of CASES)
  test(`${value} is read as ${text}`, () => {
    assert.equal(decodeWords(value), text);
  });

test('whatever was encoded comes back; whatever comes in, nothing throws and it ends soon', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (text) => {
      const bytes = byteStringOf(text);
      assert.equal(decodeWords(`=?utf-8?B?${btoa(bytes)}?=`), text);
    }),
  );
  fc.assert(fc.property(fc.string({ maxLength: 500 }), (text) => typeof decodeWords(text) === 'string'));
  const began = performance.now();
  for (const hostile of [
    '=?'.repeat(1000),
    '=?a?q?'.repeat(300),
    `=?${'a'.repeat(1900)}`,
    '=?a?q?b?= '.repeat(200),
  ])
    decodeWords(hostile);
  assert.ok(performance.now() - began < 1000);
});
