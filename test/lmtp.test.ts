// Receiving by LMTP (RFC 2033): LHLO, one reply per recipient after the dot, over TCP and unix sockets, from real clients.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { defineMilter, discard, reject, tempfail, type Filter } from '#milter/filter';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { arrived, readMaildir } from './support/maildir.ts';
import { startPostfix } from './support/postfix.ts';
import { freePort } from './support/ports.ts';
import { needsRoot, run, skipWithout } from './support/processes.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const CONTENT = 'Subject: one\r\n\r\nbody\r\n';
const RELAY = { networks: ['127.0.0.0/8'], domains: ['in.test'] };

/** A gateway that takes LMTP, with these filters; `bind` besides a port of its own. */
function lmtpHouse(cleanup: Cleanup, filters: readonly Filter[] = [], ...bind: string[]): Promise<House> {
  const listeners = [{ name: 'smtp', protocol: 'lmtp', bind: ['127.0.0.1:0', ...bind], relay: RELAY }];
  const guests = filters.map((filter) => ({ filter, more: { stages: ['mail', 'rcpt', 'data'] } }));
  return house(cleanup, guests, { listeners });
}

/** Connected, LHLO said, MAIL given. */
async function begun(h: House): Promise<SmtpSession> {
  const session = SmtpSession.open(h.port);
  assert.match((await session.reply()).lines[0]!, /^220 mx\.test LMTP /);
  await session.expect(250, await session.command('LHLO client.test'));
  await session.expect(250, await session.command('MAIL FROM:<a@out.test>'));
  return session;
}

/** RCPT for each, DATA, the content; the replies after the dot. `NOOP` shows that there are no more. */
async function finished(
  session: SmtpSession,
  recipients: readonly string[],
  accepted: number,
): Promise<string[]> {
  for (const recipient of recipients) await session.command(`RCPT TO:<${recipient}>`);
  await session.expect(354, await session.command('DATA'));
  session.write(`${CONTENT}.\r\nNOOP\r\n`);
  const replies: string[] = [];
  for (let i = 0; i <= accepted; i++) {
    const { code, text } = await session.reply();
    replies.push(`${code} ${text.split(' ', 1)[0]}`);
  }
  assert.equal(replies.pop(), '250 2.0.0', 'NOOP');
  await session.quit();
  return replies;
}

test('LHLO is the only greeting, and what is offered is offered to it', async (t) => {
  const h = await lmtpHouse(new Cleanup(t));
  const session = SmtpSession.open(h.port);
  await session.reply();
  for (const verb of ['EHLO', 'HELO']) assert.equal((await session.command(`${verb} x.test`)).code, 500);
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 503);
  const { code, text } = await session.command('LHLO x.test');
  assert.equal(code, 250);
  for (const word of ['PIPELINING', 'ENHANCEDSTATUSCODES', '8BITMIME', 'SIZE', 'SMTPUTF8', 'DSN'])
    assert.match(text, new RegExp(`^${word}\\b`, 'm'));
  await session.quit();
});

test('each accepted recipient has its reply, twice named ones two; the message comes once to each', async (t) => {
  const h = await lmtpHouse(new Cleanup(t));
  const session = await begun(h);
  const replies = await finished(session, ['b@in.test', 'c@in.test', 'b@in.test'], 3);
  assert.deepEqual(replies, ['250 2.0.0', '250 2.0.0', '250 2.0.0']);
  const message = await arrived(h.mail, 'the message', () => true);
  assert.match(message.field('Received')[0]!, /^from client\.test .* with LMTP id /);
  await until('one for each', 5000, async () => (await readMaildir(h.mail)).length === 2);
});

test('refused recipients have no reply after the dot; with none accepted DATA is 503', async (t) => {
  const h = await lmtpHouse(new Cleanup(t));
  const session = await begun(h);
  await session.expect(501, await session.command('RCPT TO:<nowhere>'));
  assert.equal((await session.command('DATA')).code, 503);
  const replies = await finished(session, ['nowhere', 'b@in.test', 'nowhere'], 1);
  assert.deepEqual(replies, ['250 2.0.0']);
});

for (const [what, answer, replies] of [
  ['a refusal', reject(), ['554 5.7.1', '554 5.7.1']],
  ['a deferral', tempfail(), ['451 4.7.1', '451 4.7.1']],
  ['a discard', discard, ['250 2.0.0', '250 2.0.0']],
] as const)
  test(`${what} of the message is said to every recipient`, async (t) => {
    const filter = defineMilter({ name: 'strict', onMessage: () => answer });
    const h = await lmtpHouse(new Cleanup(t), [filter]);
    assert.deepEqual(await finished(await begun(h), ['b@in.test', 'c@in.test'], 2), replies);
    assert.deepEqual(await readMaildir(h.mail), []);
  });

test('a recipient that a filter took out still has its reply, and one that was added has none', async (t) => {
  const filter = defineMilter({
    name: 'edits',
    needs: ['addRecipient', 'removeRecipient'],
    onMessage: (_s, env, msg) => {
      msg.removeRecipient(env.recipients[0]!);
      msg.addRecipient('new@in.test');
    },
  });
  const h = await lmtpHouse(new Cleanup(t), [filter]);
  const replies = await finished(await begun(h), ['b@in.test', 'c@in.test'], 2);
  assert.deepEqual(replies, ['250 2.0.0', '250 2.0.0']);
  await until('both messages', 5000, async () => (await readMaildir(h.mail)).length === 2);
  const to = (await readMaildir(h.mail)).flatMap((m) => m.field('Delivered-To'));
  assert.deepEqual(to.toSorted(), ['c@in.test', 'new@in.test']);
});

test('too large a message is refused to each, and the session goes on', async (t) => {
  const listeners = [
    { name: 'smtp', protocol: 'lmtp', bind: '127.0.0.1:0', relay: RELAY, maxMessageSize: CONTENT.length - 1 },
  ];
  const h = await house(new Cleanup(t), [], { listeners });
  assert.deepEqual(await finished(await begun(h), ['b@in.test', 'c@in.test'], 2), ['552 5.3.4', '552 5.3.4']);
});

test('LMTP comes through a unix socket, pipelined', async (t) => {
  const cleanup = new Cleanup(t);
  const path = join(await tempFolder(cleanup), 'lmtp.sock');
  const h = await lmtpHouse(cleanup, [], `unix:${path}`);
  const socket = connect(path);
  let heard = '';
  socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
  cleanup.after(() => void socket.destroy());
  const envelope =
    'LHLO client.test\r\nMAIL FROM:<a@out.test>\r\nRCPT TO:<b@ext.test>\r\nRCPT TO:<c@in.test>\r\n';
  socket.write(`${envelope}DATA\r\n${CONTENT}.\r\nQUIT\r\n`);
  await until('the goodbye', 5000, () => /^221 /m.test(heard));
  const codes = [...heard.matchAll(/^(\d{3}) /gm)].map(([, code]) => code);
  assert.deepEqual(codes, ['220', '250', '250', '250', '250', '354', '250', '250', '221']);
  await until('both messages', 5000, async () => (await readMaildir(h.mail)).length === 2);
});

test('swaks delivers by LMTP', { skip: skipWithout('swaks') }, async (t) => {
  const h = await lmtpHouse(new Cleanup(t));
  const { code, output } = await run('swaks', 'swaks', [
    ...['--protocol', 'LMTP', '--server', '127.0.0.1', '--port', String(h.port), '--timeout', '10'],
    ...['--from', 'a@out.test', '--to', 'b@in.test,c@in.test', '--helo', 'swaks.test', '--pipeline'],
  ]);
  assert.equal(code, 0, output);
  await until('both messages', 5000, async () => (await readMaildir(h.mail)).length === 2);
});

const noPostfix = skipWithout('postfix') || needsRoot('a start of Postfix');

test(
  'Postfix delivers by its lmtp client, and keeps what was refused for now',
  { skip: noPostfix },
  async (t) => {
    const cleanup = new Cleanup(t);
    const filter = defineMilter({
      name: 'later',
      onRcpt: () => undefined,
      onMessage: (_s, _env, msg) => (msg.headers.get('Subject') === 'later' ? tempfail() : undefined),
    });
    const h = await lmtpHouse(cleanup, [filter]);
    const port = await freePort();
    const postfix = await startPostfix(cleanup, {
      folder: await tempFolder(cleanup),
      nextHopPort: h.port,
      listeners: [{ port, milterPorts: [] }],
      settings: {
        default_transport: `lmtp:inet:127.0.0.1:${h.port}`,
        lmtp_destination_recipient_limit: '10',
      },
    });
    const session = await SmtpSession.greeted(port);
    const send = async (subject: string): Promise<void> => {
      const content = `Subject: ${subject}\r\n\r\nbody\r\n`;
      const { reply } = await session.transaction('a@out.test', ['b@in.test', 'c@ext.test'], content);
      await session.expect(250, reply);
    };
    await send('now');
    await until('both messages', 10_000, async () => (await readMaildir(h.mail)).length === 2);
    const [message] = await readMaildir(h.mail);
    assert.match(message!.field('Received')[0]!, /^from postfix\.load\.test .* with LMTP id /);
    await until('Postfix to have nothing left', 10_000, async () => (await postfix.queued()) === 0);
    await send('later');
    await until('the deferral', 10_000, () => h.heard.some(({ name }) => name === 'message.refused'));
    assert.equal(await postfix.queued(), 1);
    assert.equal((await readMaildir(h.mail)).length, 2);
    await session.quit();
  },
);
