/** Attributes of XCLIENT and XFORWARD: every form they may have, and 501 for what has none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseXclient, parseXforward } from '#smtp/protocol';
import { fromXtext } from './xtext.ts';

test('XCLIENT: every attribute, in any case and order', () => {
  assert.deepEqual(
    parseXclient(
      'name=spike.example ADDR=192.0.2.1 Port=4711 PROTO=esmtp HELO=[192.0.2.1] LOGIN=a+20b DESTADDR=IPV6:2001:DB8::1 DESTPORT=25',
    ),
    {
      name: 'spike.example',
      address: '192.0.2.1',
      port: 4711,
      protocol: 'ESMTP',
      helo: '[192.0.2.1]',
      login: 'a b',
      destinationAddress: '2001:db8::1',
      destinationPort: 25,
    },
  );
});

test('XCLIENT: what is unavailable is said to be empty', () => {
  assert.deepEqual(
    parseXclient(
      'NAME=[TEMPUNAVAIL] ADDR=[unavailable] PORT=[UNAVAILABLE] PROTO=[UNAVAILABLE] HELO=[UNAVAILABLE] LOGIN=[UNAVAILABLE] DESTADDR=[UNAVAILABLE] DESTPORT=[UNAVAILABLE]',
    ),
    { name: '', address: '', port: 0, helo: '', login: '', destinationAddress: '', destinationPort: 0 },
  );
});

test('XFORWARD: every attribute', () => {
  assert.deepEqual(
    parseXforward('NAME=[UNAVAILABLE] ADDR=IPV6:::1 PORT=1 PROTO=smtp HELO=x IDENT=4C5A+2B SOURCE=local'),
    { name: '', address: '::1', port: 1, protocol: 'SMTP', helo: 'x', ident: '4C5A+', source: 'LOCAL' },
  );
});

test('bad attributes and values get 501 5.5.4', () => {
  const bad = [
    '',
    ' ',
    'ADDR',
    'ADDR=',
    '=1.2.3.4',
    'ADDR=host',
    'ADDR=1.2.3.4.5',
    'ADDR=IPV6:1',
    'ADDR=192.0.2.1 ADDR=192.0.2.1',
    'ADDR=192.0.2.1 FOO=bar',
    'NAME=a+',
    'NAME=a+2',
    'NAME=a+0ab',
    'NAME=a b',
    'NAME=a/b',
    'NAME=a=b',
    `NAME=${'a'.repeat(256)}`,
    'PORT=65536',
    'PORT=-1',
    'PORT=1x',
    'HELO=a+0Db',
    `HELO=${'a'.repeat(256)}`,
    'LOGIN=a+00',
  ];
  for (const args of [...bad, 'PROTO=LMTP', 'IDENT=x', 'SOURCE=LOCAL']) {
    const said = parseXclient(args);
    assert.ok('code' in said && said.code === 501 && said.enhanced === '5.5.4', `XCLIENT ${args}`);
  }
  for (const args of [
    ...bad.filter((a) => a !== 'NAME=a/b'),
    'LOGIN=x',
    'DESTADDR=1.2.3.4',
    'SOURCE=x',
    'IDENT=a+0A',
  ]) {
    const said = parseXforward(args);
    assert.ok('code' in said && said.code === 501, `XFORWARD ${args}`);
  }
});

test('any text is an answer or a refusal, and no value holds a control character', () => {
  const words = fc.constantFrom(
    'ADDR=',
    'NAME=',
    'LOGIN=',
    'IDENT=',
    ' ',
    '+0A',
    '+',
    '1',
    '.',
    'a',
    '[UNAVAILABLE]',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 3 }))), (parts) => {
      for (const said of [parseXclient(parts.join('')), parseXforward(parts.join(''))])
        if (!('code' in said))
          for (const value of Object.values(said)) assert.doesNotMatch(String(value), /[\x00-\x1f\x7f]/);
    }),
  );
});

test('xtext stands for bytes', () => {
  assert.equal(fromXtext('a+2B+3Db+C3+A9'), 'a+=b\xc3\xa9');
  for (const bad of ['+', '+2', '+2b', 'a=b', 'a b', 'a\n']) assert.equal(fromXtext(bad), null, bad);
});
