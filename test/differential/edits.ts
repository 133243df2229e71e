/** Each edit a filter may ask for at the end of a message, and combinations. */
import { frame } from '../support/house.ts';
import { uint32, type Script } from './recorder.ts';
import type { Scenario } from './scenario.ts';
import { EHLO, MAIL, RCPT } from './sessions.ts';

const MESSAGE =
  'A: 1\r\nB:2\r\nA:\t3\r\n folded\r\nC: 4\r\nReceived: from x by y; Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\nold body\r\n';

const text = (...parts: string[]): string => parts.map((part) => `${part}\0`).join('');
const add = (name: string, value: string): string => frame('h', text(name, value));
const insert = (at: number, name: string, value: string): string =>
  frame('i', uint32(at) + text(name, value));
const change = (at: number, name: string, value: string): string =>
  frame('m', uint32(at) + text(name, value));
const body = (bytes: string): string => frame('b', bytes);
const CONTINUE = frame('c');

const EDITS: Readonly<Record<string, readonly string[]>> = {
  'add a field': [add('X', 'x')],
  'add a field of a name that is there': [add('A', '9')],
  'add a folded field': [add('X', 'a\n\tb\n c')],
  'add a field with CRLF folds': [add('X', 'a\r\n\tb')],
  'add a field with a line that is no fold': [add('X', 'a\nb')],
  'add an empty field': [add('X', '')],
  'add an 8-bit field': [add('X', 'caf\xc3\xa9 \xe9')],
  'add a field with a leading blank': [add('X', ' x')],
  'add a field whose name has a colon': [add('X:', 'x')],
  'add a field without a name': [add('', 'x')],
  'add a very long field': [add('X', 'y'.repeat(1200))],
  'add Bcc and Return-Path': [add('Bcc', '<z@in.test>'), add('Return-Path', '<z@in.test>')],
  'insert at 0': [insert(0, 'X', 'x')],
  'insert at 1': [insert(1, 'X', 'x')],
  'insert at 3': [insert(3, 'X', 'x')],
  'insert twice at 1': [insert(1, 'X', 'x'), insert(1, 'Y', 'y')],
  'insert at 1 and 2': [insert(1, 'X', 'x'), insert(2, 'Y', 'y')],
  'insert at 0 and 1': [insert(0, 'X', 'x'), insert(1, 'Y', 'y')],
  'insert at 0 twice': [insert(0, 'X', 'x'), insert(0, 'Y', 'y')],
  'insert beyond the end': [insert(100, 'X', 'x')],
  'insert at 2147483647': [insert(2147483647, 'X', 'x')],
  'insert at 2147483648': [insert(2147483648, 'X', 'x')],
  'change the second of a name': [change(2, 'A', 'z')],
  'change number 0': [change(0, 'A', 'z')],
  'change beyond the count': [change(3, 'A', 'z')],
  'change a name that is not there': [change(1, 'Z', 'z')],
  'change in another case': [change(1, 'a', 'z')],
  'change number 2147483648': [change(2147483648, 'A', 'z')],
  'change a field without a name': [change(1, '', 'z')],
  'delete the first': [change(1, 'A', '')],
  'delete the last first': [change(2, 'A', ''), change(1, 'A', '')],
  'delete and change the second': [change(1, 'A', ''), change(2, 'A', 'z')],
  'delete what is not there': [change(5, 'A', ''), change(1, 'Z', '')],
  'change Received': [change(1, 'Received', 'z')],
  'change Received after inserting above it': [insert(0, 'X', 'x'), change(1, 'Received', 'z')],
  'change an added field': [add('X', 'x'), change(1, 'X', 'y')],
  'change an inserted field': [insert(0, 'A', '0'), change(1, 'A', 'z')],
  'delete an added field': [add('X', 'x'), change(1, 'X', '')],
  'replace the body': [body('new body\r\n')],
  'replace the body in pieces': [body('new'), body(' body\r'), body('\nmore\r\n')],
  'replace the body, interleaved': [body('new\r\n'), add('X', 'x'), body('more\r\n')],
  'replace the body by nothing': [body('')],
  'replace the body without a final line end': [body('new\r\nlast')],
  'replace the body with bare LF': [body('new\nlast\n')],
  'replace the body by dots': [body('.\r\n..\r\n')],
  'replace the body by a long one': [
    body('0123456789'.repeat(6000)),
    body('\r\n' + 'x'.repeat(60000) + '\r\n'),
  ],
  'add a recipient': [frame('+', text('<z@in.test>'))],
  'add a recipient without brackets': [frame('+', text('z@in.test'))],
  'add a recipient far away': [frame('+', text('<z@far.test>'))],
  'add a recipient that is there': [frame('+', text('<b@in.test>'))],
  'add an empty recipient': [frame('+', text(''))],
  'add a recipient with parameters': [frame('2', text('<z@in.test>', 'NOTIFY=NEVER ORCPT=rfc822;z@in.test'))],
  'add a recipient with no parameters': [frame('2', text('<z@in.test>'))],
  'add a recipient with unknown parameters': [frame('2', text('<z@in.test>', 'FOO=BAR'))],
  'delete a recipient': [frame('-', text('<c@in.test>'))],
  'delete a recipient without brackets': [frame('-', text('c@in.test'))],
  'delete a recipient in another case': [frame('-', text('<C@in.test>'))],
  'delete a recipient, domain in another case': [frame('-', text('<c@IN.test>'))],
  'delete a recipient that is not there': [frame('-', text('<q@in.test>'))],
  'delete all recipients': [frame('-', text('<b@in.test>')), frame('-', text('<c@in.test>'))],
  'delete and add a recipient': [frame('-', text('<b@in.test>')), frame('+', text('<b@in.test>'))],
  'change the sender': [frame('e', text('<n@out.test>'))],
  'change the sender, no brackets': [frame('e', text('n@out.test'))],
  'change the sender to null': [frame('e', text('<>'))],
  'change the sender with parameters': [frame('e', text('<n@out.test>', 'RET=HDRS ENVID=q2'))],
  'change the sender with other parameters': [frame('e', text('<n@out.test>', 'SIZE=5 BODY=8BITMIME'))],
  quarantine: [frame('q', text('the filter wants a look'))],
  'quarantine after edits': [add('X', 'x'), frame('q', text('the filter wants a look')), add('Y', 'y')],
  'edits and progress': [add('X', 'x'), frame('p'), insert(1, 'Y', 'y'), frame('p')],
};

/** Edits before a verdict that is not CONTINUE. */
const WITH_VERDICT: Readonly<Record<string, string>> = {
  accept: frame('a'),
  reject: frame('r'),
  tempfail: frame('t'),
  discard: frame('d'),
};

const RCPT_C = 'RCPT TO:<c@in.test>';

function scenario(name: string, answer: string, more: Script = {}): Scenario {
  return {
    name: `edit: ${name}`,
    steps: [EHLO, MAIL, RCPT, RCPT_C, { content: MESSAGE }, 'QUIT'],
    script: { ...more, answer: (command, nth) => (command === 'E' && nth === 0 ? answer : undefined) },
  };
}

export const EDIT_SCENARIOS: readonly Scenario[] = [
  ...Object.entries(EDITS).map(([name, frames]) => scenario(name, frames.join('') + CONTINUE)),
  ...Object.entries(WITH_VERDICT).map(([name, verdict]) =>
    scenario(
      `several, then ${name}`,
      add('X', 'x') + body('new\r\n') + frame('-', text('<c@in.test>')) + verdict,
    ),
  ),
  ...[
    'add a field',
    'add a field with a leading blank',
    'insert at 1',
    'change the second of a name',
    'add a folded field',
  ].map((name) =>
    scenario(`${name}, with its spaces`, EDITS[name]!.join('') + CONTINUE, { protocol: 0x100000 }),
  ),
];
