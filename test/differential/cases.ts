/**
 * Cases: sessions in which Postfix and Millrace are known to part ways, so that there is nothing to compare from there on. Each
 * names a line of either side that proves it, and a key, which stands in docs/quirks.md.
 */

/** One such difference. */
export interface Case {
  readonly key: string;
  readonly scenarios: readonly string[];
  /** A line of any part of the transcript. */
  readonly postfix: RegExp;
  readonly millrace: RegExp;
}

const content = (...names: string[]): string[] => names.map((name) => `content: ${name}`);
const verdicts = (names: string, stages: string): string[] =>
  names.split('|').flatMap((name) => stages.split(' ').map((stage) => `verdict: ${name} at ${stage}`));

export const CASES: readonly Case[] = [
  {
    key: 'helo-first',
    scenarios: ['no greeting'],
    postfix: /^MAIL FROM:<a@out\.test> -> 250 2\.1\.0$/,
    millrace: /^MAIL FROM:<a@out\.test> -> 503 5\.5\.1$/,
  },
  {
    key: 'utf8-needs-smtputf8',
    scenarios: ['8-bit addresses without SMTPUTF8'],
    postfix: /^MAIL .* -> 250 2\.1\.0$/,
    millrace: /^MAIL .* -> 553 5\.6\.7$/,
  },
  {
    key: 'brackets-required',
    scenarios: ['addresses without brackets'],
    postfix: /^M a@out\.test\\x00$/,
    millrace: /^MAIL .* -> 501 5\.1\.7$/,
  },
  {
    key: 'size-while-streaming',
    scenarios: ['a size above the limit'],
    postfix: /^content -> 552 5\.3\.4$/,
    millrace: /^B x+\.\.\. 65535 bytes/,
  },
  {
    key: 'mbox-line',
    scenarios: content('mbox From line'),
    postfix: /^L X-Mailbox-Line\\x00/,
    millrace: /^B From a@out\.test Mon/,
  },
  {
    key: 'nul-refused',
    scenarios: content('a NUL in the body', 'a NUL in the header'),
    postfix: /^content -> 250 2\.0\.0$/,
    millrace: /^content -> 550 5\.6\.0$/,
  },
  {
    key: 'bare-line-ends-refused',
    scenarios: content('bare LF', 'bare CR'),
    postfix: /^content -> 250 2\.0\.0$/,
    millrace: /^content -> 550 5\.6\.0$/,
  },
  {
    key: 'long-lines-broken',
    scenarios: [
      ...content('long lines', 'very long lines'),
      'edit: add a very long field',
      'edit: replace the body by a long one',
    ],
    postfix: /^(?:body b+\.\.\. (?:1505|5017)|field X: y+\.\.\. 1208|body \d+\.\.\. 120364) bytes/,
    millrace: /^(?:body b+\.\.\. (?:1502|5002)|field X: y+\.\.\. 1205|body \d+\.\.\. 120004) bytes/,
  },
  {
    key: 'empty-macro-list',
    scenarios: ['agreement: an empty list'],
    postfix: /^D C j=/,
    millrace: /^O /,
  },
  {
    key: 'refused-connection',
    scenarios: verdicts('reject|5yz', 'connect'),
    postfix: /^EHLO client\.test -> 250$/,
    millrace: /^EHLO client\.test -> 503 5\.5\.1$/,
  },
  {
    key: 'refused-helo',
    scenarios: verdicts('reject|tempfail|5yz|4yz', 'helo'),
    postfix: /^EHLO client\.test -> 250$/,
    millrace: /^EHLO client\.test -> [45]5\d [45]\.[72]\.[19]/,
  },
  {
    key: 'discard-of-a-connection',
    scenarios: verdicts('discard', 'connect helo'),
    postfix: /^content -> 250 2\.0\.0$/,
    millrace: /^MAIL FROM:<a@out\.test> -> 451 4\.7\.1$/,
  },
  {
    key: 'shutdown-in-content',
    scenarios: verdicts('shutdown', 'header eoh body end'),
    postfix: /^content -> 250 2\.0\.0$/,
    millrace: /^content -> 421 4\.7\.1$/,
  },
  {
    key: 'failed-filter',
    scenarios: verdicts('other enhanced class|a bad reply|an unknown frame', 'rcpt end').concat(
      verdicts('a frame of another kind', 'rcpt'),
    ),
    postfix: /^MAIL FROM:<c@out\.test> -> 451 4\.(?:3\.5|7\.1)$/,
    millrace: /^MAIL FROM:<c@out\.test> -> 250 2\.1\.0$/,
  },
  {
    key: 'verdicts-on-unknown',
    scenarios: verdicts('accept', 'unknown'),
    postfix: /^MAIL FROM:<a@out\.test> -> closed$/,
    millrace: /^QUIT -> 221 2\.0\.0$/,
  },
  {
    key: 'discard-on-unknown',
    scenarios: verdicts('discard', 'unknown'),
    postfix: /^MAIL FROM:<c@out\.test> -> closed$/,
    millrace: /^QUIT -> 221 2\.0\.0$/,
  },
  {
    key: 'illegal-edits',
    scenarios: [
      'edit: add a field whose name has a colon',
      'edit: add a field without a name',
      'edit: insert at 2147483648',
      'edit: change number 2147483648',
    ],
    postfix: /^content -> 250 2\.0\.0$/,
    millrace: /^content -> 451 4\.7\.1$/,
  },
  {
    key: 'illegal-edit-code',
    scenarios: ['edit: change a field without a name'],
    postfix: /^content -> 451 4\.3\.5$/,
    millrace: /^content -> 451 4\.7\.1$/,
  },
  {
    key: 'body-in-a-row',
    scenarios: ['edit: replace the body, interleaved'],
    postfix: /^content -> 451 4\.3\.5$/,
    millrace: /^body new\\r\\nmore\\r\\n$/,
  },
];
