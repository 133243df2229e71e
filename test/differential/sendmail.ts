/**
 * The known differences between Sendmail and Millrace: habits as in habits.ts, and sessions in which the two part ways, by name.
 * Each has a key, which stands in docs/quirks.md.
 */
import { eachPair, namesIn, without, type Draft, type Habit } from './habits.ts';

const inReplies =
  (...changes: readonly (readonly [RegExp, string])[]): Habit['settle'] =>
  (p) => {
    p.replies = p.replies.map((line) => changes.reduce((text, [from, to]) => text.replace(from, to), line));
  };

/** Macro frames of one draft that the other has none of, for commands the filter named no list for. */
function leftOut(p: Draft, m: Draft): void {
  for (const command of 'THN') {
    const frame = (line: string): boolean => line.startsWith(`D ${command}`);
    if (!p.events.some(frame)) m.events = m.events.filter((line) => !frame(line));
  }
}

export const SENDMAIL_HABITS: readonly Habit[] = [
  {
    key: 'completed-header',
    settle(p, m) {
      p.delivered = p.delivered.filter(
        (line) => !/^field (?:Date|Message-Id|From): /.test(line) || m.delivered.includes(line),
      );
    },
  },
  {
    key: 'reply-codes',
    settle: inReplies(
      [/ -> 503 5\.[05]\.0$/, ' -> 503 5.5.1'],
      [/ -> 451 4\.3\.2$/, ' -> 451 4.7.1'],
      [/ -> 252 2\.1\.5$/, ' -> 252 2.0.0'],
      [/ -> 552 5\.2\.3$/, ' -> 552 5.3.4'],
    ),
  },
  {
    key: 'data-without-recipients',
    settle(p, m) {
      p.replies = p.replies.map((line, i) =>
        line === 'DATA -> 503 5.5.1' && m.replies[i] === 'DATA -> 554 5.5.1' ? m.replies[i] : line,
      );
    },
  },
  {
    key: 'recipient-in-words',
    settle: inReplies([/ (\d\.\d\.\d) <b@in\.test>\.\.\. /, ' $1 ']),
  },
  {
    key: 'enhanced-code-added',
    settle: inReplies([/ -> 554 5\.0\.0 the filter/, ' -> 554 the filter']),
  },
  {
    key: 'no-abort-at-the-end',
    settle(p, m) {
      const at = m.events.length - 2;
      if (m.events[at] === 'A' && m.events[at + 1] === 'Q' && p.events.at(-2) !== 'A') m.events.splice(at, 1);
    },
  },
  {
    key: 'mailer-names',
    settle(p) {
      p.events = p.events.map((line) =>
        line
          .replaceAll(/(\{(?:rcpt|mail)_host\}=)\[127\.0\.0\.1\]/g, '$1127.0.0.1')
          .replaceAll(/(\{(?:rcpt|mail)_mailer\}=)esmtp/g, '$1smtp'),
      );
    },
  },
  {
    key: 'null-sender-macros',
    settle(p) {
      p.events = p.events.map((line) =>
        / \{mail_addr\}=( |$)/.test(line)
          ? ['{mail_addr}', '{mail_host}', '{mail_mailer}'].reduce(without, line)
          : line,
      );
    },
  },
  {
    key: 'body-parameter',
    settle(p, m) {
      for (const draft of [p, m])
        draft.delivered = draft.delivered.map((line) => line.replace(/^(MAIL <.*>) BODY=\w+/, '$1'));
    },
  },
  {
    key: 'blanks-before-colon',
    settle(_p, m, { name }) {
      if (name !== 'content: a blank before the colon') return;
      m.delivered = m.delivered.map((line) => line.replace(/^(field [\w-]+)(?: |\\x09):/, '$1:'));
    },
  },
  {
    key: 'default-macro-lists',
    settle(p, m, { script: { macros, actions = 0x1ff } }) {
      if (macros === undefined && (actions & 0x100) !== 0) return;
      leftOut(p, m);
      eachPair(p, m, (pAt, mAt) => {
        const [ps, ms] = [namesIn(p.events[pAt]!), namesIn(m.events[mAt]!)];
        const sorted = (line: string): string =>
          [
            line.slice(0, 3),
            ...line
              .slice(4)
              .split(/ (?=\S+=)/)
              .toSorted(),
          ].join(' ');
        p.events[pAt] = sorted(ps.filter((n) => !ms.includes(n)).reduce(without, p.events[pAt]!));
        m.events[mAt] = sorted(ms.filter((n) => !ps.includes(n)).reduce(without, m.events[mAt]!));
      });
      // The names that are left may have lost the first appearance of an id.
      for (const draft of [p, m]) {
        const ids = new Map<string, number>();
        draft.events = draft.events.map((line) =>
          line.replaceAll(/<id \d+>/g, (id) => {
            if (!ids.has(id)) ids.set(id, ids.size + 1);
            return `<id ${ids.get(id)}>`;
          }),
        );
      }
    },
  },
];

/** Sessions that go another way. */
export interface Apart {
  readonly key: string;
  readonly scenarios: RegExp;
}

export const SENDMAIL_APART: readonly Apart[] = [
  { key: 'helo-first', scenarios: /^no greeting$/ },
  { key: 'refused-recipients-untold', scenarios: /^refused recipients for a filter that wants them$/ },
  { key: 'smtputf8', scenarios: /^(?:SMTPUTF8|8-bit addresses without SMTPUTF8)$/ },
  { key: 'brackets-required', scenarios: /^addresses without brackets$/ },
  { key: 'size-while-streaming', scenarios: /^a size above the limit$/ },
  { key: 'unknown-once', scenarios: /^an unknown command$/ },
  {
    key: 'trace-fields-dropped',
    scenarios: /^(?:content: fields that Postfix drops|edit: add Bcc and Return-Path)$/,
  },
  { key: 'size-of-nothing', scenarios: /^content: nothing at all$/ },
  { key: 'mbox-line', scenarios: /^content: mbox From line$/ },
  { key: 'nul-refused', scenarios: /^content: a NUL in the / },
  {
    key: 'long-lines-broken',
    scenarios: /long lines$|^edit: (?:add a very long field|replace the body by a long one)$/,
  },
  { key: 'bare-line-ends-refused', scenarios: /^content: bare / },
  { key: 'refused-connection', scenarios: /^verdict: (?:421|reject|5yz|4yz) at connect$/ },
  { key: 'refused-helo', scenarios: /^verdict: (?:reject|tempfail|5yz|4yz) at helo$/ },
  { key: 'discard-of-a-connection', scenarios: /^verdict: discard at (?:connect|helo)$/ },
  { key: 'discard-on-unknown', scenarios: /^verdict: discard at unknown$/ },
  { key: 'skip-outside-the-body', scenarios: /^verdict: skip at (?!body)/ },
  { key: 'shutdown', scenarios: /^verdict: shutdown at / },
  { key: 'progress-before-the-end', scenarios: /^verdict: progress at (?!end)/ },
  { key: 'abort-after-refused-data', scenarios: /^verdict: (?:reject|tempfail|discard|5yz|4yz) at data$/ },
  { key: 'words-on-each-line', scenarios: /^verdict: lines at rcpt$/ },
  { key: 'lone-percent', scenarios: /^verdict: a lone percent sign at / },
  { key: 'bad-reply', scenarios: /^verdict: (?:other enhanced class|a bad reply) at / },
  { key: 'failed-filter', scenarios: /^verdict: (?:an unknown frame|a frame of another kind) at / },
  {
    key: 'added-before-its-name',
    scenarios: /^edit: (?:add a field of a name that is there|change beyond the count)$/,
  },
  { key: 'line-ends-in-values', scenarios: /^edit: add a field with (?:CRLF folds|a line that is no fold)$/ },
  {
    key: 'illegal-edits',
    scenarios:
      /^edit: (?:add a field whose name has a colon|add a field without a name|change a field without a name|insert at 2147483648|change number 2147483648)$/,
  },
  { key: 'insert-positions', scenarios: /^edit: insert at 3$/ },
  { key: 'name-spelling-kept', scenarios: /^edit: change in another case$/ },
  { key: 'deleted-fields-count', scenarios: /^edit: delete and change the second$/ },
  { key: 'unknown-recipient-parameters', scenarios: /^edit: add a recipient with unknown parameters$/ },
  { key: 'recipient-domain-case', scenarios: /^edit: delete a recipient, domain in another case$/ },
];
