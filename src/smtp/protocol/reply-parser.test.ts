import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf } from '#message';
import type { Status } from '#message';
import { ReplyFault, ReplyParser } from './reply-parser.ts';

function parse(chunks: readonly string[], limits?: ConstructorParameters<typeof ReplyParser>[1]): Status[] {
  const parser = new ReplyParser('hop', limits);
  const out: Status[] = [];
  for (const c of chunks) parser.push(bytesOf(c), out);
  return out;
}

const faultOf = (text: string): string => {
  try {
    parse([text]);
  } catch (e) {
    if (e instanceof ReplyFault) return e.code;
    throw e;
  }
  return 'none';
};

test('a reply becomes a Status said by the next hop', () => {
  assert.deepEqual(parse(['250 2.1.0 Ok\r\n']), [{ code: 250, enhanced: '2.1.0', text: 'Ok', by: 'hop' }]);
  assert.deepEqual(parse(['354 go on\r\n'])[0], { code: 354, enhanced: '', text: 'go on', by: 'hop' });
});

test('a reply may have no text', () => {
  assert.deepEqual(
    parse(['250\r\n250 \r\n']).map((s) => s.text),
    ['', ''],
  );
});

test('a multi-line reply keeps its lines and loses the enhanced code in front of each', () => {
  assert.deepEqual(parse(['550-5.7.1 no\r\n550-5.7.1\r\n550 5.7.1 thanks\r\n']), [
    { code: 550, enhanced: '5.7.1', text: 'no\n\nthanks', by: 'hop' },
  ]);
});

test('an enhanced code of another class than the reply stays text', () => {
  assert.deepEqual(parse(['250 5.1.1 odd\r\n'])[0], {
    code: 250,
    enhanced: '',
    text: '5.1.1 odd',
    by: 'hop',
  });
});

test('control characters become question marks and high bytes stay', () => {
  assert.equal(parse(['550 a\x00b\x1b[2Jc\rd\xe9\r\n'])[0]!.text, 'a?b?[2Jc?d\xe9');
});

test('what is no reply is a fault', () => {
  for (const text of [
    'abc\r\n',
    '2\r\n',
    '\r\n',
    '25x ok\r\n',
    '650 x\r\n',
    '100 x\r\n',
    '250ok\r\n',
    '250+ok\r\n',
  ])
    assert.equal(faultOf(text), 'reply-syntax', JSON.stringify(text));
});

test('a lone LF does not end a reply line', () => {
  assert.equal(faultOf('250 ok\n'), 'reply-syntax');
  assert.equal(faultOf('\n'), 'reply-syntax');
});

test('a code that changes within a reply is a fault', () => {
  assert.equal(faultOf('250-a\r\n550 b\r\n'), 'reply-syntax');
});

test('replies before a fault are given out', () => {
  const out: Status[] = [];
  assert.throws(() => new ReplyParser('hop').push(bytesOf('250 ok\r\nrubbish\r\n'), out), ReplyFault);
  assert.deepEqual(
    out.map((s) => s.code),
    [250],
  );
});

test('a line of the greatest length passes and one byte more does not', () => {
  const limits = { maxLine: 12, maxLines: 9, maxSize: 1000 };
  assert.equal(parse(['250 123456\r\n'], limits)[0]!.text, '123456');
  assert.throws(() => parse(['250 1234567\r\n'], limits), { code: 'reply-too-long' });
  assert.throws(() => parse('250 123456789'.split(''), limits), { code: 'reply-too-long' });
});

test('the number of lines and the size of a reply are bounded', () => {
  const limits = { maxLine: 100, maxLines: 3, maxSize: 1000 };
  assert.equal(parse(['250-a\r\n250-b\r\n250 c\r\n'], limits)[0]!.text, 'a\nb\nc');
  assert.throws(() => parse(['250-a\r\n250-b\r\n250-c\r\n250 d\r\n'], limits), { code: 'reply-too-long' });
  const small = { maxLine: 100, maxLines: 100, maxSize: 14 };
  assert.equal(parse(['250-a\r\n250 b\r\n'], small).length, 1);
  assert.throws(() => parse(['250-a\r\n250 bb\r\n'], small), { code: 'reply-too-long' });
  assert.equal(parse(['250 aaaa\r\n', '250 aaaa\r\n'], small).length, 2, 'the size counts per reply');
});

test('ten megabytes without a line end are refused at once', () => {
  assert.equal(faultOf('2'.repeat(10_000_000)), 'reply-too-long');
});

test('an unfinished reply is known as such', () => {
  const parser = new ReplyParser('hop');
  const out: Status[] = [];
  parser.push(bytesOf('250-a\r\n'), out);
  assert.equal(parser.unfinished, true);
  parser.push(bytesOf('250 b\r\n'), out);
  assert.equal(parser.unfinished, false);
});

test('replies are the same however their bytes are cut', () => {
  const wire = '220 hi\r\n250-one\r\n250-SIZE 10\r\n250 x\r\n250\r\n450 4.2.0 later\r\n';
  const whole = parse([wire]);
  assert.equal(whole.length, 4);
  for (let i = 0; i <= wire.length; i++) assert.deepEqual(parse([wire.slice(0, i), wire.slice(i)]), whole);
  assert.deepEqual(parse(wire.split('')), whole);
});

test('any bytes end in replies or in a fault, never in anything else', () => {
  const piece = fc.constantFrom('2', '5', '0', '-', ' ', '\r\n', '\n', '\r', 'a', '250 ok\r\n', '250-', '\0');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (parts) => {
      try {
        for (const s of parse([parts.join('')])) assert.ok(s.code >= 200 && s.code < 600);
      } catch (e) {
        assert.ok(e instanceof ReplyFault);
      }
    }),
    { numRuns: 1000 },
  );
});
