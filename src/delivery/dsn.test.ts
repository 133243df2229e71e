import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, bytesOf, latin1, status } from '#message';
import type { EntryRecipient } from '#spool';
import { MAX_RETURNED, failureNotice, toBeTold } from './dsn.ts';
import { START, entryTo } from './rig.cases.ts';

const FACTS = { id: 'n1', hostname: 'mx.test', now: START + 60_000, expire: 1000 };
const CONTENT = {
  header: bytesOf('From: from@test\r\nSubject: x\r\n'),
  body: bodyOf([bytesOf('hello\r\n')]),
};

function failed(address: string, more: Partial<EntryRecipient> = {}): EntryRecipient {
  return {
    address,
    params: [],
    state: 'failed',
    attempts: 1,
    lastStatus: status(550, '5.1.1', 'no such user', 'hop.test'),
    ...more,
  };
}

async function textOf(...args: Parameters<typeof failureNotice>): Promise<string> {
  const { header, body } = await failureNotice(...args);
  const chunks: string[] = [];
  for await (const c of body.read()) chunks.push(latin1(c));
  return `${latin1(header)}\r\n${chunks.join('')}`;
}

const GOLDEN = `From: Mail Delivery System <MAILER-DAEMON@mx.test>
To: <from@test>
Subject: Your message could not be delivered
Date: Sun, 22 Nov 2026 12:01:00 +0000
Message-ID: <n1@mx.test>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="=_n1"

--=_n1
Content-Type: text/plain; charset=utf-8

This is the mail gateway at mx.test.

Your message could not be delivered to these recipients, and will not be tried again:

<a@x>
    hop.test said: 550 5.1.1 no such user

<b@y>
    it could not be delivered in time. The last answer was: 451 4.4.4 no route to this recipient

--=_n1
Content-Type: message/delivery-status

Original-Envelope-Id: Q+1
Reporting-MTA: dns; mx.test
Arrival-Date: Sun, 22 Nov 2026 12:00:00 +0000

Original-Recipient: rfc822; A@x
Final-Recipient: rfc822; a@x
Action: failed
Status: 5.1.1
Remote-MTA: dns; hop.test
Diagnostic-Code: smtp; 550 5.1.1 no such user
Last-Attempt-Date: Sun, 22 Nov 2026 12:01:00 +0000

Final-Recipient: rfc822; b@y
Action: failed
Status: 5.4.7
Diagnostic-Code: smtp; 451 4.4.4 no route to this recipient
Last-Attempt-Date: Sun, 22 Nov 2026 12:01:00 +0000

--=_n1
Content-Type: text/rfc822-headers

From: from@test
Subject: x

--=_n1--
`.replaceAll('\n', '\r\n');

test('a notice reads as it should, to the byte', async () => {
  const entry = entryTo([], { senderParams: ['ENVID=Q+2B1'] }).meta;
  const told = [
    failed('a@x', { params: ['ORCPT=rfc822;A+40x'] }),
    failed('b@y', { state: 'expired', lastStatus: status(451, '4.4.4', 'no route to this recipient') }),
  ];
  assert.equal(await textOf(entry, told, CONTENT, FACTS), GOLDEN);
});

test('a notice has the null sender, goes to the original sender and has a life of its own', async () => {
  const { meta, header, body } = await failureNotice(entryTo([]).meta, [failed('a@x')], CONTENT, FACTS);
  assert.equal(meta.sender, '');
  assert.deepEqual(
    meta.recipients.map((r) => [r.address, r.state]),
    [['from@test', 'pending']],
  );
  assert.equal(meta.origin.source, 'dsn');
  assert.equal(meta.expiresAt, FACTS.now + 1000);
  assert.equal(meta.size, header.length + 2 + body.size);
});

test('nobody is told about a message with the null sender, or who asked not to be', () => {
  const all = [
    failed('plain@x'),
    failed('never@x', { params: ['NOTIFY=NEVER'] }),
    failed('success@x', { params: ['NOTIFY=SUCCESS,DELAY'] }),
    failed('failure@x', { params: ['notify=success,failure'] }),
  ];
  const told = toBeTold(entryTo([]).meta, all);
  assert.deepEqual(
    told.map((r) => r.address),
    ['plain@x', 'failure@x'],
  );
  assert.deepEqual(toBeTold(entryTo([], { sender: '' }).meta, all), []);
});

test('the whole message comes back only when that was asked for and it is small', async () => {
  const full = entryTo([], { senderParams: ['RET=FULL'] }).meta;
  const small = await textOf(full, [failed('a@x')], CONTENT, FACTS);
  assert.match(
    small,
    /Content-Type: message\/rfc822\r\n\r\nFrom: from@test\r\nSubject: x\r\n\r\nhello\r\n\r\n--=_n1--/,
  );
  const hdrs = await textOf(
    entryTo([], { senderParams: ['RET=HDRS'] }).meta,
    [failed('a@x')],
    CONTENT,
    FACTS,
  );
  assert.ok(!hdrs.includes('hello'));
  for (const [over, included] of [
    [0, true],
    [1, false],
  ] as const) {
    const bodySize = MAX_RETURNED - CONTENT.header.length - 2 + over;
    const content = { header: CONTENT.header, body: bodyOf([new Uint8Array(bodySize).fill(98)]) };
    const text = await textOf(full, [failed('a@x')], content, FACTS);
    assert.equal(text.includes('bbbb'), included);
  }
});

test('a header of any size makes a bounded notice of whole lines', async () => {
  const header = bytesOf(`X: ${'a'.repeat(70)}\r\n`.repeat(5000));
  const text = await textOf(entryTo([]).meta, [failed('a@x')], { header, body: bodyOf([]) }, FACTS);
  assert.ok(text.length < MAX_RETURNED + 2000);
  assert.match(text, /a\r\n\r\n--=_n1--\r\n$/);
});

test('a body that cannot be read, or content that is gone, does not stop the notice', async () => {
  const broken = {
    size: 5,
    chunks: null,
    // oxlint-disable-next-line require-yield
    async *read(): AsyncGenerator<Uint8Array> {
      throw new Error('disk');
    },
  };
  const full = entryTo([], { senderParams: ['RET=FULL'] }).meta;
  const text = await textOf(full, [failed('a@x')], { header: CONTENT.header, body: broken }, FACTS);
  assert.match(text, /text\/rfc822-headers\r\n\r\nFrom: from@test/);
  assert.match(await textOf(full, [failed('a@x')], null, FACTS), /Final-Recipient: rfc822; a@x/);
});

test('a hostile status text stays one line of ASCII and cannot add fields', async () => {
  const said = status(550, '5.0.0', 'no\r\nX-Evil: 1\n\x1b[2J\xff' + 'a'.repeat(5000), 'h\r\nop');
  const text = await textOf(entryTo([]).meta, [failed('a@x', { lastStatus: said })], CONTENT, FACTS);
  assert.ok(!/^X-Evil/m.test(text));
  assert.ok(text.split('\r\n').every((l) => l.length < 998 && /^[\t\x20-\x7e]*$/.test(l)));
});

test('an internationalized address is encoded in the status and declared in the envelope', async () => {
  const entry = entryTo([], { sender: '\xc3\xa4@test' }).meta;
  const notice = await failureNotice(entry, [failed('\xc3\xbc@x')], CONTENT, FACTS);
  assert.deepEqual(notice.meta.senderParams, ['BODY=8BITMIME', 'SMTPUTF8']);
  assert.match(latin1(notice.body.chunks![0]!), /Final-Recipient: utf-8; \\x\{FC\}@x\r\n/);
});

test('a boundary that stands in the original is not used', async () => {
  const header = bytesOf('X: --=_n1\r\n');
  const text = await textOf(entryTo([]).meta, [failed('a@x')], { header, body: bodyOf([]) }, FACTS);
  assert.match(text, /boundary="=_n1_"/);
});

test('what goes back is bounded as told, and full where nobody said otherwise but it is so configured', async () => {
  const whole = CONTENT.header.length + 2 + CONTENT.body.size;
  const cases: [params: string[], full: boolean, maxSize: number, kind: string][] = [
    [[], false, whole, 'text/rfc822-headers'],
    [[], true, whole, 'message/rfc822'],
    [[], true, whole - 1, 'text/rfc822-headers'],
    [['RET=HDRS'], true, whole, 'text/rfc822-headers'],
    [['RET=FULL'], false, whole, 'message/rfc822'],
  ];
  for (const [senderParams, full, maxSize, kind] of cases) {
    const facts = { ...FACTS, returned: { full, maxSize } };
    const text = await textOf(entryTo([], { senderParams }).meta, [failed('a@x')], CONTENT, facts);
    assert.ok(text.includes(`Content-Type: ${kind}\r\n`), `${senderParams.join()} ${full} ${maxSize}`);
  }
  for (const [maxSize, kept] of [
    [0, ''],
    [1, ''],
    [16, ''],
    [17, 'From: from@test\r\n'],
    [CONTENT.header.length, latin1(CONTENT.header)],
  ] as const) {
    const facts = { ...FACTS, returned: { full: false, maxSize } };
    const text = await textOf(entryTo([]).meta, [failed('a@x')], CONTENT, facts);
    assert.equal(text.split('text/rfc822-headers\r\n\r\n')[1], `${kept}\r\n--=_n1--\r\n`, `${maxSize}`);
  }
});

test('the texts of a thousand recipients share their room', async () => {
  const long = status(550, '5.1.1', 'x'.repeat(600), 'hop.test');
  const told = Array.from({ length: 1000 }, (_, n) => failed(`r${n}@x`, { lastStatus: long }));
  const text = await textOf(entryTo([]).meta, told, CONTENT, FACTS);
  assert.equal(text.match(/^Diagnostic-Code: smtp; .{100}\r$/gm)!.length, 1000);
  assert.ok(text.length < 1000 * 600, `${text.length}`);
});

test('a sender who used SMTPUTF8 gets the parts that may hold it', async () => {
  const address = latin1(Buffer.from('jörg@exämple.test'));
  const header = bytesOf(latin1(Buffer.from('Subject: grüße\r\n')));
  const entry = entryTo([], { senderParams: ['SMTPUTF8', 'RET=FULL'] }).meta;
  const made = await failureNotice(entry, [failed(address)], { ...CONTENT, header }, FACTS);
  const text = await textOf(entry, [failed(address)], { ...CONTENT, header }, FACTS);
  assert.ok(text.includes('message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'));
  assert.ok(text.includes('message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: gr'));
  assert.ok(text.includes(`Final-Recipient: utf-8; ${address}\r\n`));
  assert.deepEqual(made.meta.senderParams, ['BODY=8BITMIME'], 'its own header is ASCII');
  const other = await textOf(entryTo([]).meta, [failed(address)], CONTENT, FACTS);
  assert.ok(other.includes('Final-Recipient: utf-8; j\\x{F6}rg@ex\\x{E4}mple.test\r\n'));
  assert.ok(other.includes('message/delivery-status\r\n\r\n'));
  const back = await failureNotice({ ...entry, sender: address }, [failed('a@x')], CONTENT, FACTS);
  assert.deepEqual(back.meta.senderParams, ['BODY=8BITMIME', 'SMTPUTF8']);
});
