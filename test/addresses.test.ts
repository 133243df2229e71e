/** Odd characters and lengths in addresses and parameters, as a client says them (reliability S16, P20). */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { byteStringOf } from '#message';
import { Cleanup } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { startNextHop, type TakenMessage } from './support/next-hop.ts';
import { freePort } from './support/ports.ts';
import type { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const L64 = 'l'.repeat(64);
/** 255 characters. */
const D255 = `${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(63)}`;

/** Paths (with brackets) that are none, wherever they stand. */
const BAD: readonly [what: string, path: string][] = [
  ['NUL', '<a\0b@in.test>'],
  ['NUL in the domain', '<a@in\0.test>'],
  ['TAB', '<a\tb@in.test>'],
  ['ESC', '<"a\x1b[2J"@in.test>'],
  ['DEL', '<a\x7f@in.test>'],
  ['VT', '<a\x0b@in.test>'],
  ['a control character behind a backslash', '<"a\\\x01"@in.test>'],
  ['lone CR', '<a\r@in.test>'],
  ['lone CR in quotes', '<"a\rb"@in.test>'],
  ['lone CR behind the path', '<a@in.test>\rX: y'],
  ['a local part too long', `<l${L64}@in.test>`],
  ['a quoted local part too long', `<"${L64}"@in.test>`],
  ['a domain too long', `<a@d${D255}>`],
  ['an end inside', '<a@in.test>x@y.test>'],
  ['no brackets', 'a@in.test'],
  ['a bracket too many', '<<a@in.test>>'],
  ['a quote that stays open', '<"a@in.test>'],
  ['a bad literal', '<a@[999.1.1.1]>'],
  ['a literal without colon', '<a@[IPv6]>'],
  ['no domain', '<a@>'],
  ['a route without address', '<@x.test:>'],
];

const EIGHT_BIT: readonly [string, string][] = [
  ['Latin-1', '<gr\xfc\xdfe@in.test>'],
  ['a C1 control character', '<a\x85@in.test>'],
  ['overlong UTF-8', '<a\xc0\xaf@in.test>'],
  ['UTF-8 without SMTPUTF8', byteStringOf('<grüße@in.test>')],
  ['UTF-8 in the domain without SMTPUTF8', byteStringOf('<a@grüße.test>')],
];

/** Still in step after something odd: one reply for one command. */
async function inStep(session: SmtpSession): Promise<void> {
  await session.expect(250, await session.command('NOOP'));
}

const limits = { limits: { maxErrors: 1000 } };
const listener = (more: Readonly<Record<string, unknown>> = {}) => ({
  listeners: [
    {
      name: 'smtp',
      bind: '127.0.0.1:0',
      relay: { networks: ['127.0.0.0/8'], domains: ['in.test'] },
      ...more,
    },
  ],
});

/** Every reply so far was one line of printable ASCII within its limit; here for the one that is given. */
function clean(lines: readonly string[]): void {
  for (const line of lines) assert.match(line, /^[2-5]\d\d[ -][\x20-\x7e]{0,506}$/);
}

test('S16: what is no address is refused at MAIL with 501 5.1.7, and the session stays in step', async (t) => {
  const h = await house(new Cleanup(t), [], listener(limits));
  const session = await h.open();
  for (const [what, path] of [...BAD, ...EIGHT_BIT]) {
    const { code, text, lines } = await session.command(`MAIL FROM:${path}`);
    clean(lines);
    assert.match(
      `${code} ${text}`,
      what.startsWith('UTF-8')
        ? /^553 5\.6\.7 /
        : what.endsWith('behind the path') || what === 'an end inside'
          ? /^501 5\.5\.4 /
          : /^501 5\.1\.7 /,
      what,
    );
    await inStep(session);
  }
  // What follows a line end is a command of its own, whatever it was meant to be.
  session.write('MAIL FROM:<a@out.test>\r\nX: y\r\n');
  await session.expect(250, await session.reply());
  await session.expect(500, await session.reply());
  await session.command('RSET');
  await session.quit();
});

test('S16: the same at RCPT with 501 5.1.3, and nobody is there afterwards', async (t) => {
  const h = await house(new Cleanup(t), [], listener(limits));
  const session = await h.open();
  await session.expect(250, await session.command('MAIL FROM:<>'));
  for (const [what, path] of [...BAD, ...EIGHT_BIT, ['the null path', '<>'] as const]) {
    const { code, text, lines } = await session.command(`RCPT TO:${path}`);
    clean(lines);
    assert.match(
      `${code} ${text}`,
      what.startsWith('UTF-8')
        ? /^553 5\.6\.7 /
        : what.endsWith('behind the path') || what === 'an end inside'
          ? /^501 5\.5\.4 /
          : /^501 5\.1\.3 /,
      what,
    );
    await inStep(session);
  }
  await session.expect(554, await session.command('DATA'));
  await session.quit();
});

test('S16: parameters with odd characters, twice, unknown or out of bounds are refused, those known are taken', async (t) => {
  const h = await house(new Cleanup(t), [], listener(limits));
  const session = await h.open();
  for (const [params, expected] of [
    [' SIZE=', 501],
    [' SIZE=-1', 501],
    [' SIZE=1e9', 501],
    [' SIZE=1 SIZE=1', 501],
    [` SIZE=${'9'.repeat(21)}`, 501],
    [' SIZE=99999999999', 552],
    [' BODY=', 501],
    [' BODY=\x1b', 501],
    [' BODY=8BITMIME\0', 501],
    [' BODY=8BITMIME=x', 501],
    [' BODY=BINARYMIME', 555],
    [' RET=FULL RET=HDRS', 501],
    [' ENVID=a+zz', 501],
    [` ENVID=${'e'.repeat(101)}`, 501],
    [' X-EVIL=1', 555],
    [' =1', 501],
    [' \xe9=1', 501],
    ['SIZE=1', 501],
    ['\tSIZE=1', 501],
    [' SIZE=1\rRCPT', 501],
  ] as const) {
    const { code, text, lines } = await session.command(`MAIL FROM:<a@out.test>${params}`);
    clean(lines);
    assert.equal(code, expected, `${params}: ${text}`);
    await inStep(session);
  }
  await session.expect(250, await session.command('mail from: <a@out.test>  SIZE=10   body=8bitmime '));
  await session.quit();
});

/** `raw` as said, and the address that is meant by it. */
const GOOD: readonly [raw: string, address: string][] = [
  ['<"a b"@in.test>', '"a b"@in.test'],
  ['<"a\\"b\\\\c"@in.test>', '"a\\"b\\\\c"@in.test'],
  ['<"(a);,<b>"@in.test>', '"(a);,<b>"@in.test'],
  ["<!#$&'*+-/=?^_`{|}~@in.test>", "!#$&'*+-/=?^_`{|}~@in.test"],
  [`<${L64}@in.test>`, `${L64}@in.test`],
  ['<@x.test:a@in.test>', 'a@in.test'],
  ['<@x.test,@y.test:b@in.test>', 'b@in.test'],
  ['<a@[IPv6:::1]>', 'a@[IPv6:::1]'],
  ['<a@[192.0.2.1]>', 'a@[192.0.2.1]'],
  [`<a@${D255}>`, `a@${D255}`],
];

test('S16: odd but valid addresses go through as they are, without their route, and the trace is one field', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  const taken: TakenMessage[] = [];
  await startNextHop(cleanup, port, (message) => {
    taken.push(message);
    return '250 2.0.0 ok';
  });
  const h = await house(cleanup, [], {
    ...listener(),
    delivery: { routes: [{ match: 'true', via: 'smtp', to: `127.0.0.1:${port}` }] },
  });
  const session = await h.open();
  for (const [raw] of GOOD) {
    await session.expect(250, await session.command(`MAIL FROM:${raw}`));
    await session.expect(250, await session.command(`RCPT TO:${raw}`));
    await session.expect(354, await session.command('DATA'));
    session.write('Subject: x\r\n\r\nb\r\n.\r\n');
    await session.expect(250, await session.reply());
  }
  const utf8 = byteStringOf('grüße@in.test');
  await session.expect(250, await session.command(`MAIL FROM:<${utf8}> SMTPUTF8`));
  await session.expect(250, await session.command(`RCPT TO:<${utf8}>`));
  await session.expect(354, await session.command('DATA'));
  session.write('Subject: x\r\n\r\nb\r\n.\r\n');
  await session.expect(250, await session.reply());
  await session.quit();
  await until('all messages', 5000, () => taken.length === GOOD.length + 1);
  const wanted = [...GOOD.map(([, address]) => address), utf8];
  assert.deepEqual(taken.map((m) => m.sender).toSorted(), cutAtBracket(wanted).toSorted());
  for (const { content } of taken) assertTrace(content);
  const international = taken.find((m) => m.sender === utf8)!;
  assert.match(international.content, /\r\n\tby mx\.test \(Millrace\) with UTF8SMTP id /);
  assert.ok(!international.content.includes('\tfor <'), 'no 8-bit text in the trace');
});

/** The next hop of the tests reads an address up to its first closing bracket. */
const cutAtBracket = (addresses: readonly string[]): string[] => addresses.map((a) => a.split('>')[0]!);

test('S16: whatever the greeting, the trace field is one well-formed field', async (t) => {
  const cleanup = new Cleanup(t);
  const h = await house(cleanup, [], listener({ limits: { maxErrors: 1000 } }));
  for (const helo of [
    'a(b',
    ')',
    '(((',
    'x;y',
    'a"b',
    '\\',
    '<a@b>',
    '[1.2.3.4]',
    '[evil',
    'by.evil.test',
    'x=y,z',
    '-bad-.test.',
    'h'.repeat(255),
  ]) {
    const session = await h.open();
    await session.expect(250, await session.command(`EHLO ${helo}`));
    const { reply } = await session.transaction('a@out.test', ['u@in.test'], 'Subject: x\r\n\r\nb\r\n');
    assert.equal(reply.code, 250, helo);
    await session.quit();
  }
  for (const helo of ['a b', 'a\x1b[2J', 'caf\xe9', 'x\0', 'h'.repeat(256), 'a\tb']) {
    const session = await h.open();
    const { code, lines } = await session.command(`EHLO ${helo}`);
    assert.ok(code === 501 || code === 500, helo);
    clean(lines);
    await session.quit();
  }
  const messages = await delivered(h, 13);
  for (const content of messages) assertTrace(content);
  assert.ok(messages.some((m) => m.includes('from [1.2.3.4] (localhost [127.0.0.1])')));
  assert.ok(messages.some((m) => m.includes('from unknown (localhost [127.0.0.1] helo=???)')));
});

/** One Received field on top, folded properly, nothing odd in it, and one blank line behind the header. */
function assertTrace(content: string): void {
  const top =
    /^(?:Delivered-To:[^\r]*\r?\n|Return-Path:[^\r]*\r?\n)*(Received:(?:[^\r\n]|\r?\n[ \t])*)\r?\n(?=\S)/.exec(
      content,
    );
  assert.ok(top, content.slice(0, 500));
  const field = top[1]!.replaceAll('\r\n', '\n');
  assert.match(field, /^[\x09\x0a\x20-\x7e]+$/);
  assert.match(
    field.replace(/\n[ \t]/g, ' '),
    /^Received: from (?:[\w.-]+|\[[\w.:]+\]) \([^()]*\) by mx\.test \(Millrace\) with (?:UTF8|E)SMTP id \w+(?: for <[^<>\s]+>)?; \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/,
  );
  assert.equal(content.match(/^Received:/gm)?.length, 1);
}

async function delivered(h: House, count: number): Promise<string[]> {
  const folder = join(h.mail, 'new');
  const files = await until(`${count} messages in the Maildir`, 5000, async () => {
    const names = await readdir(folder).catch(() => []);
    return names.length >= count && names;
  });
  return Promise.all(files.map((name) => readFile(join(folder, name), 'latin1')));
}
