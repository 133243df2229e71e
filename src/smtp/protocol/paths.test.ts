import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteStringOf } from '#message';
import { parseForwardPath, parseReversePath, type ParsedPath } from '#smtp/protocol';

const L64 = 'l'.repeat(64);
const D255 = `${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(63)}`;

test('valid paths are taken as typed, in both directions', () => {
  const cases: [string, string][] = [
    ['<a@b.test>', 'a@b.test'],
    ['<A.b+c=d@B.Test>', 'A.b+c=d@B.Test'],
    ['<"a b"@in.test>', '"a b"@in.test'],
    ['<"a\\"b@c"@in.test>', '"a\\"b@c"@in.test'],
    ['<""@in.test>', '""@in.test'],
    ['<a@[192.0.2.1]>', 'a@[192.0.2.1]'],
    ['<a@[IPv6:::1]>', 'a@[IPv6:::1]'],
    ['<a@[IPv6:2001:db8::192.0.2.1]>', 'a@[IPv6:2001:db8::192.0.2.1]'],
    ['<a@[IPv6:1:2:3:4:5:6:7:8]>', 'a@[IPv6:1:2:3:4:5:6:7:8]'],
    ['<a@[x400:c=se]>', 'a@[x400:c=se]'],
    ['<@x.test:a@in.test>', 'a@in.test'],
    ['<@x.test,@y.test:a@in.test>', 'a@in.test'],
    ['<u%ext.test@in.test>', 'u%ext.test@in.test'],
    ['<a@under_score.test>', 'a@under_score.test'],
    ['<a@localhost>', 'a@localhost'],
    [`<${L64}@in.test>`, `${L64}@in.test`],
    [`<a@${D255}>`, `a@${D255}`],
  ];
  for (const [raw, address] of cases)
    for (const parse of [parseReversePath, parseForwardPath]) {
      const got = parse(`X:${raw} SIZE=1`, 2);
      assert.deepEqual(got, { path: { raw, address }, next: 2 + raw.length, needsUtf8: false }, raw);
    }
});

test('what is no path is refused with 501 5.1.7 for senders and 501 5.1.3 for recipients', () => {
  const bad = [
    '',
    'a@b.test',
    '<a@b.test',
    '<a>',
    '<@b.test>',
    '<a@>',
    '<a b@c.test>',
    '<a@b@c.test>',
    '<u@ext.test@in.test>',
    '<.a@b.test>',
    '<a.@b.test>',
    '<a..b@c.test>',
    '<a@-b.test>',
    '<a@b-.test>',
    '<a@b..test>',
    '<u@IN.TEST.>',
    '<"a@b.test>',
    '<"a"b@c.test>',
    '<a@[1.2.3.256]>',
    '<a@[1.2.3]>',
    '<a@[IPv6:1:2]>',
    '<a@[IPv6:1::2::3]>',
    '<a@[IPv6:1:2:3:4:5:6:7:8:9]>',
    '<a@[IPv6:12345::]>',
    '<a@[]>',
    '<a\0@b.test>',
    '<a\tb@c.test>',
    '<"a\x1bb"@c.test>',
    '<a\x7f@c.test>',
    '<a\r@c.test>',
    '<a@c\r.test>',
    '<"a\\\r"@c.test>',
    '<@x.test>',
    '<@x.test:>',
    '<@x.test;a@b.test>',
    `<l${L64}@in.test>`,
    `<a@d${D255}>`,
    '<<a@b.test>>',
  ];
  for (const text of bad) {
    assertStatus(parseReversePath(text, 0), 501, '5.1.7', text);
    assertStatus(parseForwardPath(text, 0), 501, '5.1.3', text);
  }
});

test('the null path is a sender only, postmaster without domain a recipient only', () => {
  assert.deepEqual(parseReversePath('FROM:<> BODY=7BIT', 5), {
    path: { raw: '<>', address: '' },
    next: 7,
    needsUtf8: false,
  });
  assertStatus(parseForwardPath('<>', 0), 501, '5.1.3');
  assert.deepEqual(parseForwardPath('TO:<PostMaster>', 3), {
    path: { raw: '<PostMaster>', address: 'PostMaster' },
    next: 15,
    needsUtf8: false,
  });
  assertStatus(parseReversePath('<postmaster>', 0), 501, '5.1.7');
});

test('blanks before the bracket are forgiven', () => {
  assert.equal((parseReversePath('FROM:  <a@b.test>', 5) as ParsedPath).path.raw, '<a@b.test>');
});

test('8-bit paths are UTF-8 or nothing, and say that they need SMTPUTF8', () => {
  const raw = byteStringOf('<grüße@例え.test>');
  const got = parseReversePath(raw, 0) as ParsedPath;
  assert.ok(got.needsUtf8);
  assert.equal(got.path.raw, raw);
  for (const bad of ['<a\xe9@b.test>', '<a\xc0\xaf@b.test>', '<a\xc2\x85@b.test>', '<a@\xed\xa0\x80.test>'])
    assertStatus(parseReversePath(bad, 0), 501, '5.1.7', bad);
});

test('hostile lines are answered in linear time', () => {
  const started = performance.now();
  for (const part of ['a-', '.a', '@a,', 'a.', '"', '\\"', '\xc3\xa9', '[', 'a@'])
    for (const lead of ['<', '<"', '<@', '<a@', '<a@[', '<@x:'])
      for (const parse of [parseReversePath, parseForwardPath]) parse(lead + part.repeat(2048), 0);
  assert.ok(performance.now() - started < 2000);
});

test('whatever is taken is the text that stood there, closed by its bracket', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '@',
    'a',
    '.',
    '"',
    '\\',
    ' ',
    '[1.2.3.4]',
    ':',
    ',',
    '\xc3\xa9',
    '\r',
    '\0',
    '-',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (parts) => {
      const line = `<${parts.join('')}`;
      const got = parseReversePath(line, 0);
      if ('code' in got) return;
      assert.equal(line.slice(0, got.next), got.path.raw);
      assert.match(got.path.raw, /^<.*>$/);
      assert.doesNotMatch(got.path.raw, /[\x00-\x1f\x7f]/);
      assert.ok(got.path.raw.includes(got.path.address));
    }),
    { numRuns: 5000 },
  );
});

function assertStatus(got: unknown, code: number, enhanced: string, message?: string): void {
  const { code: c, enhanced: e } = got as { code: number; enhanced: string };
  assert.deepEqual([c, e], [code, enhanced], message);
}
