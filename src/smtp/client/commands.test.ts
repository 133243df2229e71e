import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, bytesOf, status } from '#message';
import { planTransaction } from './commands.ts';
import type { OutgoingMessage } from './commands.ts';
import { NO_EXTENSIONS, extensionsOf } from './extensions.ts';
import { parseHop } from './hop.ts';
import { addressesIn, makeResolve } from './resolve.ts';

const ALL = { ...NO_EXTENSIONS, eightBitMime: true, smtpUtf8: true, dsn: true, size: true };

function message(more: Partial<OutgoingMessage>): OutgoingMessage {
  return {
    sender: 'a@x',
    senderParams: [],
    recipients: [{ address: 'b@y', params: [] }],
    header: bytesOf('Subject: x\r\n'),
    body: bodyOf([]),
    size: 14,
    ...more,
  };
}

test('parameters go only to a peer that offers their extension', () => {
  const m = message({
    senderParams: ['BODY=8BITMIME', 'RET=HDRS', 'ENVID=q1', 'SIZE=5', 'AUTH=<>'],
    recipients: [{ address: 'b@y', params: ['NOTIFY=NEVER', 'ORCPT=rfc822;b@y', 'X=1'] }],
  });
  const full = planTransaction(m, ALL, 'hop');
  assert.equal(full.mail, 'MAIL FROM:<a@x> SIZE=14 BODY=8BITMIME RET=HDRS ENVID=q1\r\n');
  assert.deepEqual(full.rcpts, ['RCPT TO:<b@y> NOTIFY=NEVER ORCPT=rfc822;b@y\r\n']);
  const bare = planTransaction(m, NO_EXTENSIONS, 'hop');
  assert.equal(bare.mail, 'MAIL FROM:<a@x>\r\n');
  assert.deepEqual(bare.rcpts, ['RCPT TO:<b@y>\r\n']);
});

test('a priority is passed on to a peer that offers it, and to no other', () => {
  const m = message({ senderParams: ['MT-PRIORITY=-4'] });
  assert.equal(
    planTransaction(m, { ...NO_EXTENSIONS, mtPriority: true }, 'hop').mail,
    'MAIL FROM:<a@x> MT-PRIORITY=-4\r\n',
  );
  assert.equal(planTransaction(m, ALL, 'hop').mail, 'MAIL FROM:<a@x> SIZE=14\r\n');
  assert.ok(extensionsOf(status(250, '', 'hop\nMT-PRIORITY MIXER', 'hop')).mtPriority);
});

test('an internationalized address fails where SMTPUTF8 is missing and only there', () => {
  const m = message({
    recipients: [
      { address: '\xc3\xa0@y', params: [] },
      { address: 'c@y', params: [] },
    ],
  });
  const without = planTransaction(m, { ...ALL, smtpUtf8: false }, 'hop');
  assert.deepEqual(
    without.refused.map((s) => s?.enhanced),
    ['5.6.7', undefined],
  );
  assert.deepEqual(without.asked, [1]);
  const having = planTransaction(m, ALL, 'hop');
  assert.equal(having.mail, 'MAIL FROM:<a@x> SIZE=14 SMTPUTF8\r\n');
  assert.deepEqual(having.asked, [0, 1]);
  const sender = planTransaction(message({ sender: '\xc3\xa0@x' }), { ...ALL, smtpUtf8: false }, 'hop');
  assert.equal(sender.refused[0]?.enhanced, '5.6.7');
});

test('declared SMTPUTF8 fails without the extension only when a header field needs it', () => {
  const ext = { ...ALL, smtpUtf8: false };
  const plain = message({ senderParams: ['SMTPUTF8'] });
  assert.deepEqual(planTransaction(plain, ext, 'hop').asked, [0]);
  const high = message({ senderParams: ['SMTPUTF8'], header: bytesOf('Subject: \xc3\xa0\r\n') });
  assert.equal(planTransaction(high, ext, 'hop').refused[0]?.enhanced, '5.6.7');
});

test('a message larger than the peer takes is refused here, one of just that size is sent', () => {
  assert.deepEqual(planTransaction(message({}), { ...ALL, maxSize: 14 }, 'hop').asked, [0]);
  assert.equal(planTransaction(message({}), { ...ALL, maxSize: 13 }, 'hop').refused[0]?.enhanced, '5.3.4');
  assert.deepEqual(planTransaction(message({}), { ...ALL, maxSize: 0 }, 'hop').asked, [0]);
});

test('an address that would break out of its command is never sent', () => {
  const bad = [
    'a@y>\r\nDATA',
    'a@y> NOTIFY=NEVER',
    'a b@y',
    '<a@y',
    '',
    'a\0@y',
    '"a"b"@y',
    `${'a'.repeat(2000)}@y`,
  ];
  const good = ['postmaster', 'a@y', '"a b"@y', '"a>b"@y', '"a\\"b"@y', 'a@[IPv6:::1]', "o'x+y=z@y"];
  for (const address of bad) {
    const plan = planTransaction(message({ recipients: [{ address, params: [] }] }), ALL, 'hop');
    assert.equal(plan.refused[0]?.enhanced, '5.1.3', JSON.stringify(address));
    assert.deepEqual(plan.rcpts, []);
  }
  for (const address of good)
    assert.deepEqual(
      planTransaction(message({ recipients: [{ address, params: [] }] }), ALL, 'hop').asked,
      [0],
      address,
    );
  assert.equal(planTransaction(message({ sender: 'a\n@y' }), ALL, 'hop').refused[0]?.enhanced, '5.1.7');
  const params = message({ recipients: [{ address: 'b@y', params: ['NOTIFY=NEVER\r\nDATA'] }] });
  assert.deepEqual(planTransaction(params, ALL, 'hop').rcpts, ['RCPT TO:<b@y>\r\n']);
});

test('the offers of a peer are read whatever their case and order', () => {
  const ext = extensionsOf(
    status(250, '', 'hop at your service\nsize 1000\npipelining\n8BITMIME\nX-Odd\nDSN', 'hop'),
  );
  assert.deepEqual(ext, {
    ...NO_EXTENSIONS,
    size: true,
    maxSize: 1000,
    pipelining: true,
    eightBitMime: true,
    dsn: true,
  });
  assert.deepEqual(
    extensionsOf(status(250, '', 'PIPELINING', 'hop')),
    NO_EXTENSIONS,
    'the first line is a greeting',
  );
});

test('hops are read from text, and what is none is refused', () => {
  assert.deepEqual(parseHop('10.0.0.5:2525'), { name: '10.0.0.5', port: 2525, path: '' });
  assert.deepEqual(parseHop('mail.test'), { name: 'mail.test', port: 25, path: '' });
  assert.deepEqual(parseHop('[::1]:26'), { name: '::1', port: 26, path: '' });
  assert.deepEqual(parseHop('::1'), { name: '::1', port: 25, path: '' });
  assert.deepEqual(parseHop('unix:/run/x'), { name: 'localhost', port: 0, path: '/run/x' });
  for (const bad of ['', 'a:0', 'a:65536', 'a:b', 'a b', 'unix:', '[x]:1', 'a:1:2', '[::1]x'])
    assert.equal(parseHop(bad), null, bad);
});

test('literals and names of the hosts file need no name server', async () => {
  assert.deepEqual(
    addressesIn('127.0.0.1 localhost # x\n::1 LOCALHOST\n127.0.0.1 other localhost\n', 'localhost'),
    ['127.0.0.1', '::1'],
  );
  assert.deepEqual(addressesIn('nonsense localhost\n', 'localhost'), []);
  assert.deepEqual(await makeResolve('/nonexistent')('127.0.0.9'), ['127.0.0.9']);
});
