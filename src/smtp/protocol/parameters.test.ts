import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseParameters } from '#smtp/protocol';

const ALL = { dsn: true, auth: true };
const mail = (text: string, offered = ALL): unknown => parseParameters('MAIL', text, 0, offered);
const rcpt = (text: string, offered = ALL): unknown => parseParameters('RCPT', text, 0, offered);
const code = (answer: unknown): string => {
  const { code: c, enhanced } = answer as { code: number; enhanced: string };
  return `${c} ${enhanced}`;
};

test('known parameters are cut apart and kept as typed', () => {
  assert.deepEqual(mail(''), { params: [], size: -1, utf8: false });
  assert.deepEqual(mail(' SIZE=10 body=8bitmime  SMTPUTF8 RET=HDRS ENVID=a+2Bb AUTH=<>'), {
    params: ['SIZE=10', 'body=8bitmime', 'SMTPUTF8', 'RET=HDRS', 'ENVID=a+2Bb', 'AUTH=<>'],
    size: 10,
    utf8: true,
  });
  assert.deepEqual(rcpt(' NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+3Db@c.test'), {
    params: ['NOTIFY=SUCCESS,FAILURE,DELAY', 'ORCPT=rfc822;a+3Db@c.test'],
    size: -1,
    utf8: false,
  });
});

test('a priority is one digit, with a minus sign below zero', () => {
  for (const value of ['-9', '-1', '0', '9'])
    assert.deepEqual(mail(` MT-PRIORITY=${value}`, { dsn: false, auth: false }), {
      params: [`MT-PRIORITY=${value}`],
      size: -1,
      utf8: false,
    });
  for (const value of ['-10', '10', '+1', '-0', '', '1.5', '--1', 'high'])
    assert.equal(code(mail(` MT-PRIORITY=${value}`)), '501 5.5.4', value);
  assert.equal(code(rcpt(' MT-PRIORITY=1')), '555 5.5.4');
});

test('bad syntax is 501 5.5.4', () => {
  const bad = [
    'SIZE=1',
    ' SIZE',
    ' SIZE=',
    ' SIZE=-1',
    ' SIZE=1x',
    ' SIZE=123456789012345678901',
    ' SIZE=1 SIZE=1',
    ' BODY=9BIT',
    ' SMTPUTF8=yes',
    ' =x',
    ' SIZE=1=2',
    ' RET=NONE',
    ' ENVID=a+2b',
    ' ENVID=a=b',
    ' \x01',
    ' SIZE=1\t',
    ' ENVID=\xe9',
  ];
  for (const text of bad) assert.equal(code(mail(text)), '501 5.5.4', text);
  for (const text of [' NOTIFY=NEVER,DELAY', ' NOTIFY=', ' ORCPT=rfc822', ' ORCPT=;x'])
    assert.equal(code(rcpt(text)), '501 5.5.4', text);
});

test('what is not known or not offered is 555 5.5.4', () => {
  for (const text of [' FOO', ' FOO=1', ' NOTIFY=NEVER', ' BODY=BINARYMIME', ' constructor=1'])
    assert.equal(code(mail(text)), '555 5.5.4', text);
  for (const text of [' SIZE=1', ' RET=FULL']) assert.equal(code(rcpt(text)), '555 5.5.4', text);
  const none = { dsn: false, auth: false };
  for (const text of [' RET=FULL', ' ENVID=x', ' AUTH=<>'])
    assert.equal(code(mail(text, none)), '555 5.5.4', text);
  assert.equal(code(rcpt(' NOTIFY=NEVER', none)), '555 5.5.4');
});
