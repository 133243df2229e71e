// What is promised by EHLO and kept: 8BITMIME, SMTPUTF8, SIZE (RFC 6152, RFC 6531, RFC 1870), towards next hops that lack them too.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { codeOf, readText, tablesIn } from './support/documents.ts';
import { Cleanup } from './support/folders.ts';
import { house } from './support/house.ts';
import { arrived, readMaildir } from './support/maildir.ts';
import { startNextHop, type TakenMessage } from './support/next-hop.ts';
import { sameBytes, withoutTrace } from './support/outbox.ts';
import { freePort } from './support/ports.ts';
import { stuffed, type SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

/** A next hop without these extensions, and the routes that send everything there but notices, which go into a Maildir. */
async function hopWithout(
  cleanup: Cleanup,
  ...withheld: string[]
): Promise<{ taken: TakenMessage[]; routes: (mail: string) => object }> {
  const port = await freePort();
  const taken: TakenMessage[] = [];
  const witness = (message: TakenMessage): string => `250 2.0.0 number ${taken.push(message)}`;
  await startNextHop(cleanup, port, witness, [], withheld);
  const routes = (mail: string): object => ({
    routes: [
      { match: "source == 'dsn'", via: 'maildir', to: mail },
      { match: 'true', via: 'smtp', to: [`127.0.0.1:${port}`], tls: 'off' },
    ],
  });
  return { taken, routes };
}

/** Every byte that a line may hold, many times over. */
const EVERY_BYTE = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1))
  .filter((c) => c !== '\r' && c !== '\n')
  .join('');
const EIGHT_BIT = `Subject: x\r\n\r\n${`${EVERY_BYTE}\r\n`.repeat(300)}`;

/** One transaction by hand; the reply to each command. */
async function said(session: SmtpSession, ...commands: readonly string[]): Promise<readonly string[]> {
  const replies: string[] = [];
  for (const command of commands) {
    const { code, text } = await session.command(command);
    replies.push(`${code} ${/^\d\.\d+\.\d+/.exec(text)?.[0] ?? ''}`.trim());
  }
  return replies;
}

for (const [what, withheld, parameter] of [
  ['is declared to a next hop with 8BITMIME', [], 'BODY=8BITMIME'],
  ['is sent as it is to a next hop without 8BITMIME, as the documented rule has it', ['8BITMIME'], ''],
] as const)
  test(`S20: an 8-bit body comes out as it went in, and ${what}`, async (t) => {
    const cleanup = new Cleanup(t);
    const hop = await hopWithout(cleanup, ...withheld);
    const h = await house(cleanup, [], { delivery: hop.routes('/nowhere') });
    const session = await h.open();
    assert.deepEqual(
      await said(session, 'MAIL FROM:<a@out.test> BODY=8BITMIME', 'RCPT TO:<b@in.test>', 'DATA'),
      ['250 2.1.0', '250 2.1.5', '354'],
    );
    session.write(stuffed(EIGHT_BIT) + '.\r\n');
    assert.equal((await session.reply()).code, 250);
    await until('the message at the next hop', 5000, () => hop.taken.length === 1);
    sameBytes(withoutTrace(hop.taken[0]!.content), `R\r\n${EIGHT_BIT}`);
    assert.equal(hop.taken[0]!.senderParameters, parameter);
    await session.quit();
  });

const E_ACUTE = '\xc3\xa9';
const UTF8_MESSAGE = `From: <r${E_ACUTE}n${E_ACUTE}@out.test>\r\nSubject: ${E_ACUTE}t${E_ACUTE}\r\n\r\nplain\r\n`;

test('S20: an internationalised sender and subject go through; without the parameter the address is 553 5.6.7', async (t) => {
  const cleanup = new Cleanup(t);
  const hop = await hopWithout(cleanup);
  const h = await house(cleanup, [], { delivery: hop.routes('/nowhere') });
  const session = await h.open();
  const sender = `r${E_ACUTE}n${E_ACUTE}@out.test`;
  assert.deepEqual(await said(session, `MAIL FROM:<${sender}>`), ['553 5.6.7']);
  assert.deepEqual(await said(session, 'MAIL FROM:<a@out.test>', `RCPT TO:<${E_ACUTE}@in.test>`, 'RSET'), [
    '250 2.1.0',
    '553 5.6.7',
    '250 2.0.0',
  ]);
  assert.deepEqual(
    await said(session, `MAIL FROM:<${sender}> SMTPUTF8`, `RCPT TO:<${E_ACUTE}@in.test>`, 'DATA'),
    ['250 2.1.0', '250 2.1.5', '354'],
  );
  session.write(UTF8_MESSAGE + '.\r\n');
  assert.equal((await session.reply()).code, 250);
  await until('the message at the next hop', 5000, () => hop.taken.length === 1);
  const [taken] = hop.taken;
  assert.deepEqual(
    [taken!.sender, taken!.recipients, taken!.senderParameters],
    [sender, [`${E_ACUTE}@in.test`], 'SMTPUTF8'],
  );
  sameBytes(withoutTrace(taken!.content), `R\r\n${UTF8_MESSAGE}`);
  await session.quit();
});

test('S20: a next hop without SMTPUTF8 never gets what needs it: the sender is told 5.6.7', async (t) => {
  const cleanup = new Cleanup(t);
  const hop = await hopWithout(cleanup, 'SMTPUTF8');
  const mail = join(dirname((await house(cleanup, [])).mail), 'notices');
  const h = await house(cleanup, [], { delivery: hop.routes(mail) });
  const session = await h.open();
  // One recipient needs it, one does not: each has its own end.
  await said(
    session,
    'MAIL FROM:<a@out.test> SMTPUTF8',
    `RCPT TO:<${E_ACUTE}@in.test>`,
    'RCPT TO:<b@in.test>',
  );
  assert.deepEqual(await said(session, 'DATA'), ['354']);
  session.write('Subject: plain\r\n\r\nplain\r\n.\r\n');
  assert.equal((await session.reply()).code, 250);
  const notice = await arrived(mail, 'a notice', () => true);
  assert.match(notice.text, /^Status: 5\.6\.7$/m);
  assert.match(notice.text, /^Final-Recipient: utf-8; \xc3\xa9@in\.test$/m);
  await until('the other one at the next hop', 5000, () => hop.taken.length === 1);
  assert.deepEqual(hop.taken[0]!.recipients, ['b@in.test']);
  // A header field needs it.
  await said(session, 'MAIL FROM:<a@out.test> SMTPUTF8', 'RCPT TO:<c@in.test>', 'DATA');
  session.write(`Subject: ${E_ACUTE}\r\n\r\nplain\r\n.\r\n`);
  assert.equal((await session.reply()).code, 250);
  const second = await arrived(mail, 'the second notice', ({ text }) => /rfc822; c@in\.test/.test(text));
  assert.match(second.text, /^Status: 5\.6\.7$/m);
  assert.equal((await readMaildir(mail)).length, 2);
  assert.equal(hop.taken.length, 1);
  await session.quit();
});

const LIMIT = 200_000;
const HEAD = 'Subject: x\r\n\r\n';

/** A message of exactly that size; its lines begin with a dot when `dots`. */
function messageOf(size: number, dots = false): string {
  const line = (dots ? '.' : 'x').padEnd(78, 'y') + '\r\n';
  const body = line.repeat(Math.ceil(size / line.length)).slice(0, size - HEAD.length - 2);
  return `${HEAD}${body.replace(/[\r\n]+$/, (s) => 'z'.repeat(s.length))}\r\n`;
}

test('S29: the size limit holds at MAIL and after the dot, to the byte, and leaves nothing behind', async (t) => {
  const cleanup = new Cleanup(t);
  const listeners = [
    { name: 'smtp', bind: '127.0.0.1:0', relay: { domains: ['in.test'] }, maxMessageSize: LIMIT },
  ];
  const h = await house(cleanup, [], { listeners, spool: { engine: 'lmdb' } });
  const session = await h.open();
  assert.deepEqual(
    await said(
      session,
      `MAIL FROM:<a@out.test> SIZE=${LIMIT + 1}`,
      `MAIL FROM:<a@out.test> SIZE=${LIMIT}`,
      'RSET',
    ),
    ['552 5.3.4', '250 2.1.0', '250 2.0.0'],
  );
  const sizes: [string, number][] = [
    [messageOf(LIMIT), 250],
    [messageOf(LIMIT + 1), 552],
    [messageOf(LIMIT, true), 250], // stuffed dots do not count
    [messageOf(LIMIT + 1, true), 552],
    [messageOf(10 * LIMIT), 552],
  ];
  for (const [message, code] of sizes) {
    assert.equal(message.length <= LIMIT, code === 250);
    const { at, reply } = await session.transaction('a@out.test', ['b@in.test'], message);
    assert.deepEqual([at, reply.code], ['end', code], `${message.length}: ${reply.text}`);
    if (code === 552) assert.match(reply.text, /^5\.3\.4 /);
  }
  await session.quit();
  await until('both in the mailbox', 5000, async () => (await readMaildir(h.mail)).length === 2);
  const spool = join(dirname(h.mail), 'spool');
  for (const folder of ['incoming', 'bodies'])
    await until(`${folder} to be empty`, 5000, async () => (await readdir(join(spool, folder))).length === 0);
});

test('S29: a declared size that the spool has no room for is 452 4.3.1 at MAIL, before any content', async (t) => {
  const listeners = [
    { name: 'smtp', bind: '127.0.0.1:0', relay: { domains: ['in.test'] }, maxMessageSize: '1GB' },
  ];
  const h = await house(new Cleanup(t), [], { listeners });
  const session = await h.open();
  const room = 256 * 1024 * 1024; // of a spool in memory
  assert.deepEqual(
    await said(
      session,
      `MAIL FROM:<a@out.test> SIZE=${room + 1}`,
      'RCPT TO:<b@in.test>',
      `MAIL FROM:<a@out.test> SIZE=${room}`,
      'RSET',
      'MAIL FROM:<a@out.test>',
    ),
    ['452 4.3.1', '503 5.5.1', '250 2.1.0', '250 2.0.0', '250 2.1.0'],
  );
  await session.quit();
});

test('docs/smtp.md knows every extension that is offered', async (t) => {
  const h = await house(new Cleanup(t), []);
  const session = await h.open();
  const { lines } = await session.command('EHLO x.test');
  const offered = lines.slice(1).map((line) => line.slice(4).split(' ', 1)[0]!);
  await session.quit();
  const table = tablesIn(readText('docs/smtp.md')).find(({ columns }) => columns[0] === 'Word')!;
  const known = table.rows.map(([word]) => codeOf(word!));
  assert.deepEqual(
    offered.filter((word) => !known.includes(word)),
    [],
  );
  assert.ok(offered.includes('DSN') && offered.includes('MT-PRIORITY') && offered.length >= 8);
});
