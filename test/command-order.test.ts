// The order of commands: what each command is answered in each state, one reply each, and pipelined transactions in one segment.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { arrived, readMaildir } from './support/maildir.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const LISTENER = {
  name: 'smtp',
  bind: '127.0.0.1:0',
  relay: { networks: [], domains: ['in.test'] },
  limits: { maxErrors: 10_000, maxConnectionRate: 1_000_000 },
};

const start = (cleanup: Cleanup): Promise<House> => house(cleanup, [], { listeners: [LISTENER] });

/** How each state is come to, from the greeting. */
const STATES = {
  greeted: [],
  hello: ['EHLO client.test'],
  mail: ['EHLO client.test', 'MAIL FROM:<a@out.test>'],
  refused: ['EHLO client.test', 'MAIL FROM:<a@out.test>', 'RCPT TO:<b@ext.test>'],
  rcpt: ['EHLO client.test', 'MAIL FROM:<a@out.test>', 'RCPT TO:<b@in.test>'],
  // Three ways back to where MAIL may come.
  'after RSET': ['EHLO client.test', 'MAIL FROM:<a@out.test>', 'RCPT TO:<b@in.test>', 'RSET'],
  'after HELO': ['EHLO client.test', 'MAIL FROM:<a@out.test>', 'RCPT TO:<b@in.test>', 'HELO client.test'],
  'after a message': [
    'EHLO client.test',
    'MAIL FROM:<a@out.test>',
    'RCPT TO:<b@in.test>',
    'DATA',
    'Subject: x\r\n\r\nx\r\n.',
  ],
} as const;

type State = keyof typeof STATES;

/** The reply in every state, but for the states named. */
type Row = readonly [command: string, reply: string, except?: Readonly<Partial<Record<State, string>>>];

const WELCOME = '250 2.1.0';
const OUT_OF_TURN = '503 5.5.1';
const opened = (reply: string): Readonly<Partial<Record<State, string>>> => ({
  mail: reply,
  refused: reply,
  rcpt: reply,
});
/** RCPT is looked at only in a transaction. */
const recipient = (command: string, reply: string): Row => [command, OUT_OF_TURN, opened(reply)];
/** So is MAIL only behind a greeting and outside of one. */
const sender = (command: string, reply: string): Row => [
  command,
  reply,
  { ...opened(OUT_OF_TURN), greeted: OUT_OF_TURN },
];

const TABLE: readonly Row[] = [
  sender('MAIL FROM:<a@out.test>', WELCOME),
  sender('mail from: <a@out.test>  \t', WELCOME),
  sender('MAIL FROM:<>', WELCOME),
  sender('MAIL FROM:a@out.test', '501 5.1.7'),
  sender('MAIL FROM:', '501 5.1.7'),
  sender('MAIL TO:<a@out.test>', '501 5.5.4'),
  sender('MAIL', '501 5.5.4'),
  sender('MAIL FROM:<a@out.test> FOO=BAR', '555 5.5.4'),
  sender('MAIL FROM:<a@out.test> SIZE=99999999999', '552 5.3.4'),
  sender('MAIL FROM:<\xc3\xa9@out.test>', '553 5.6.7'),
  recipient('RCPT TO:<b@in.test>', '250 2.1.5'),
  recipient('rcpt to: <b@in.test> ', '250 2.1.5'),
  recipient('RCPT TO:<b@ext.test>', '554 5.7.1'),
  recipient('RCPT TO:b@in.test', '501 5.1.3'),
  recipient('RCPT TO:<>', '501 5.1.3'),
  recipient('RCPT FROM:<b@in.test>', '501 5.5.4'),
  recipient('RCPT TO:<b@in.test> FOO=BAR', '555 5.5.4'),
  ['DATA', OUT_OF_TURN, { refused: '554 5.5.1', rcpt: '354' }],
  ['DATA now', '501 5.5.4'],
  ['EHLO client.test', '250'],
  ['HELO client.test', '250'],
  ['ehlo client.test ', '250'],
  ['EHLO', '501 5.5.4'],
  ['HELO two names', '501 5.5.4'],
  ['LHLO client.test', '500 5.5.1'],
  ['RSET', '250 2.0.0'],
  ['RSET now', '501 5.5.4'],
  ['NOOP', '250 2.0.0'],
  ['noop whatever', '250 2.0.0'],
  ['HELP', '214 2.0.0'],
  ['VRFY someone', '252 2.0.0'],
  ['VRFY', '501 5.5.4'],
  ['EXPN list', '502 5.5.1'],
  ['BDAT 10 LAST', '502 5.5.1'],
  ['STARTTLS', '502 5.5.1'],
  ['QUIT now', '501 5.5.4'],
  ['FROBNICATE now', '500 5.5.1'],
  ['', '500 5.5.1'],
  [' NOOP', '500 5.5.1'],
  ['NOOP\0', '500 5.5.2'],
  ['NOOP x\ty', '501 5.5.4'],
  ['NOOP\rRSET', '500 5.5.2'],
  ['NOOP\nRSET', '500 5.5.2'],
  [`NOOP ${'x'.repeat(2042)}`, '500 5.5.2'],
  [`NOOP ${'x'.repeat(2041)}`, '250 2.0.0'],
  ['POST / HTTP/1.1', '421 4.7.0'],
  ['QUIT', '221 2.0.0'],
];

/** `550 5.7.1` of a reply, `354` of one without an enhanced code. */
function said({ code, text }: { code: number; text: string }): string {
  const enhanced = /^\d\.\d+\.\d+(?= )/.exec(text)?.[0];
  return enhanced ? `${code} ${enhanced}` : String(code);
}

for (const state of Object.keys(STATES) as State[])
  test(`S10: state ${state}: each command has its reply, exactly one, and a good transaction works behind it`, async (t) => {
    const h = await start(new Cleanup(t));
    for (const [command, usual, except = {}] of TABLE) {
      const session = SmtpSession.open(h.port);
      await session.expect(220, await session.reply());
      for (const step of STATES[state]) await session.command(step);
      const expected = except[state] ?? usual;
      const told = `${JSON.stringify(command.slice(0, 60))} in state ${state}`;
      assert.equal(said(await session.command(command)), expected, told);
      if (/^(?:421|221)/.test(expected)) {
        await assert.rejects(session.command('NOOP'), /closed|EPIPE|ECONNRESET/, `${told} closes`);
        continue;
      }
      if (expected === '354') assert.equal((await session.command('x\r\n.')).code, 250, told);
      const noop = await session.command('NOOP');
      assert.equal(noop.text, '2.0.0 OK', `${told}: one reply`);
      await session.command('EHLO client.test');
      const { reply } = await session.transaction('a@out.test', ['b@in.test'], 'Subject: good\r\n\r\nx\r\n');
      assert.equal(reply.code, 250, `${told}: a good transaction behind it`);
      session.drop();
    }
  });

test('S12: MAIL, 100 RCPT and DATA in one segment, a second transaction glued to the first dot: answered in order', async (t) => {
  const h = await start(new Cleanup(t));
  const session = await SmtpSession.greeted(h.port);
  const outside = (n: number): boolean => n % 3 === 2;
  const rcpts = Array.from(
    { length: 100 },
    (_, n) => `RCPT TO:<u${n}@${outside(n) ? 'ext' : 'in'}.test>\r\n`,
  );
  const first = 'Subject: first\r\n\r\nbody\r\n.\r\n';
  const second =
    'MAIL FROM:<c@out.test>\r\nRCPT TO:<d@in.test>\r\nDATA\r\nSubject: second\r\n\r\nbody\r\n.\r\n';
  session.write(`MAIL FROM:<a@out.test>\r\n${rcpts.join('')}DATA\r\n${first}${second}QUIT\r\n`);
  const codes = [250, ...rcpts.map((_, n) => (outside(n) ? 554 : 250)), 354, 250, 250, 250, 354, 250, 221];
  for (const [n, code] of codes.entries()) assert.equal((await session.reply()).code, code, `reply ${n}`);
  await assert.rejects(session.reply(), /closed/);
  for (const subject of ['first', 'second'])
    await arrived(h.mail, subject, (message) => message.field('Subject')[0] === subject);
  const all = await until('every recipient to be served', 10_000, async () => {
    const messages = await readMaildir(h.mail);
    return messages.length >= 2 && messages;
  });
  assert.deepEqual(new Set(all.map((message) => message.field('Subject')[0])), new Set(['first', 'second']));
  const accepted = h.heard.filter((n) => n.name === 'message.accepted');
  assert.equal(accepted.length, 2);
});

test('S12: what comes before the greeting is answered behind it, in order', async (t) => {
  const h = await start(new Cleanup(t));
  const session = SmtpSession.open(h.port);
  session.write('EHLO client.test\r\nMAIL FROM:<a@out.test>\r\nRCPT TO:<b@ext.test>\r\nRSET\r\nQUIT\r\n');
  for (const code of [220, 250, 250, 554, 250, 221]) assert.equal((await session.reply()).code, code);
  await assert.rejects(session.reply(), /closed/);
});

test('S12: where the rule is on, who talks before the greeting is refused and nothing of it runs', async (t) => {
  // A header of a proxy that comes in one piece with commands: what is behind it came before our greeting, for certain.
  const more = { trustedProxies: ['127.0.0.0/8'], relay: { domains: ['in.test'] } };
  for (const refuseEarlyTalkers of [true, false]) {
    const listener = { name: 'smtp', bind: '127.0.0.1:0', ...more, refuseEarlyTalkers };
    const h = await house(new Cleanup(t), [], { listeners: [listener] });
    const session = SmtpSession.open(h.port);
    session.write('PROXY TCP4 127.0.0.9 127.0.0.1 1000 25\r\nEHLO client.test\r\nQUIT\r\n');
    for (const code of refuseEarlyTalkers ? [554] : [220, 250, 221])
      assert.equal((await session.reply()).code, code);
    await assert.rejects(session.reply(), /closed/);
    assert.equal(h.heard.filter((n) => n.name === 'message.accepted').length, 0);
  }
});

test('P12: what has no end when the client goes is ignored, be it a command or a content', async (t) => {
  const h = await start(new Cleanup(t));
  const content = 'MAIL FROM:<a@out.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nSubject: cut\r\n\r\nbody\r\n';
  for (const bytes of ['MAIL FROM:<a@out.test>', content, `${content}.`, `${content}.\r`]) {
    const session = await SmtpSession.greeted(h.port);
    session.write(bytes);
    for (let due = bytes.split('\r\n', 4).length - 1; due > 0; due--) await session.reply();
    session.drop();
  }
  const session = await SmtpSession.greeted(h.port);
  await session.transaction('a@out.test', ['b@in.test'], 'Subject: whole\r\n\r\nx\r\n');
  await session.quit();
  await arrived(h.mail, 'the whole message', (message) => message.field('Subject')[0] === 'whole');
  assert.equal(h.heard.filter((n) => n.name === 'message.accepted').length, 1);
});
