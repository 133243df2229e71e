/**
 * Notices to senders: who is told of a failure or a delay, how often, what goes back and how much (reliability Q09; P23; RFC 3461,
 * RFC 3464, RFC 6533).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heard as says } from './support/heard.ts';
import { Cleanup } from './support/folders.ts';
import { house } from './support/house.ts';
import type { StoredMessage } from './support/maildir.ts';
import { relayScene, type RelayScene } from './support/relay-scene.ts';
import { pause, until } from './support/wait.ts';

const CONTENT = 'Subject: one\r\nX-Mark: kept\r\n\r\nbody of it\r\n';
/** Room for words, boundaries and status blocks of a few recipients. */
const AROUND = 8 << 10;

const refusing = {
  command: (line: string) => (/^RCPT/i.test(line) ? '550 5.1.1 no such \x1b[31muser' : undefined),
};
const later = { command: (line: string) => (/^RCPT/i.test(line) ? '450 4.2.0 not now' : undefined) };

/** A transaction with parameters, accepted. */
async function send(
  s: RelayScene,
  mail: string,
  recipients: readonly string[],
  content = CONTENT,
): Promise<void> {
  const session = await s.house.open();
  await session.expect(250, await session.command(`MAIL FROM:${mail}`));
  for (const recipient of recipients)
    await session.expect(250, await session.command(`RCPT TO:${recipient}`));
  await session.expect(354, await session.command('DATA'));
  session.write(content + '.\r\n');
  await session.expect(250, await session.reply());
  await session.quit();
}

const noticesOf = async (s: RelayScene, count: number): Promise<StoredMessage[]> => {
  await until(`${count} notices`, 10_000, async () => (await s.notices()).length >= count);
  const all = await s.notices();
  assert.equal(all.length, count);
  return all;
};

test('Q09: one notice for five failed recipients, from the null sender, with the status of each and the header back', async (t) => {
  const s = await relayScene(new Cleanup(t), { 'no.test': { hops: [refusing] } });
  await send(s, '<a@out.test> RET=HDRS ENVID=E1', [
    '<r1@no.test>',
    '<r2@no.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;R2+40no.test',
    '<r3@no.test> NOTIFY=FAILURE',
    '<r4@no.test>',
    '<r5@no.test>',
    '<never@no.test> NOTIFY=NEVER',
    '<success@no.test> NOTIFY=SUCCESS,DELAY',
  ]);
  await s.finished('no.test', 7);
  const [notice] = await noticesOf(s, 1);
  const { text } = notice!;
  assert.deepEqual(notice!.field('Return-Path'), ['<>']);
  assert.deepEqual(notice!.field('To'), ['<a@out.test>']);
  assert.deepEqual(notice!.field('Auto-Submitted'), ['auto-replied']);
  assert.match(notice!.field('Content-Type')[0]!, /^multipart\/report; report-type=delivery-status;/);
  assert.deepEqual(
    text.match(/^Final-Recipient: .*$/gm),
    [1, 2, 3, 4, 5].map((n) => `Final-Recipient: rfc822; r${n}@no.test`),
  );
  assert.equal(text.match(/^Action: failed$/gm)!.length, 5);
  assert.equal(text.match(/^Status: 5\.1\.1$/gm)!.length, 5);
  assert.match(text, /^Original-Envelope-Id: E1$/m);
  assert.match(text, /^Original-Recipient: rfc822; R2@no\.test$/m);
  assert.ok(!text.includes('\x1b') && text.includes('no such ?[31muser'), 'what a stranger said is neutral');
  assert.ok(text.includes('X-Mark: kept') && !text.includes('body of it'));
});

test('Q09: who asked for no notice gets none', async (t) => {
  const s = await relayScene(new Cleanup(t), { 'no.test': { hops: [refusing] } });
  await send(s, '<a@out.test>', ['<r@no.test> NOTIFY=NEVER']);
  await s.finished('no.test', 1);
  await until('the end of it', 5000, () => says(s.house, 'delivery.no-notice').length === 1);
  await pause(200);
  assert.deepEqual(await s.notices(), []);
});

test('Q09: mail from the null sender that fails makes no notice', async (t) => {
  const cleanup = new Cleanup(t);
  const s = await relayScene(cleanup, { 'no.test': { hops: [refusing] } }, {});
  // The scene's first route takes what has no sender; a house of its own sends it to the hop.
  const h = await house(cleanup, [], {
    delivery: {
      routes: [{ match: 'true', via: 'smtp', to: `127.0.0.1:${s.hops['no.test']![0]!.port}`, tls: 'off' }],
    },
  });
  const session = await h.open();
  assert.equal((await session.transaction('', ['r@no.test'], CONTENT)).reply.code, 250);
  await session.quit();
  await until('the failure', 5000, () => says(h, 'delivery.failed').length === 1);
  await until('no notice', 5000, () => says(h, 'delivery.no-notice').length === 1);
  await pause(200);
  assert.deepEqual(says(h, 'delivery.notice-made'), []);
  assert.equal(s.hops['no.test']![0]!.sessions.length, 1);
});

test('Q09: a notice about 20 MB is no larger than documented, whatever RET says', async (t) => {
  const s = await relayScene(new Cleanup(t), {
    'no.test': { hops: [{ ...refusing, offers: ['PIPELINING', '8BITMIME', 'SIZE 100000000'] }] },
  });
  const large = `${CONTENT}${`${'x'.repeat(998)}\r\n`.repeat(20_000)}`;
  await send(s, '<full@out.test> RET=FULL', ['<r@no.test>'], large);
  await send(s, '<hdrs@out.test> RET=HDRS', ['<r@no.test>'], large);
  const wide = `${Array.from({ length: 200 }, (_, n) => `X-${n}: ${'y'.repeat(900)}\r\n`).join('')}${CONTENT}`;
  await send(s, '<wide@out.test>', ['<r@no.test>'], wide);
  await send(s, '<small@out.test> RET=FULL', ['<r@no.test>']);
  const all = await noticesOf(s, 4);
  const to = (who: string): string => all.find((n) => n.field('To')[0] === `<${who}@out.test>`)!.text;
  for (const who of ['full', 'hdrs', 'wide', 'small'])
    assert.ok(to(who).length <= 65_536 + AROUND, `${who}: ${to(who).length}`);
  for (const who of ['full', 'hdrs', 'wide'])
    assert.ok(to(who).includes('Content-Type: text/rfc822-headers'));
  assert.ok(to('full').includes('X-Mark: kept') && !to('full').includes('body of it'));
  assert.ok(to('wide').includes('X-60: ') && !to('wide').includes('X-199: '));
  assert.ok(to('small').includes('Content-Type: message/rfc822') && to('small').includes('body of it'));
});

test('delivery.dsn says what goes back when the sender did not, and how much', async (t) => {
  const dsn = { return: 'full', maxSize: 600 };
  const s = await relayScene(new Cleanup(t), { 'no.test': { hops: [refusing] } }, { dsn });
  await send(s, '<full@out.test>', ['<r@no.test>']);
  await send(s, '<hdrs@out.test> RET=HDRS', ['<r@no.test>']);
  await send(s, '<large@out.test> RET=FULL', ['<r@no.test>'], CONTENT + 'x\r\n'.repeat(200));
  const all = await noticesOf(s, 3);
  const whole = (who: string): boolean =>
    all.find((n) => n.field('To')[0] === `<${who}@out.test>`)!.text.includes('body of it');
  assert.deepEqual(['full', 'hdrs', 'large'].map(whole), [true, false, false]);
});

test('a sender is told once that a message is late, and once that it is given up', async (t) => {
  const s = await relayScene(
    new Cleanup(t),
    { 'late.test': { hops: [later] } },
    { notifyDelay: '500ms', expire: '1500ms', retry: ['200ms'] },
  );
  await send(s, '<a@out.test> RET=FULL ENVID=E2', [
    '<plain@late.test>',
    '<delay@late.test> NOTIFY=DELAY',
    '<failure@late.test> NOTIFY=FAILURE',
    '<never@late.test> NOTIFY=NEVER',
  ]);
  const [first] = await noticesOf(s, 1);
  assert.deepEqual(first!.field('Subject'), ['Your message is delayed']);
  assert.deepEqual(first!.field('Return-Path'), ['<>']);
  assert.deepEqual(first!.text.match(/^(?:Final-Recipient|Action|Status): .*$/gm), [
    'Final-Recipient: rfc822; plain@late.test',
    'Action: delayed',
    'Status: 4.2.0',
    'Final-Recipient: rfc822; delay@late.test',
    'Action: delayed',
    'Status: 4.2.0',
  ]);
  assert.match(first!.text, /^Will-Retry-Until: \w{3}, /m);
  assert.match(first!.text, /^Original-Envelope-Id: E2$/m);
  assert.ok(!first!.text.includes('body of it'), 'the header alone, whatever RET says');
  await s.finished('late.test', 4);
  const second = (await noticesOf(s, 2)).find((n) => n.text !== first!.text);
  assert.deepEqual(second!.text.match(/^(?:Final-Recipient|Action|Status): .*$/gm), [
    'Final-Recipient: rfc822; plain@late.test',
    'Action: failed',
    'Status: 5.4.7',
    'Final-Recipient: rfc822; failure@late.test',
    'Action: failed',
    'Status: 5.4.7',
  ]);
});

test('a message that is delivered in time, or whose sender asked for no word of delay, makes no notice of it', async (t) => {
  let n = 0;
  const second = { command: (l: string) => (/^RCPT/i.test(l) && n++ === 0 ? '450 4.2.0 once' : undefined) };
  const s = await relayScene(
    new Cleanup(t),
    { 'soon.test': { hops: [second] }, 'late.test': { hops: [later] } },
    { notifyDelay: '600ms', retry: ['100ms'] },
  );
  await send(s, '<a@out.test>', ['<r@soon.test>']);
  await send(s, '<a@out.test>', ['<r@late.test> NOTIFY=FAILURE']);
  await s.finished('soon.test', 1);
  await pause(1000);
  assert.deepEqual(await s.notices(), []);
});

test('a sender who used SMTPUTF8 gets a notice that may hold it', async (t) => {
  const s = await relayScene(new Cleanup(t), {
    'no.test': { hops: [{ ...refusing, offers: ['PIPELINING', '8BITMIME', 'SMTPUTF8'] }] },
  });
  const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
  await send(
    s,
    `<${utf8('jürgen@out.test')}> SMTPUTF8 RET=FULL`,
    [`<${utf8('jörg@no.test')}>`],
    utf8('Subject: grüße\r\n\r\nhi\r\n'),
  );
  const [notice] = await noticesOf(s, 1);
  assert.deepEqual(notice!.field('To'), [utf8('<jürgen@out.test>')]);
  const { text } = notice!;
  assert.ok(text.includes(utf8('Final-Recipient: utf-8; jörg@no.test')));
  assert.match(text, /^Content-Type: message\/global-delivery-status$/m);
  assert.match(text, /^Content-Type: message\/global$/m);
  assert.ok(text.includes(utf8('Subject: grüße')));
});
