import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHttp, parseCommand } from '#smtp/protocol';

test('verbs are known in any case, blanks around arguments do not count', () => {
  const cases: [string, string | null, string][] = [
    ['NOOP', 'NOOP', ''],
    ['noop  ', 'NOOP', ''],
    ['QuIt\t', 'QUIT', ''],
    ['MAIL FROM:<a@b.test>', 'MAIL', 'FROM:<a@b.test>'],
    ['ehlo   mx.test \t ', 'EHLO', 'mx.test'],
    ['MAILFROM:<a@b>', null, ''],
    ['', null, ''],
    ['   ', null, ''],
    [' NOOP', null, 'NOOP'],
    ['NOOP\0', null, ''],
    ['constructor', null, ''],
    ['xclient NAME=x', 'XCLIENT', 'NAME=x'],
  ];
  for (const [line, verb, args] of cases) assert.deepEqual(parseCommand(line), { verb, args }, line);
});

test('any line at all is answered', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (line) => {
      const { verb, args } = parseCommand(line);
      assert.ok(line.includes(args));
      assert.ok(verb === null || line.toUpperCase().startsWith(verb));
    }),
  );
});

test('lines of a web client are known as such, commands are not taken for one', () => {
  for (const line of [
    'GET / HTTP/1.1',
    'post /x HTTP/1.0',
    'Host: mx.test',
    'CONNECT a:25 HTTP/1.1',
    'PRI * HTTP/2.0',
  ])
    assert.ok(isHttp(line), line);
  for (const line of ['GETTING', 'HELO Host:', 'POST', 'X: y', 'MAIL FROM:<host@x.test>'])
    assert.ok(!isHttp(line), line);
});
