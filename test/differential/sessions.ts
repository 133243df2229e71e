/** Ordinary and odd SMTP sessions before a filter that lets everything pass. */
import type { Scenario, Step } from './scenario.ts';
import type { Script } from './recorder.ts';

export const MESSAGE = 'From: <a@out.test>\r\nTo: <b@in.test>\r\nSubject: one\r\n\r\nbody\r\n';
export const EHLO = 'EHLO client.test';
export const MAIL = 'MAIL FROM:<a@out.test>';
export const RCPT = 'RCPT TO:<b@in.test>';

/** A whole session with one message. */
export function one(content: string, mail = MAIL, rcpt = RCPT): Step[] {
  return [EHLO, mail, rcpt, { content }, 'QUIT'];
}

const pass: Script = {};
const plain = (name: string, steps: readonly Step[], script: Script = pass): Scenario => ({
  name,
  steps,
  script,
});
const content = (name: string, text: string, script: Script = pass): Scenario =>
  plain(`content: ${name}`, one(text), script);

const LONG_BODY = 'A line of a body that is longer than one chunk of the protocol.\r\n'.repeat(3000);
const HDR_LEADSPC = 0x100000;
const ODD_HEADER =
  'Subject:no space\r\nX-Tab:\tvalue\r\nX-Two:  two\r\nX-Folded: a\r\n\tb\r\n   c\r\nX-Empty:\r\nX-Blank: \r\n' +
  'X-Trail: end  \r\nx-CASE: yes\r\nX-8bit: caf\xc3\xa9 \xe9\r\nX-Colon: a: b\r\nX-Fold-First:\r\n first\r\n' +
  'Received: from x by y; Mon, 1 Jan 2024 00:00:00 +0000\r\nReceived: from v by w; Mon, 1 Jan 2024 00:00:00 +0000\r\n';

const SESSIONS: readonly Scenario[] = [
  plain('a plain message', one(MESSAGE)),
  plain('default macro lists', one(MESSAGE), { macros: {} }),
  plain('HELO', ['HELO client.test', MAIL, RCPT, { content: MESSAGE }, 'QUIT']),
  plain('no greeting', [MAIL, 'QUIT']),
  plain('a second EHLO in mid transaction', [
    EHLO,
    MAIL,
    RCPT,
    EHLO,
    MAIL,
    RCPT,
    { content: MESSAGE },
    'QUIT',
  ]),
  plain('several recipients', [
    EHLO,
    MAIL,
    RCPT,
    'RCPT TO:<c@in.test>',
    'RCPT TO:<D@IN.test>',
    { content: MESSAGE },
    'QUIT',
  ]),
  plain('a recipient twice', [EHLO, MAIL, RCPT, RCPT, { content: MESSAGE }, 'QUIT']),
  plain('refused recipients', [
    EHLO,
    MAIL,
    'RCPT TO:<x@far.test>',
    RCPT,
    'RCPT TO:<y@far.test>',
    { content: MESSAGE },
    'QUIT',
  ]),
  plain(
    'refused recipients for a filter that wants them',
    [EHLO, MAIL, 'RCPT TO:<x@far.test>', RCPT, 'RCPT TO:<y@far.test>', { content: MESSAGE }, 'QUIT'],
    { protocol: 0x800 },
  ),
  plain('every recipient refused', [
    EHLO,
    MAIL,
    'RCPT TO:<x@far.test>',
    { content: MESSAGE },
    'RSET',
    'QUIT',
  ]),
  plain('RSET', [EHLO, MAIL, 'RSET', MAIL, RCPT, 'RSET', MAIL, RCPT, { content: MESSAGE }, 'RSET', 'QUIT']),
  plain('two messages', [
    EHLO,
    MAIL,
    RCPT,
    { content: MESSAGE },
    'MAIL FROM:<c@out.test>',
    'RCPT TO:<d@in.test>',
    { content: MESSAGE.replace('one', 'two') },
    'QUIT',
  ]),
  plain('pipelined', [
    EHLO,
    { together: [MAIL, RCPT, 'RCPT TO:<x@far.test>', 'RCPT TO:<c@in.test>'] },
    { content: MESSAGE },
    { together: ['RSET', MAIL, 'QUIT'] },
  ]),
  plain('the null sender', one(MESSAGE, 'MAIL FROM:<>')),
  plain('parameters', one(MESSAGE, 'MAIL FROM:<a@out.test> SIZE=1000 BODY=8BITMIME')),
  plain('parameters in small letters', one(MESSAGE, 'mail from:<a@out.test> size=10 body=7bit')),
  plain(
    'DSN parameters',
    one(
      MESSAGE,
      'MAIL FROM:<a@out.test> RET=HDRS ENVID=q1',
      'RCPT TO:<b@in.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b@in.test',
    ),
  ),
  plain('SMTPUTF8', one(MESSAGE.replace('one', 'caf\xc3\xa9'), 'MAIL FROM:<\xc3\xa9@out.test> SMTPUTF8')),
  plain('8-bit addresses without SMTPUTF8', one(MESSAGE, 'MAIL FROM:<\xc3\xa9@out.test>')),
  plain('a declared size above the limit', one(MESSAGE, 'MAIL FROM:<a@out.test> SIZE=2000000')),
  {
    ...plain('a size above the limit', [
      EHLO,
      MAIL,
      RCPT,
      {
        content:
          `Subject: big\r\n\r\n${'x'.repeat(98)}\r\n`.padEnd(1_000_100, `${'y'.repeat(78)}\r\n`) + '\r\n',
      },
      'QUIT',
    ]),
    decides: 'L',
  },
  plain('an unknown parameter', one(MESSAGE, 'MAIL FROM:<a@out.test> FOO=BAR')),
  plain('quoted and odd addresses', [
    EHLO,
    'MAIL FROM:<"a b"@out.test>',
    'RCPT TO:<b+tag@in.test>',
    'RCPT TO:<"b b"@in.test>',
    { content: MESSAGE },
    'QUIT',
  ]),
  plain(
    'a source route',
    one(MESSAGE, 'MAIL FROM:<@relay.test:a@out.test>', 'RCPT TO:<@relay.test:b@in.test>'),
  ),
  plain('a space behind the colon', one(MESSAGE, 'MAIL FROM: <a@out.test>', 'RCPT TO: <b@in.test>')),
  plain('addresses without brackets', one(MESSAGE, 'MAIL FROM:a@out.test', 'RCPT TO:b@in.test')),
  plain('an unknown command', [
    EHLO,
    'FOO bar',
    MAIL,
    'XYZZY',
    RCPT,
    'foo',
    { content: MESSAGE },
    'FOO',
    'QUIT',
  ]),
  plain('commands without events', [
    EHLO,
    'NOOP',
    'VRFY b@in.test',
    MAIL,
    'NOOP',
    RCPT,
    { content: MESSAGE },
    'QUIT',
  ]),
  plain('commands out of order', [
    EHLO,
    RCPT,
    { content: MESSAGE },
    MAIL,
    { content: MESSAGE },
    MAIL,
    RCPT,
    { content: MESSAGE },
    'QUIT',
  ]),
  plain('QUIT in mid transaction', [EHLO, MAIL, RCPT, 'QUIT']),
  plain('a client that goes away in mid transaction', [EHLO, MAIL, RCPT, { drop: true }]),
  plain('a client that goes away at once', [{ drop: true }]),
  plain('STARTTLS', [EHLO, { tls: true }, EHLO, MAIL, RCPT, { content: MESSAGE }, 'QUIT']),
  plain('STARTTLS in mid transaction', [
    EHLO,
    MAIL,
    RCPT,
    { tls: true },
    EHLO,
    MAIL,
    RCPT,
    { content: MESSAGE },
    'QUIT',
  ]),
];

const CONTENTS: readonly Scenario[] = [
  content('odd headers', `${ODD_HEADER}\r\nbody\r\n`),
  content('odd headers with their spaces', `${ODD_HEADER}\r\nbody\r\n`, { protocol: HDR_LEADSPC }),
  content(
    'fields that Postfix drops',
    `Subject: x\r\nBcc: <c@in.test>\r\nReturn-Path: <z@out.test>\r\nContent-Length: 5\r\nX-Last: y\r\n\r\nbody\r\n`,
  ),
  content('a blank before the colon', 'Subject : x\r\nX-Tab\t: y\r\n\r\nbody\r\n'),
  content('no blank line: body at once', 'Subject: x\r\nthis is no header field\r\nmore\r\n'),
  content('no header', 'this is no header field\r\n\r\nbody\r\n'),
  content('a blank line first', '\r\nbody\r\n'),
  content('a header and nothing else', 'Subject: x\r\n'),
  content('a header and a blank line', 'Subject: x\r\n\r\n'),
  content('nothing at all', ''),
  content('a folded line first', ' folded\r\nSubject: x\r\n\r\nbody\r\n'),
  content('a line of blanks in the header', 'Subject: x\r\n  \r\nX-After: y\r\n\r\nbody\r\n'),
  content('mbox From line', 'From a@out.test Mon Jan  1 00:00:00 2024\r\nSubject: x\r\n\r\nbody\r\n'),
  content('8-bit body', 'Subject: x\r\n\r\ncaf\xe9 \xff\xfe \x01 z\r\n'),
  content('a NUL in the body', 'Subject: x\r\n\r\na\x00z\r\n'),
  content('lines that begin with dots', 'Subject: x\r\n\r\n.\r\n..\r\n.text\r\n...\r\n'),
  content('a body without a final line end in its last line', 'Subject: x\r\n\r\nlast \r\n\r\n\r\n'),
  content('a long body', `Subject: long\r\n\r\n${LONG_BODY}`),
  content(
    'a body of exactly one chunk',
    `Subject: x\r\n\r\n${'z'.repeat(71)}\r\n${`${'y'.repeat(78)}\r\n`.repeat(818)}${'w'.repeat(20)}\r\n`.slice(
      0,
    ),
  ),
  content(
    'long lines',
    `Subject: ${'s'.repeat(900)}\r\nX-Long: ${'h'.repeat(1500)}\r\n\r\n${'b'.repeat(1500)}\r\n`,
  ),
  content('very long lines', `Subject: x\r\n\r\n${'b'.repeat(5000)}\r\n`),
  content(
    'many fields',
    `${Array.from({ length: 200 }, (_, i) => `X-F${i}: ${i}\r\n`).join('')}\r\nbody\r\n`,
  ),
  content('a NUL in the header', 'Subject: a\0b\r\nX-After: y\r\n\r\nbody\r\n'),
  content('a control character in a field name', 'Sub\x01ject: a\r\nX-After: y\r\n\r\nbody\r\n'),
  content('an 8-bit field name', 'Subj\xe9ct: a\r\nX-After: y\r\n\r\nbody\r\n'),
  plain('content: bare LF', [EHLO, MAIL, RCPT, { raw: 'Subject: x\r\n\r\none\ntwo\r\n.\r\n' }, 'QUIT']),
  plain('content: bare CR', [EHLO, MAIL, RCPT, { raw: 'Subject: x\r\n\r\none\rtwo\r\n.\r\n' }, 'QUIT']),
];

const V = (version: number, actions: number, protocol: number): Script => ({
  version,
  actions,
  protocol,
  macros: {},
});
const TWO: Step[] = [EHLO, MAIL, RCPT, 'FOO', { content: MESSAGE }, MAIL, RCPT, { content: MESSAGE }, 'QUIT'];
const AGREEMENTS: readonly Scenario[] = [
  plain('agreement: version 2', TWO, V(2, 0x3f, 0)),
  plain('agreement: version 3', TWO, V(3, 0x3f, 0)),
  plain('agreement: version 4', TWO, V(4, 0x3f, 0)),
  ...['NOCONNECT', 'NOHELO', 'NOMAIL', 'NORCPT', 'NOBODY', 'NOHDRS', 'NOEOH'].map((name, bit) =>
    plain(`agreement: ${name}`, TWO, { protocol: 1 << bit }),
  ),
  plain('agreement: NOUNKNOWN NODATA', TWO, { protocol: 0x300 }),
  plain('agreement: nothing but the end', TWO, { protocol: 0x37f }),
  plain('agreement: no answers at all', TWO, { protocol: 0xff080 }),
  plain('agreement: no answers to header and body', TWO, { protocol: 0x80080 }),
  plain('agreement: a list for one stage only', TWO, { macros: { 1: '{daemon_name} j' } }),
  plain('agreement: an empty list', TWO, { macros: { 0: '', 2: '', 5: 'i' } }),
];

/** All of them. */
export const ORDINARY: readonly Scenario[] = [...SESSIONS, ...CONTENTS, ...AGREEMENTS];
