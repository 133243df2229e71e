/** What MTAs do and a filter must bear: one test per item of milter reference 18, "Tolerate from MTAs". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defineMilter, tempfail, type MilterDefinition } from '#milter/filter';
import { CONNECT, HELO, MAIL, PLAIN_OFFER, RCPT, frame, offer, raw } from './raw-mta.cases.ts';

/** A filter that writes down what happens. */
function recorder(extra: Omit<MilterDefinition, 'name'> = {}) {
  const calls: string[] = [];
  const filter = defineMilter({
    name: 't',
    init: () => void calls.push('init'),
    onConnect: (s) => void calls.push(`connect ${s.client.family} ${s.client.address}`),
    onHelo: (_s, name) => void calls.push(`helo ${name}`),
    onMail: (_s, from) => void calls.push(`mail ${from.address} ${from.params.join('|')}`.trim()),
    onRcpt: (_s, to) => void calls.push(`rcpt ${to.address}`),
    onData: () => void calls.push('data'),
    onHeaders: (_s, _e, h) => void calls.push(`headers ${[...h].map((x) => x.name).join()}`.trim()),
    async onMessage(_s, env, msg) {
      const body = Buffer.from(await msg.bytes()).toString('latin1');
      calls.push(`message ${env.recipients.length} ${JSON.stringify(body)}`);
    },
    onUnknown: (_s, line) => void calls.push(`unknown ${line}`),
    onAbort: () => void calls.push('abort'),
    onClose: () => void calls.push('close'),
    ...extra,
  });
  return { calls, filter };
}

const SUBJECT = frame('L', 'Subject\0hi\0');
const EOH = frame('N');
const END = frame('E');

test('macros for unknown commands, without pairs, for L, B and U, and cut short', async () => {
  const { calls, filter } = recorder();
  const mta = raw(filter).say(
    PLAIN_OFFER,
    frame('D?', 'x\x001\0'),
    frame('DC'),
    CONNECT,
    frame('DU'),
    frame('U', 'FOO\0'),
    MAIL,
    frame('DR', 'i\0'),
    RCPT,
    frame('DL', 'i\x00Q\0'),
    SUBJECT,
    EOH,
    frame('DB', 'i\x00Q\0'),
    frame('B', 'x'),
    frame('DE'),
    END,
  );
  assert.deepEqual((await mta.hears(9)).slice(1), Array(8).fill('c'));
  assert.deepEqual(mta.log, []);
  assert.equal(calls.at(-1), 'message 1 "x"');
});

test('no DATA, from an old version and from one that never sends it', async () => {
  for (const opening of [PLAIN_OFFER, offer(2, 0x3f, 0)]) {
    const { calls, filter } = recorder();
    const mta = raw(filter).say(opening, CONNECT, MAIL, RCPT, SUBJECT, EOH, END);
    await mta.hears(7);
    assert.deepEqual(calls.slice(-2), ['headers Subject', 'message 1 ""']);
  }
});

test('ABORT without a message, and none between messages', async () => {
  const { calls, filter } = recorder();
  const mta = raw(filter).say(PLAIN_OFFER, frame('A'), CONNECT, frame('A'), MAIL, RCPT, END);
  await mta.hears(5);
  mta.say(frame('A'), frame('A'));
  mta.say(MAIL, RCPT, END);
  await mta.hears(3);
  assert.deepEqual(
    calls.filter((c) => c === 'abort'),
    [],
  );
  assert.equal(calls.filter((c) => c.startsWith('message')).length, 2);
});

test('ABORT inside a message, and MAIL straight after an unfinished one', async () => {
  const { calls, filter } = recorder();
  raw(filter).say(PLAIN_OFFER, CONNECT, MAIL, RCPT, frame('A'), MAIL, RCPT, SUBJECT, MAIL);
  assert.deepEqual(calls.slice(2), [
    'mail a@b.example',
    'rcpt r@example.org',
    'abort',
    'mail a@b.example',
    'rcpt r@example.org',
    'abort',
    'mail a@b.example',
  ]);
});

test('a second HELO, also with a message open', () => {
  const { calls, filter } = recorder();
  const mta = raw(filter).say(PLAIN_OFFER, CONNECT, HELO, MAIL, frame('H', 'two\0'), MAIL);
  assert.deepEqual(mta.heard().slice(1), ['c', 'c', 'c', 'c', 'c']);
  assert.deepEqual(calls.slice(2), [
    'helo client.example',
    'mail a@b.example',
    'abort',
    'helo two',
    'mail a@b.example',
  ]);
});

test('QUIT_NC and then another client, with and without a new negotiation', () => {
  for (const between of [[], [PLAIN_OFFER]]) {
    const { calls, filter } = recorder();
    const mta = raw(filter).say(
      PLAIN_OFFER,
      frame('DC', 'j\x00one\0'),
      CONNECT,
      MAIL,
      frame('K'),
      ...between,
      frame('C', 'unknown\0U'),
      MAIL,
    );
    assert.equal(mta.conversation.idle, false);
    assert.equal(mta.heard().filter((f) => f === 'c').length, 4);
    assert.deepEqual(calls, [
      'init',
      'connect ipv4 192.0.2.10',
      'mail a@b.example',
      'abort',
      'close',
      'init',
      'connect unknown ',
      'mail a@b.example',
    ]);
    mta.say(frame('K'));
    assert.equal(mta.conversation.idle, true);
  }
});

test('a second CONNECT without QUIT_NC is another client', () => {
  const { calls, filter } = recorder();
  raw(filter).say(PLAIN_OFFER, CONNECT, CONNECT);
  assert.deepEqual(
    calls.map((c) => c.split(' ')[0]),
    ['init', 'connect', 'close', 'init', 'connect'],
  );
});

test('BODYEOB with data', async () => {
  const { calls, filter } = recorder();
  await raw(filter).say(PLAIN_OFFER, MAIL, RCPT, EOH, frame('B', 'a'), frame('E', 'b')).hears(6);
  assert.equal(calls.at(-1), 'message 1 "ab"');
});

test('a connection that closes without QUIT', () => {
  const { calls, filter } = recorder();
  const mta = raw(filter).say(PLAIN_OFFER, CONNECT, MAIL);
  mta.conversation.ended();
  mta.conversation.ended();
  assert.deepEqual(calls.slice(-2), ['abort', 'close']);
  assert.deepEqual(mta.log, []);
});

test('addresses without brackets, with a route, and the null sender', () => {
  const { calls, filter } = recorder();
  const mails = ['a@b.example', '<a@b.example>', '<@x,@y:a@b.example>', '<>', ''];
  raw(filter).say(PLAIN_OFFER, ...mails.map((m) => frame('M', m + '\0')));
  assert.deepEqual(
    calls.filter((c) => c.startsWith('mail')),
    ['mail a@b.example', 'mail a@b.example', 'mail a@b.example', 'mail', 'mail'],
  );
});

test('parameters apart and joined in one string', () => {
  const { calls, filter } = recorder();
  raw(filter).say(
    PLAIN_OFFER,
    frame('M', '<a@b.c>\0SIZE=10\0BODY=8BITMIME\0'),
    frame('M', '<a@b.c>\0SIZE=10 BODY=8BITMIME\0'),
  );
  assert.deepEqual(
    calls.filter((c) => c.startsWith('mail')),
    Array(2).fill('mail a@b.c SIZE=10|BODY=8BITMIME'),
  );
});

test('header values with CRLF in their folds', () => {
  const seen: (string | undefined)[] = [];
  const { filter } = recorder({ onHeaders: (_s, _e, h) => void seen.push(h.get('subject')) });
  raw(filter).say(PLAIN_OFFER, MAIL, RCPT, frame('L', 'Subject\0one\r\n two\0'), EOH);
  raw(filter).say(PLAIN_OFFER, MAIL, RCPT, frame('L', 'Subject\0one\n two\0'), EOH);
  assert.deepEqual(seen, ['one two', 'one two']);
});

test('every address family, IPv6 with and without its prefix, and IPv4 in IPv6', () => {
  const { calls, filter } = recorder();
  const families = [
    'U',
    'L\0\0/run/x\0',
    '4\x09\xdd192.0.2.1\0',
    '6\x09\xdd2001:db8::1\0',
    '6\x09\xddIPv6:2001:db8::1\0',
    '6\0\0::ffff:192.0.2.1\0',
  ];
  for (const family of families) raw(filter).say(PLAIN_OFFER, frame('C', 'h\0' + family));
  assert.deepEqual(
    calls.filter((c) => c.startsWith('connect')),
    [
      'connect unknown ',
      'connect unix /run/x',
      'connect ipv4 192.0.2.1',
      'connect ipv6 2001:db8::1',
      'connect ipv6 2001:db8::1',
      'connect ipv4 192.0.2.1',
    ],
  );
});

test('8-bit bytes everywhere survive, UTF-8 reads as text', async () => {
  const seen: string[] = [];
  const filter = defineMilter({
    name: 't',
    needs: ['removeRecipient', 'addHeaders'],
    async onMessage(s, env, msg) {
      seen.push(s.helo, env.sender.address, env.recipients[0]!.address, msg.headers.get('Subject')!);
      msg.headers.add('X-Copy', [...msg.headers][1]!.raw);
      msg.removeRecipient(env.recipients[1]!);
      seen.push(Buffer.from(await msg.bytes()).toString('latin1'));
    },
  });
  const mta = raw(filter).say(
    PLAIN_OFFER,
    frame('H', '\xff\0'),
    frame('M', '<j\xc3\xbcrg@x.example>\0'),
    frame('R', '<\xe9@x.example>\0'),
    frame('R', '<\xe8@x.example>\0'),
    frame('L', 'Subject\0gr\xc3\xbc\xc3\x9fe\0'),
    frame('L', 'X-Bad\0\xff\xfe\0'),
    frame('L', '\xe9\0\x80\0'),
    frame('B', '\x00\xff'),
    END,
  );
  const got = await mta.hears(12);
  assert.deepEqual(seen, ['\xff', 'jürg@x.example', '\xe9@x.example', 'grüße', '\x00\xff']);
  assert.deepEqual(got.slice(-3), ['-<\xe8@x.example>\0', 'hX-Copy\0\xff\xfe\0', 'c']);
  assert.deepEqual(mta.log, []);
});

test('the headers again inside the body are taken off, and a body that only begins alike is left alone', async () => {
  const run = async (...body: string[]) => {
    const { calls, filter } = recorder();
    const mta = raw(filter).say(PLAIN_OFFER, MAIL, RCPT, SUBJECT, frame('L', 'X\0a\n b\0'), EOH);
    mta.say(...body.map((b) => frame('B', b)), END);
    await mta.hears(7 + body.length);
    return calls.at(-1);
  };
  assert.equal(await run('Subject: hi\r\nX: a\r\n b\r\n\r\nbody'), 'message 1 "body"');
  assert.equal(await run(...'Subject: hi\r\nX: a\r\n b\r\n\r\nbody'.split('')), 'message 1 "body"');
  for (const body of [
    'Subject: hi\r\n\r\nbody',
    'Subject: ho\r\nX: a b\r\n\r\n',
    'Subject: hi\r\nX: a b\r\n',
    'S',
  ])
    assert.equal(await run(body), `message 1 ${JSON.stringify(body)}`);
});

test('events out of order are answered and change nothing', () => {
  const { calls, filter } = recorder();
  const mta = raw(filter).say(
    PLAIN_OFFER,
    RCPT,
    frame('T'),
    SUBJECT,
    EOH,
    frame('B', 'x'),
    END,
    CONNECT,
    END,
  );
  assert.deepEqual(mta.heard().slice(1), Array(8).fill('c'));
  assert.deepEqual(calls, ['init', 'connect ipv4 192.0.2.10']);
});

test('a message without MAIL is one where MAIL was negotiated away', () => {
  const seen: string[] = [];
  const filter = defineMilter({
    name: 't',
    onData: (_s, env) => tempfail(450, '4.0.0', `n${env.recipients.length}`),
    onClose: () => void seen.push('x'),
  });
  const mta = raw(filter).say(offer(6, 0, 0xf), frame('T'));
  assert.deepEqual(mta.heard().slice(1), ['c']); // MAIL is wanted for its facts, so without it this is out of order
  const blind = defineMilter({ name: 't', onUnknown: () => {}, onAbort: () => void seen.push('abort') });
  raw(blind).say(offer(), RCPT, frame('A'));
  assert.deepEqual(seen, ['abort']);
});

test('an empty macro set within a message takes nothing away; macros for MAIL begin a new one', () => {
  const seen: string[] = [];
  const filter = defineMilter({
    name: 't',
    onMessage: (s) =>
      void seen.push(['i', 'rcpt_addr', 'auth_authen'].map((name) => s.macro(name) ?? '-').join(' ')),
    onAbort: () => void seen.push('abort'),
  });
  const mail = (id: string): Uint8Array => frame('DM', `i\0${id}\0{auth_authen}\0me\0`);
  const rcpt = frame('DR', '{rcpt_addr}\0r@example.org\0');
  raw(filter).say(
    PLAIN_OFFER,
    ...[mail('Q1'), MAIL, rcpt, RCPT, frame('DM'), frame('DL'), SUBJECT, EOH, frame('DB'), frame('DE'), END],
    ...[mail('Q2'), MAIL, rcpt, RCPT, mail('Q3'), MAIL, frame('DR'), RCPT, END],
    ...[frame('DM'), MAIL, frame('DR'), RCPT, END],
  );
  assert.deepEqual(seen, ['Q1 r@example.org me', 'abort', 'Q3 - me', '- - -']);
});

test('bytes cut at every offset, and one at a time, give the same conversation', async () => {
  const bytes = Buffer.concat([
    PLAIN_OFFER,
    frame('DC', 'j\0mx\0'),
    CONNECT,
    HELO,
    MAIL,
    RCPT,
    SUBJECT,
    EOH,
    frame('B', 'hello\r\n'),
    frame('B', 'world'),
    END,
    frame('A'),
  ]);
  const run = async (cuts: Uint8Array[]) => {
    const { calls, filter } = recorder();
    const answers = await raw(filter)
      .say(...cuts)
      .hears(10);
    return { answers, calls };
  };
  const whole = await run([bytes]);
  assert.equal(whole.calls.at(-1), 'message 1 "hello\\r\\nworld"');
  assert.deepEqual(await run([...bytes].map((b) => Uint8Array.of(b))), whole);
  for (let at = 1; at < bytes.length; at++)
    assert.deepEqual(await run([bytes.subarray(0, at), bytes.subarray(at)]), whole, `cut at ${at}`);
});

test('arbitrary frames in any order never throw, never hang, and never answer twice', async () => {
  const letters = 'CHMRTLNBEUAK'.split('');
  const payload = {
    C: 'h\0U',
    H: 'x\0',
    M: '<a@b>\0',
    R: '<c@d>\0',
    L: 'A\x001\0',
    B: 'x',
    U: 'u\0',
  } as Record<string, string>;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...letters), { maxLength: 30 }), async (events) => {
      const { filter } = recorder();
      const due = events.filter((e) => e !== 'A' && e !== 'K').length;
      const mta = raw(filter).say(PLAIN_OFFER, ...events.map((e) => frame(e, payload[e])));
      const got = await mta.hears(1 + due);
      mta.conversation.ended();
      assert.equal(got.length, 1 + due);
      assert.deepEqual(mta.log, []);
    }),
    { numRuns: 200 },
  );
});
