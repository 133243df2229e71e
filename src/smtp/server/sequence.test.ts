import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '#message';
import { codeOf, rig, slowly, type Recorder, type Rig } from './rig.cases.ts';
import type { SmtpServerOptions } from '#smtp/server';

type Step = [line: string, code: string];

/** Plays steps on one connection after greeting and EHLO; the reply codes must be those. */
async function play(
  steps: Step[],
  options: Partial<SmtpServerOptions> = {},
  make?: (h: Recorder) => Recorder,
): Promise<Rig> {
  const r = await rig(options, make);
  const client = await (await r.client()).hello();
  for (const [line, code] of steps)
    assert.equal(codeOf(await client.ask(line)), code, JSON.stringify(line.slice(0, 80)));
  await r.stop();
  return r;
}

const GOOD: Step[] = [
  ['MAIL FROM:<a@in.test>', '250 2.1.0'],
  ['RCPT TO:<b@in.test>', '250 2.1.0'],
  ['DATA', '354'],
  ['Subject: x\r\n\r\nhello\r\n.', '250 2.0.0'],
];

test('a good transaction reaches the handler in order, content un-stuffed', async () => {
  const r = await play([
    ...GOOD.slice(0, 3),
    ['Subject: x\r\n\r\n..dot\r\n.', '250 2.0.0'],
    ['QUIT', '221 2.0.0'],
  ]);
  assert.deepEqual(r.handlers[0]!.calls, [
    'connect',
    'EHLO client.test',
    'mail <a@in.test>',
    'rcpt <b@in.test>',
    'data',
    'end',
    'close',
  ]);
  assert.deepEqual(r.handlers[0]!.contents, ['Subject: x\r\n\r\n.dot\r\n']);
});

test('S10: errors of order get their code, one reply each, and a good transaction still works', async () => {
  await play([
    ['DATA', '503 5.5.1'],
    ['RCPT TO:<b@in.test>', '503 5.5.1'],
    ['MAIL FROM:<a@in.test>', '250 2.1.0'],
    ['MAIL FROM:<a@in.test>', '503 5.5.1'],
    ['DATA', '503 5.5.1'],
    ['RCPT TO:<b@ext.test>', '550 5.7.1'],
    ['DATA', '554 5.5.1'],
    ['RSET', '250 2.0.0'],
    ['RCPT TO:<b@in.test>', '503 5.5.1'],
    ['MAIL FROM:a@in.test', '501 5.1.7'],
    ['MAIL FROM:', '501 5.1.7'],
    ['MAIL TO:<a@in.test>', '501 5.5.4'],
    ['MAIL', '501 5.5.4'],
    ['FROBNICATE now', '500 5.5.1'],
    ['', '500 5.5.1'],
    ['LHLO client.test', '500 5.5.1'],
    ['BDAT 10 LAST', '502 5.5.1'],
    ['AUTH PLAIN AGEAYg==', '502 5.5.1'],
    ['EXPN list', '502 5.5.1'],
    ['STARTTLS', '502 5.5.1'],
    ['VRFY someone', '252 2.0.0'],
    ['noop   \t', '250 2.0.0'],
    ['HELP', '214 2.0.0'],
    ['mail from:<a@in.test>  ', '250 2.1.0'],
    ['rcpt to:<b@in.test>\t', '250 2.1.0'],
    ['data ', '354'],
    ['lower\r\n.', '250 2.0.0'],
    ...GOOD,
  ]);
});

test('arguments where none may be are 501, and so is a missing or odd name', async () => {
  await play([
    ['RSET now', '501 5.5.4'],
    ['QUIT now', '501 5.5.4'],
    ['DATA now', '501 5.5.4'],
    ['VRFY', '501 5.5.4'],
    ['EHLO', '501 5.5.4'],
    ['HELO two names', '501 5.5.4'],
    ['EHLO caf\xe9', '501 5.5.4'],
    [`EHLO ${'x'.repeat(256)}`, '501 5.5.4'],
    [`EHLO ${'x'.repeat(255)}`, '250'],
    ...GOOD,
  ]);
});

test('EHLO or HELO in a transaction resets it and is asked anew', async () => {
  const r = await play([...GOOD.slice(0, 2), ['HELO again.test', '250'], ['DATA', '503 5.5.1'], ...GOOD]);
  assert.deepEqual(r.handlers[0]!.calls.slice(4, 6), ['reset HELO', 'HELO again.test']);
});

test('MAIL before EHLO is refused, and a refused EHLO does not count', async () => {
  const r = await rig({}, (handler) => {
    handler.helo = (origin) => (origin.helo === 'bad.test' ? status(550, '5.7.1', 'Not you') : null);
    return handler;
  });
  const client = await r.client();
  await client.reply();
  assert.equal(codeOf(await client.ask('MAIL FROM:<a@in.test>')), '503 5.5.1');
  assert.equal(codeOf(await client.ask('EHLO bad.test')), '550 5.7.1');
  assert.equal(codeOf(await client.ask('MAIL FROM:<a@in.test>')), '503 5.5.1');
  assert.equal(codeOf(await client.ask('EHLO good.test')), '250');
  assert.equal(codeOf(await client.ask('MAIL FROM:<a@in.test>')), '250 2.1.0');
  await r.stop();
});

test('a refused connection may only QUIT; 421 hangs up', async () => {
  const r = await rig({}, (handler) => {
    handler.connect = () => status(554, '5.7.1', 'Go away');
    return handler;
  });
  const client = await r.client();
  assert.equal(codeOf(await client.reply()), '554 5.7.1');
  for (const line of ['EHLO x.test', 'NOOP', 'MAIL FROM:<a@in.test>'])
    assert.equal(codeOf(await client.ask(line)), '503 5.5.1');
  assert.equal(codeOf(await client.ask('QUIT')), '221 2.0.0');
  await r.stop();
  assert.deepEqual(r.handlers[0]!.calls, ['close']);

  const cut = await rig({}, (handler) => {
    handler.connect = () => status(421, '4.7.1', 'Later');
    return handler;
  });
  const other = await cut.client();
  assert.equal(codeOf(await other.reply()), '421 4.7.1');
  assert.equal(await other.rest(), '');
  await cut.stop();
});

test('421 from any stage is sent and hangs up, with the open transaction reset', async () => {
  const r = await rig({}, (handler) => {
    handler.rcpt = () => status(421, '4.7.1', 'Enough');
    return handler;
  });
  const client = await (await r.client()).hello();
  client.send('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nNOOP\r\n');
  assert.deepEqual(await client.codes(2), ['250 2.1.0', '421 4.7.1']);
  assert.equal(await client.rest(), '');
  assert.deepEqual(r.handlers[0]!.calls.slice(-2), ['reset refused', 'close']);
  await r.stop();
});

test('a refusal at DATA ends the transaction without a reset', async () => {
  const r = await play(
    [
      ...GOOD.slice(0, 2),
      ['DATA', '451 4.7.1'],
      ['RCPT TO:<b@in.test>', '503 5.5.1'],
      ['MAIL FROM:<a@in.test>', '250 2.1.0'],
    ],
    {},
    (handler) => {
      handler.data = () => status(451, '4.7.1', 'Not now');
      return handler;
    },
  );
  assert.deepEqual(r.handlers[0]!.calls.slice(2, 5), [
    'mail <a@in.test>',
    'rcpt <b@in.test>',
    'mail <a@in.test>',
  ]);
});

for (const manner of ['at once', 'by promise'] as const)
  test(`S12: pipelined transactions are answered in order, answers ${manner}`, async () => {
    const r = await rig({}, manner === 'at once' ? undefined : slowly);
    const client = await (await r.client()).hello();
    const recipients = Array.from(
      { length: 100 },
      (_, i) => `RCPT TO:<u${i}@${i % 3 === 2 ? 'ext' : 'in'}.test>\r\n`,
    );
    const second = 'MAIL FROM:<c@in.test>\r\nRCPT TO:<d@in.test>\r\nDATA\r\nsecond\r\n.\r\nQUIT\r\n';
    client.send(`MAIL FROM:<a@in.test>\r\n${recipients.join('')}DATA\r\nfirst\r\n.\r\n${second}`);
    const expected = [
      '250 2.1.0',
      ...recipients.map((_, i) => (i % 3 === 2 ? '550 5.7.1' : '250 2.1.0')),
      '354',
      '250 2.0.0',
      '250 2.1.0',
      '250 2.1.0',
      '354',
      '250 2.0.0',
      '221 2.0.0',
    ];
    assert.deepEqual(await client.codes(expected.length), expected);
    assert.equal(await client.rest(), '');
    assert.deepEqual(r.handlers[0]!.contents, ['first\r\n', 'second\r\n']);
    await r.stop();
  });

test('a whole session in one-byte segments is answered the same', async () => {
  const r = await rig({}, slowly);
  const client = await r.client();
  const session =
    'EHLO c.test\r\nMAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\n..x\r\n.\r\nQUIT\r\n';
  for (const byte of session) {
    client.send(byte);
    await new Promise(setImmediate);
  }
  assert.deepEqual(await client.codes(7), [
    '220',
    '250',
    '250 2.1.0',
    '250 2.1.0',
    '354',
    '250 2.0.0',
    '221 2.0.0',
  ]);
  assert.deepEqual(r.handlers[0]!.contents, ['.x\r\n']);
  await r.stop();
});

test('S16: hostile addresses get their code and never reach the handler', async () => {
  const steps: Step[] = [];
  for (const bad of [
    '<a\0@b.test>',
    '<a\t@b.test>',
    '<a\x1b@b.test>',
    '<a\x7f@b.test>',
    '<a\r@b.test>',
    `<${'l'.repeat(65)}@b.test>`,
  ])
    steps.push([`MAIL FROM:${bad}`, '501 5.1.7']);
  steps.push(['MAIL FROM:<\xc3\xa9@in.test>', '553 5.6.7']);
  steps.push(['MAIL FROM:<\xc3\xa9@in.test> SMTPUTF8', '250 2.1.0'], ['RSET', '250 2.0.0']);
  steps.push(['MAIL FROM:<@x:a@in.test>', '250 2.1.0']);
  for (const bad of ['<>', '<a\0@b.test>', '<a\r@b.test>', '<alice>'])
    steps.push([`RCPT TO:${bad}`, '501 5.1.3']);
  steps.push(['RCPT TO:<\xc3\xa9@in.test>', '553 5.6.7']);
  steps.push(
    ['RCPT TO:<Postmaster>', '250 2.1.0'],
    ['RCPT TO:<"a b"@in.test>', '250 2.1.0'],
    ['RCPT TO:<a@[IPv6:::1]>', '250 2.1.0'],
  );
  const r = await play(steps);
  assert.deepEqual(
    r.handlers[0]!.calls.filter((call) => /mail|rcpt/.test(call)),
    [
      'mail <\xc3\xa9@in.test> SMTPUTF8',
      'mail <@x:a@in.test>',
      'rcpt <Postmaster>',
      'rcpt <"a b"@in.test>',
      'rcpt <a@[IPv6:::1]>',
    ],
  );
});

test('a lone CR or LF never ends a command line', async () => {
  const r = await play([
    ['NOOP\rRSET', '500 5.5.2'],
    ['NOOP\nRSET\nFROB', '500 5.5.2'],
    ['MAIL FROM:<a@in.test>\nRCPT TO:<b@in.test>', '500 5.5.2'],
    ['FROB\0', '500 5.5.2'],
    ['NOOP', '250 2.0.0'],
  ]);
  assert.ok(!r.handlers[0]!.calls.some((call) => /mail|unknown/.test(call)));
});

test('SIZE, parameters and DSN: what is not offered is refused', async () => {
  const limits = { maxMessageSize: 1000 };
  await play(
    [
      ['MAIL FROM:<a@in.test> SIZE=1001', '552 5.3.4'],
      ['MAIL FROM:<a@in.test> RET=HDRS', '555 5.5.4'],
      ['MAIL FROM:<a@in.test> SIZE=x', '501 5.5.4'],
      ['MAIL FROM:<a@in.test>SIZE=1', '501 5.5.4'],
      ['MAIL FROM:<a@in.test> SIZE=1000 BODY=8BITMIME', '250 2.1.0'],
      ['RCPT TO:<b@in.test> NOTIFY=NEVER', '555 5.5.4'],
      ['RCPT TO:<b@in.test> BODY=7BIT', '555 5.5.4'],
    ],
    { limits },
  );
  await play(
    [
      ['MAIL FROM:<a@in.test> RET=HDRS', '250 2.1.0'],
      ['RCPT TO:<b@in.test> NOTIFY=NEVER', '250 2.1.0'],
    ],
    { dsn: true },
  );
});

test('LMTP: LHLO only, and one reply per accepted recipient', async () => {
  const r = await rig({ protocol: 'lmtp' }, (handler) => {
    handler.data = () => ({
      write() {},
      end: () => [status(250, '2.0.0', 'one'), status(450, '4.2.0', 'two')],
    });
    return handler;
  });
  const client = await r.client();
  assert.match(await client.reply(), /^220 mx\.test LMTP/);
  assert.equal(codeOf(await client.ask('EHLO x.test')), '500 5.5.1');
  assert.equal(codeOf(await client.ask('LHLO x.test')), '250');
  client.send(
    'MAIL FROM:<>\r\nRCPT TO:<a@in.test>\r\nRCPT TO:<no@ext.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nx\r\n.\r\nNOOP\r\n',
  );
  assert.deepEqual(await client.codes(8), [
    '250 2.1.0',
    '250 2.1.0',
    '550 5.7.1',
    '250 2.1.0',
    '354',
    '250 2.0.0',
    '450 4.2.0',
    '250 2.0.0',
  ]);
  await r.stop();
});

test('what the handler says to an unknown command is said', async () => {
  await play([['XFROB NAME=x', '503 5.5.0']], {}, (handler) => {
    handler.unknown = (line) => status(503, '5.5.0', line);
    return handler;
  });
});
