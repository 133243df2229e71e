import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatReply, parseReplyCode, replyOf, MAX_REPLY_LINES } from '#milter/protocol';

const lines = (text: string): string[] | null => {
  const r = parseReplyCode(text);
  return r && r.lines.map((l) => `${r.code}|${r.enhanced}|${l}`);
};

test('well-formed replies come apart', () => {
  assert.deepEqual(lines('550 5.7.1 no'), ['550|5.7.1|no']);
  assert.deepEqual(lines('501 No authentication'), ['501||No authentication']);
  assert.deepEqual(lines('550-5.7.1 a\r\n550 5.7.1 b'), ['550|5.7.1|a', '550|5.7.1|b']);
  assert.deepEqual(lines('550-a\r\n550-\r\n550 c'), ['550||a', '550||', '550||c']);
  assert.deepEqual(lines('421 4.3.2 bye'), ['421|4.3.2|bye']);
});

test('a bare code gets a default text', () => {
  assert.deepEqual(lines('550'), ['550||Command rejected']);
  assert.deepEqual(lines('550 '), ['550||Command rejected']);
  assert.deepEqual(lines('550 5.7.2'), ['550|5.7.2|Command rejected']);
  assert.deepEqual(lines('451'), ['451||Service unavailable - try again later']);
});

test('what is no 4yz or 5yz reply is refused', () => {
  for (const text of [
    '250 ok',
    '350 x',
    '650 x',
    '55',
    '5',
    '',
    'abc',
    '550 4.7.1 x',
    '999 9.9.9 x',
    '550x',
    '550\tx',
    '5500 x',
    ' 550 x',
    '550-a\r\n551 b',
    '550 5.7.1 no\r\n250 2.0.0 ok\r\n',
    '550-a\r\n250 ok',
    '550-a\r\n\r\n550 b',
    '\r\n',
    '450 5.1.1 x',
  ])
    assert.equal(parseReplyCode(text), null, JSON.stringify(text));
});

test('what only looks like an enhanced code is text', () => {
  assert.deepEqual(lines('550 5.7.1.9 is listed'), ['550||5.7.1.9 is listed']);
  assert.deepEqual(lines('550 1.2.3 x'), ['550||1.2.3 x']);
});

test('nothing can break out of a line or be expanded', () => {
  assert.deepEqual(lines('550 x\n250 y'), ['550||x 250 y']);
  assert.deepEqual(lines('550 a\rb\x1b[31mc\x7f'), ['550||a b[31mc']);
  assert.deepEqual(lines('550 5.7.1 100%'), ['550|5.7.1|100%']);
  assert.deepEqual(lines('550 5.7.1 %s%n%%'), ['550|5.7.1|%s%n%']);
  assert.deepEqual(lines('550 %{x} ${7*7} {{x}} <script>'), ['550||%{x} ${7*7} {{x}} <script>']);
  assert.deepEqual(lines('550-a\r\n550-never ends'), ['550||a', '550||never ends']);
  assert.deepEqual(lines('550 gr\xc3\xbc\xc3\x9fe'), ['550||gr\xc3\xbc\xc3\x9fe']);
});

test('long text is wrapped at 512 bytes a line and bound in lines', () => {
  const fits = 512 - 6 - 6;
  assert.equal(parseReplyCode('550 5.7.1 ' + 'x'.repeat(fits))!.lines.length, 1);
  assert.equal(parseReplyCode('550 5.7.1 ' + 'x'.repeat(fits + 1))!.lines.length, 2);
  assert.equal(parseReplyCode('550 ' + 'x'.repeat(100_000))!.lines.length, MAX_REPLY_LINES);
  const umlauts = parseReplyCode('550 a' + '\xc3\xbc'.repeat(600))!;
  for (const line of umlauts.lines) assert.ok((line.charCodeAt(0) & 0xc0) !== 0x80);
});

test('no text of a filter makes anything but one short 4yz or 5yz reply', () => {
  const piece = fc.constantFrom(
    '550',
    '451',
    '250',
    ' ',
    '-',
    '5.7.1',
    '%',
    '\r\n',
    '\n',
    '\0',
    'x',
    '\xff',
    '9'.repeat(600),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const reply = parseReplyCode(pieces.join(''));
      if (!reply) return;
      assert.ok(reply.code >= 400 && reply.code <= 599 && reply.lines.length >= 1);
      for (const line of reply.lines) {
        assert.match(line, /^[^\x00-\x1f\x7f]*$/);
        assert.ok(line.length + 6 + (reply.enhanced ? reply.enhanced.length + 1 : 0) <= 512);
      }
    }),
  );
});

test('verdicts have their default replies', () => {
  const short = (r: ReturnType<typeof replyOf>): string | null => r && `${r.code} ${r.enhanced}`;
  assert.equal(short(replyOf({ kind: 'reject' })), '550 5.7.1');
  assert.equal(short(replyOf({ kind: 'tempfail' })), '451 4.7.1');
  assert.equal(short(replyOf({ kind: 'shutdown' })), '421 4.7.1');
  assert.equal(short(replyOf({ kind: 'replycode', text: '550 5.1.1 gone' })), '550 5.1.1');
  assert.equal(short(replyOf({ kind: 'replycode', text: '5 nonsense' })), '550 5.7.1');
  assert.equal(short(replyOf({ kind: 'replycode', text: '250 ok' })), '451 4.7.1');
  assert.equal(replyOf({ kind: 'accept' }), null);
});

test('a reply that a filter writes is read back the same', () => {
  assert.equal(
    formatReply({ code: 550, enhanced: '5.7.1', lines: ['100% a\nb', 'c'] }),
    '550-5.7.1 100%% a b\r\n550 5.7.1 c',
  );
  assert.equal(formatReply({ code: 451, enhanced: '', lines: [] }), '451');
  assert.throws(() => formatReply({ code: 250, enhanced: '', lines: [] }), RangeError);
  assert.throws(() => formatReply({ code: 550, enhanced: '4.7.1', lines: [] }), RangeError);
  assert.throws(() => formatReply({ code: 550, enhanced: '5.7', lines: [] }), RangeError);
  const line = fc.stringMatching(/^[a-zA-Z][ -~]{0,80}$/);
  fc.assert(
    fc.property(
      fc.constantFrom(450, 550),
      fc.boolean(),
      fc.array(line, { minLength: 1, maxLength: 5 }),
      (code, e, said) => {
        const reply = { code, enhanced: e ? `${String(code)[0]}.7.1` : '', lines: said };
        assert.deepEqual(parseReplyCode(formatReply(reply)), reply);
      },
    ),
  );
});
