import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { status } from '#message';
import { ehloReply, formatReply } from '#smtp/protocol';

test('a status becomes a reply, the enhanced code on every line', () => {
  assert.equal(formatReply(status(250, '2.1.0', 'OK')), '250 2.1.0 OK\r\n');
  assert.equal(formatReply(status(220, '', 'mx ESMTP')), '220 mx ESMTP\r\n');
  assert.equal(
    formatReply(status(550, '5.7.1', 'one\ntwo\n')),
    '550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 \r\n',
  );
  assert.equal(formatReply(status(354, '3.0.0', 'go')), '354 go\r\n');
});

test('the class of the enhanced code follows the reply code, and an impossible code means try again', () => {
  assert.equal(formatReply(status(450, '5.7.1', 'x')), '450 4.0.0 x\r\n');
  assert.equal(formatReply(status(550, '5.7.1\r\n250', 'x')), '550 5.0.0 x\r\n');
  for (const code of [0, 99, 199, 600, 1000, NaN, -550])
    assert.equal(formatReply(status(code, '', 'x')), '451 x\r\n', String(code));
});

test('control characters do not get through and cannot make a line', () => {
  assert.equal(formatReply(status(550, '', 'a\0b\x1b[2J\x7f\tc')), '550 a?b?[2J?\tc\r\n');
  assert.equal(formatReply(status(550, '', 'a\r\n250 ok\rx')), '550-a\r\n550-250 ok\r\n550 x\r\n');
});

test('every reply is well formed, whatever the status', () => {
  const text = fc.array(fc.constantFrom('word ', '\n', '\r', '\0', '\xff', 'y'.repeat(600), 'é', 'Ā'), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 700 }),
      fc.constantFrom('', '5.7.1', '4.0.0', 'bad'),
      text,
      (code, enhanced, parts) => {
        const reply = formatReply(status(code, enhanced, parts.join('')));
        assert.match(
          reply,
          /^(?:([2-5]\d\d)-[^\x00-\x08\x0a-\x1f\x7f\u0100-\uffff]*\r\n)*[2-5]\d\d [^\x00-\x08\x0a-\x1f\x7f\u0100-\uffff]*\r\n$/,
        );
        const lines = reply.split('\r\n').slice(0, -1);
        assert.equal(new Set(lines.map((line) => line.slice(0, 3))).size, 1);
        for (const line of lines) assert.ok(line.length <= 510);
        assert.ok(lines.length <= 100);
      },
    ),
    { numRuns: 1000 },
  );
});

test('a line of exactly 512 bytes is one line, one more is two', () => {
  assert.equal(formatReply(status(550, '', 'x'.repeat(506))), `550 ${'x'.repeat(506)}\r\n`);
  assert.equal(formatReply(status(550, '', 'x'.repeat(507))), `550-${'x'.repeat(506)}\r\n550 x\r\n`);
});

test('the EHLO reply lists what is offered and nothing else', () => {
  assert.equal(
    ehloReply('mx.test', { maxMessageSize: 1000, starttls: true, dsn: true, auth: ['PLAIN', 'LOGIN'] }),
    '250-mx.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-AUTH PLAIN LOGIN\r\n250-SMTPUTF8\r\n250-MT-PRIORITY\r\n250 HELP\r\n',
  );
  const plain = ehloReply('mx.test', { maxMessageSize: Infinity, starttls: false, dsn: false, auth: [] });
  assert.ok(!/STARTTLS|DSN|CHUNKING|AUTH/.test(plain));
  assert.match(plain, /250-SIZE\r\n/);
});
