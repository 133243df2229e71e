/**
 * Odd messages: what the world's mailers, broken and hostile ones send as header and body, for tests that compare what a
 * filter saw with what was delivered. The same seed gives the same messages.
 *
 * Contents are byte strings with CRLF line ends but for the kinds that say otherwise; dots at the start of lines are not
 * stuffed. Nothing here depends on the code under test.
 */
import type { Random } from './random.ts';

/** One message. */
export interface OddMessage {
  /** `NUMBER KIND`, for messages of tests. */
  readonly name: string;
  readonly kind: string;
  readonly content: string;
}

type Maker = (r: Random) => string;

const FROM = 'From: <odd@out.test>\r\n';
const WORDS = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta', 'eta', 'theta'];

const word = (r: Random): string => WORDS[r.whole(0, WORDS.length - 1)]!;
const words = (r: Random, least: number, most: number): string =>
  Array.from({ length: r.whole(least, most) }, () => word(r)).join(' ');
const times = (n: number, make: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => make(i)).join('');
const blank = (r: Random): string => times(r.whole(1, 5), () => (r.whole(0, 1) ? ' ' : '\t'));
const bodyOf = (r: Random): string => times(r.whole(1, 6), () => `${words(r, 1, 9)}\r\n`);
/** Bytes 0x80 to 0xff, no UTF-8. */
const high = (r: Random, n: number): string => times(n, () => String.fromCharCode(r.whole(0x80, 0xff)));
/** A message whose header is FROM and these fields. */
const withFields =
  (fields: Maker): Maker =>
  (r) =>
    `${FROM}${fields(r)}\r\n${bodyOf(r)}`;
/** A message with this body. */
const withBody =
  (body: Maker): Maker =>
  (r) =>
    `${FROM}Subject: ${words(r, 1, 4)}\r\n\r\n${body(r)}`;

const folds: Maker = (r) =>
  times(
    r.whole(2, 5),
    (i) => `X-Fold-${i}: ${word(r)}${times(r.whole(1, 6), () => `\r\n${blank(r)}${word(r)}`)}\r\n`,
  );

/** Parameters cut in pieces and encoded (RFC 2231). */
const pieces: Maker = (r) =>
  `Content-Type: application/octet-stream;${times(r.whole(3, 12), (i) => `\r\n\tname*${i}*=utf-8''%E2%82%AC${word(r)};`)}` +
  `\r\n charset*0="us";\r\n charset*1="-ascii"\r\n`;

/** Multiparts in multiparts. */
const nested: Maker = (r) => {
  const depth = 70;
  const open = times(
    depth,
    (i) => `--b${i}\r\nContent-Type: multipart/mixed;\r\n\tboundary="b${i + 1}"\r\n\r\n`,
  );
  const close = times(depth, (i) => `\r\n--b${depth - 1 - i}--\r\n`);
  return `${FROM}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n${open}--b${depth}\r\n\r\n${word(r)}\r\n${close}`;
};

/** By kind, how such a message is made. */
const MAKERS: Readonly<Record<string, Maker>> = {
  'folded fields': withFields(folds),
  'folds of blanks only, with text behind': withFields(
    (r) => `Subject: ${word(r)}\r\n \r\n\t${word(r)}\r\nX-Next: 1\r\n`,
  ),
  'tabs after the colon': withFields(
    (r) => `Subject:\t${word(r)}\r\nX-Two:\t\t${word(r)}\r\nX-Mixed: \t ${word(r)}\r\n`,
  ),
  'no space after the colon': withFields((r) => `Subject:${word(r)}\r\nX-Colon::${word(r)}:\r\n`),
  'several spaces after the colon': withFields((r) => `Subject:   ${word(r)}\r\nX-A: ${word(r)}\r\n`),
  'empty values': withFields(() => 'Subject:\r\nX-Space: \r\nX-Tab:\t\r\nX-Fold:\r\n\t\r\nX-End: 1\r\n'),
  'folded right after the colon': withFields(
    (r) => `Subject:\r\n ${word(r)}\r\nX-Space: \r\n\t${word(r)}\r\n`,
  ),
  'trailing blanks': withFields(
    (r) => `Subject: ${word(r)}${blank(r)}\r\nX-Fold: a${blank(r)}\r\n b${blank(r)}\r\n`,
  ),
  '8-bit': (r) => `${FROM}Subject: ${high(r, 20)}\r\nX-\x21#$%&'*+: odd name\r\n\r\n${high(r, 200)}\r\n`,
  'UTF-8': (r) => `${FROM}Subject: gr\xc3\xbc\xc3\x9fe \xe2\x80\xa8 ${word(r)}\r\n\r\n\xf0\x9f\x93\xa7\r\n`,
  'NUL in the header': withFields((r) => `Subject: ${word(r)}\0${word(r)}\r\n`),
  'NUL in the body': withBody((r) => `${word(r)}\0${word(r)}\r\n`),
  'lone CR in the header': withFields((r) => `Subject: ${word(r)}\r${word(r)}\r\n`),
  'lone CR in the body': withBody((r) => `${word(r)}\r${word(r)}\r\n\r\r\n${word(r)}\r\n`),
  'lone LF in the header': withFields((r) => `Subject: ${word(r)}\nX-Evil: ${word(r)}\r\n`),
  'lone LF in the body': withBody((r) => `${word(r)}\n.\n${word(r)}\n\r\n`),
  'control characters': withFields((r) => `Subject: \x01\x1b[31m${word(r)}\x7f\x08\r\n`),
  'no blank line between header and body': (r) =>
    `${FROM}Subject: ${word(r)}\r\n${words(r, 2, 5)}\r\nnot: a field\r\n`,
  'no blank line and no body': (r) => `${FROM}Subject: ${word(r)}\r\n`,
  'a blank line with spaces': (r) => `${FROM}Subject: ${word(r)}\r\n${blank(r)}\r\n${bodyOf(r)}`,
  'a body that looks like a header': withBody((r) => `Subject: ${word(r)}\r\n folded\r\n\r\nX: y\r\n`),
  'no header': (r) => `\r\n${bodyOf(r)}`,
  'nothing at all': () => '',
  'a first line that is a continuation': (r) => ` ${word(r)}\r\nSubject: ${word(r)}\r\n\r\n${bodyOf(r)}`,
  'a mailbox line first': (r) => `From odd@out.test Sun Nov 22 12:00:00 2026\r\n${FROM}\r\n${bodyOf(r)}`,
  'an empty body': (r) => `${FROM}Subject: ${word(r)}\r\n\r\n`,
  'blank lines as body': withBody((r) => '\r\n'.repeat(r.whole(1, 40))),
  'dots at the start of lines': withBody((r) => `.\r\n..\r\n.${word(r)}\r\n...${word(r)}\r\n \r\n.\r\n`),
  'repeated names': withFields((r) =>
    times(30, (i) => `${i % 2 ? 'X-Same' : 'x-SAME'}: ${i} ${word(r)}\r\n`),
  ),
  'very many fields': withFields((r) => times(900, (i) => `X-${i}: ${word(r)}\r\n`)),
  'a long line in the header': withFields((r) => `X-Long: ${'l'.repeat(r.whole(998, 60_000))}\r\n`),
  'a long folded field': withFields(
    (r) => `References:${times(1500, (i) => `\r\n\t<${i}.${word(r)}@long.test>`)}\r\n`,
  ),
  'long lines in the body': withBody((r) => `${'b'.repeat(r.whole(998, 100_000))}\r\n${word(r)}\r\n`),
  'a body of just more than one frame': withBody((r) => `${'0123456789abcd\r\n'.repeat(4096)}${word(r)}\r\n`),
  'RFC 2231 names over many lines': withFields(pieces),
  '70 levels of MIME': nested,
  'encoded words broken in the middle': withFields(
    (r) => `Subject: =?utf-8?q?${word(r)}\r\n =?=\r\n\t=?b?=?=\r\n`,
  ),
};

/** How a message of this kind is told from others in tests that treat it in a way of its own. */
export type OddKind = keyof typeof MAKERS;

/** `count` messages, all kinds in turn. */
export function oddMessages(random: Random, count: number): OddMessage[] {
  const kinds = Object.entries(MAKERS);
  return Array.from({ length: count }, (_, i) => {
    const [kind, make] = kinds[i % kinds.length]!;
    return { name: `${i + 1} ${kind}`, kind, content: make(random) };
  });
}
