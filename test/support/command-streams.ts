/**
 * Bad SMTP sessions by the thousand: a grammar of what clients say, right and wrong, and mutations of its bytes and lines.
 * Everything comes from the Random handed in; byte strings.
 */
import type { Random } from './random.ts';

const one = <T>(random: Random, ...choices: readonly T[]): T => choices[random.whole(0, choices.length - 1)]!;
const chance = (random: Random, part: number): boolean => random.between(0, 1) < part;

const SENDERS = [
  'a@out.test',
  'b.c@out.test',
  'a@out.test',
  '',
  'nobody@out.test',
  'later@out.test',
  'nodata@out.test',
];
const ODD_PATHS = [
  '<>',
  '<a>',
  'a@out.test',
  '<a@>',
  '<@x.test:a@in.test>',
  '<"a b"@in.test>',
  '<"a\\"b>c"@in.test>',
  '<a@[127.0.0.1]>',
  '<a@[IPv6:::1]>',
  '<a@[not an address]>',
  '<Postmaster>',
  '<a%b@in.test>',
  '<a!b@in.test>',
  '<"a@ext.test"@in.test>',
  '<\xc3\xa9@in.test>',
  '<\xff@in.test>',
  '<a\0@in.test>',
  '<a\r@in.test>',
  '<a@in.test',
  '<a@in.test>x',
  '<a..b@in.test>',
  `<${'l'.repeat(64)}@in.test>`,
  `<${'l'.repeat(65)}@in.test>`,
  `<a@${'d.'.repeat(126)}test>`,
];
const MAIL_PARAMETERS = [
  'SIZE=100',
  'SIZE=10000000',
  'SIZE=99999999999999999999',
  'SIZE=-1',
  'BODY=8BITMIME',
  'BODY=BINARYMIME',
  'SMTPUTF8',
  'RET=HDRS',
  'RET=SOME',
  'ENVID=abc',
  'ENVID=+2',
  'AUTH=<>',
  'FOO=BAR',
  'SIZE=1 SIZE=2',
  '=x',
];
const RCPT_PARAMETERS = [
  'NOTIFY=NEVER',
  'NOTIFY=NEVER,DELAY',
  'ORCPT=rfc822;a@b',
  'ORCPT=x',
  'FOO=BAR',
  'SIZE=1',
];
const BARE_VERBS = [
  'RSET',
  'NOOP',
  'HELP',
  'VRFY someone',
  'VRFY',
  'EXPN list',
  'NOOP x y',
  'RSET x',
  'DATA x',
];
const ODD_LINES = [
  '',
  ' ',
  '\t',
  ' NOOP',
  'FROBNICATE now',
  'LHLO x.test',
  'BDAT 10 LAST',
  'BDAT 18446744073709551616',
  'AUTH PLAIN AGEAYg==',
  'AUTH',
  'STARTTLS x',
  'EHLO',
  'HELO two names',
  'EHLO caf\xe9',
  'HELO refused.test',
  'XCLIENT NAME=x',
  'PROXY TCP4 1.2.3.4 5.6.7.8 1 2',
  'QUIT now',
  'MAIL',
  'RCPT',
  'MAIL FROM:',
  'MAIL TO:<a@in.test>',
  'RCPT FROM:<a@in.test>',
  'NOOP\0',
  'NOOP\x1b[2J',
  'MAILFROM:<a@out.test>',
  'DATA\t',
  'noop',
];
const RARE_LINES = ['STARTTLS', 'QUIT', 'POST / HTTP/1.1', 'Host: in.test', 'GET / HTTP/1.0'];
const CONTENTS = [
  '',
  'Subject: x\r\n\r\nbody\r\n',
  'Subject: SPAM\r\n\r\nbody\r\n',
  'Subject: DEFER\r\n\r\nbody\r\n',
  '..stuffed\r\n..\r\n...\r\n',
  'lone\nfeed\r\n',
  'lone\rreturn\r\n',
  'nul\0\r\n',
  '\n.\n',
  'x\r.\r\nMAIL FROM:<evil@out.test>\r\n',
  'x\n.\r\nRCPT TO:<evil@in.test>\r\n',
  '.x\r\n',
  '\x80\xff 8-bit\r\n',
  '\r\n\r\n',
];

function path(random: Random, good: readonly string[]): string {
  return chance(random, 0.85) ? `<${one(random, ...good)}>` : one(random, ...ODD_PATHS);
}

function parameters(random: Random, known: readonly string[]): string {
  let text = '';
  while (chance(random, 0.2)) text += one(random, ' ', ' ', ' ', '  ', '') + one(random, ...known);
  return text;
}

function mail(random: Random): string {
  const verb = one(random, 'MAIL FROM:', 'MAIL FROM:', 'MAIL FROM:', 'mail from: ', 'Mail  From:');
  return `${verb}${path(random, SENDERS)}${parameters(random, MAIL_PARAMETERS)}`;
}

function rcpt(random: Random): string {
  const verb = one(random, 'RCPT TO:', 'RCPT TO:', 'RCPT TO:', 'rcpt to: ', 'Rcpt\tTo:');
  const good = ['b@in.test', 'c.d@in.test', 'e@in.test', 'f@ext.test', 'later@in.test'];
  return `${verb}${path(random, good)}${parameters(random, RCPT_PARAMETERS)}`;
}

function content(random: Random): string {
  if (chance(random, 0.5)) return `Subject: good\r\n\r\n${'line\r\n'.repeat(random.whole(0, 3))}.`;
  let text = '';
  for (let left = random.whole(1, 3); left > 0; left--) text += one(random, ...CONTENTS);
  if (chance(random, 0.02)) text += `${'x'.repeat(random.whole(900, 6000))}\r\n`;
  return `${text}.`;
}

/** One or a few lines, usually of one transaction. */
function phrase(random: Random): string[] {
  const kind = random.between(0, 1);
  if (kind < 0.5) {
    const lines = [mail(random)];
    for (let left = random.whole(1, 3); left > 0; left--) lines.push(rcpt(random));
    return [...lines, 'DATA', content(random)];
  }
  if (kind < 0.55) return [mail(random)];
  if (kind < 0.62) return [rcpt(random)];
  if (kind < 0.66) return ['DATA', content(random)];
  if (kind < 0.68) return [`EHLO ${one(random, 'c.test', 'refused.test', '[127.0.0.1]')}`];
  if (kind < 0.8) return [one(random, ...BARE_VERBS)];
  if (kind < 0.98) return [one(random, ...ODD_LINES)];
  return [one(random, ...RARE_LINES)];
}

const ODD_BYTES = '\0\r\n\t\x1b\x7f\x80\xff .<>@:"\\=aZ'.split('');

function mutateLines(random: Random, lines: string[]): void {
  const at = random.whole(0, lines.length - 1);
  const line = lines[at] ?? '';
  switch (random.whole(0, 5)) {
    case 0:
      lines.splice(at, 0, line);
      break;
    case 1:
      lines.splice(at, 1);
      break;
    case 2:
      lines[at] = line.slice(0, random.whole(0, line.length));
      break;
    case 3:
      lines[at] = `${line.split(' ')[0]} ${line}`;
      break;
    case 4:
      lines.push(...lines.splice(at, 1));
      break;
    default: {
      const length = one(random, 505, 512, 1000, 2045, 2046, 2047, 3000);
      lines[at] = line + one(random, ' ', 'x').repeat(Math.max(0, length - line.length));
    }
  }
}

function mutateBytes(random: Random, text: string): string {
  const at = random.whole(0, Math.max(0, text.length - 2));
  const [before, after] = [text.slice(0, at), text.slice(at)];
  switch (random.whole(0, 3)) {
    case 0:
      return before + after.slice(1);
    case 1:
      return before + one(random, ...ODD_BYTES) + after;
    case 2:
      return before + (after[1] ?? '') + (after[0] ?? '') + after.slice(2);
    default:
      return before + one(random, ...ODD_BYTES) + after.slice(1);
  }
}

/** Everything that one client says. */
export function commandStream(random: Random): string {
  const lines = chance(random, 0.9) ? [`${one(random, 'EHLO', 'EHLO', 'helo')} client.test`] : [];
  for (let left = random.whole(1, 6); left > 0; left--) lines.push(...phrase(random));
  if (chance(random, 0.3)) lines.push('QUIT');
  while (chance(random, 0.35)) mutateLines(random, lines);
  let text = lines.join('\r\n') + '\r\n';
  while (chance(random, 0.45)) text = mutateBytes(random, text);
  if (chance(random, 0.0004))
    text += one(random, 'x', '\n', '\r').repeat(140_000) + one(random, '', '\r\nNOOP\r\n');
  return text;
}

/** Cuts a stream into segments: whole, byte by byte, at line ends, or anywhere. */
export function segments(random: Random, text: string): string[] {
  const kind = random.between(0, 1);
  if (kind < 0.3) return [text];
  if (kind < 0.35 && text.length < 1000) return text.split('');
  if (kind < 0.5) return text.split(/(?<=\n)/);
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const size = chance(random, 0.5) ? random.whole(1, 8) : random.whole(1, 400);
    pieces.push(text.slice(at, at + size));
    at += text.length > 10_000 ? size * 300 : size;
    if (text.length > 10_000) pieces[pieces.length - 1] = text.slice(at - size * 300, at);
  }
  return pieces;
}
