/**
 * Habits: known differences between Postfix and Millrace that show beside much that is equal. Each takes its own difference out
 * of two transcripts, and nothing else; what is left must be equal. Each has a key, which stands in docs/quirks.md.
 *
 * See cases.ts for sessions in which the two part ways.
 */
import type { Scenario } from './scenario.ts';
import type { Transcript } from './transcript.ts';

/** A transcript to work on. */
export interface Draft {
  replies: string[];
  events: string[];
  delivered: string[];
  held: number;
}

export const draftOf = (t: Transcript): Draft => ({
  replies: [...t.replies],
  events: [...t.events],
  delivered: [...t.delivered],
  held: t.held,
});

/** One such difference. */
export interface Habit {
  readonly key: string;
  /** Takes the difference out of Postfix's transcript, of Millrace's, or of both. */
  settle(postfix: Draft, millrace: Draft, scenario: Scenario): void;
}

/** Removes a macro from a line of macros; its value ends where the next name begins. */
export const without = (line: string, name: string): string =>
  line.replace(new RegExp(` ${name.replace(/[{}]/g, '\\$&')}=.*?(?= (?:\\{\\w+\\}|\\w)=|$)`), '');

export const namesIn = (line: string): string[] => [...line.matchAll(/ (\{\w+\}|\w)=/g)].map((m) => m[1]!);

/** Calls `both` with the indexes of the nth macro lines for the same command. */
export function eachPair(p: Draft, m: Draft, both: (pAt: number, mAt: number) => void): void {
  const places = new Map<string, number[]>();
  for (const [at, line] of p.events.entries())
    if (line.startsWith('D ')) places.set(line[2]!, [...(places.get(line[2]!) ?? []), at]);
  for (const [at, line] of m.events.entries()) {
    const other = line.startsWith('D ') ? places.get(line[2]!)?.shift() : undefined;
    if (other !== undefined) both(other, at);
  }
}

/** Numbers queue ids anew, in order of appearance. */
function renumber(draft: Draft): void {
  const ids = new Map<string, number>();
  draft.events = draft.events.map((line) =>
    line.replace(/<id \d+>/g, (id) => {
      if (!ids.has(id)) ids.set(id, ids.size + 1);
      return `<id ${ids.get(id)}>`;
    }),
  );
}

const RCPT_B = 'RCPT <b@in.test>';

export const HABITS: readonly Habit[] = [
  {
    key: 'macros-at-every-event',
    settle(p) {
      p.events = p.events.filter((line) => !/^D [LBU]/.test(line));
    },
  },
  {
    key: 'queue-id-from-mail',
    settle(p, m) {
      eachPair(p, m, (pAt, mAt) => {
        if ('MR'.includes(p.events[pAt]![2]!) && !namesIn(p.events[pAt]!).includes('i'))
          m.events[mAt] = without(m.events[mAt]!, 'i');
      });
      renumber(m);
    },
  },
  {
    // One after each message and one at the end of the connection, whether the filter is in a message or not.
    key: 'superfluous-abort',
    settle(p, _m, { decides }) {
      let open = false;
      let decided = false;
      p.events = p.events.filter((line) => {
        if (line === 'A' && !open) return false;
        if (line.startsWith('M ')) open = true;
        else if (line === 'A' || line.startsWith('E')) open = false;
        if (!decided && line[0] === decides) [open, decided] = [false, true];
        return true;
      });
    },
  },
  {
    // A greeting in mid transaction: Postfix tells it first and resets then.
    key: 'abort-before-helo',
    settle(p, m) {
      for (let at = m.events.indexOf('A'); at !== -1; at = m.events.indexOf('A', at + 1)) {
        const [macros, helo] = m.events.slice(at + 1);
        if (!macros?.startsWith('D H') || !helo?.startsWith('H ')) continue;
        if (p.events[at] === macros && p.events[at + 1] === helo && p.events[at + 2] === 'A')
          p.events.splice(at, 3, 'A', macros, helo);
      }
    },
  },
  {
    key: 'daemon-name',
    settle(p) {
      p.events = p.events.map((line) => line.replace('{daemon_name}=mx.test', '{daemon_name}=smtp'));
    },
  },
  {
    key: 'mailer-names',
    settle(p) {
      p.events = p.events.map((line) =>
        line
          .replace(/(\{(?:rcpt|mail)_host\}=)\[127\.0\.0\.1\]:\d+/, '$1127.0.0.1')
          .replace(/(\{(?:rcpt|mail)_mailer\}=)relay/, '$1smtp'),
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
    key: 'orcpt-added',
    settle(p, m) {
      p.delivered = p.delivered.map((line) => {
        const [, bare, rest] = /^(RCPT <.*>) ORCPT=rfc822;\S+(.*)$/.exec(line) ?? [];
        return bare !== undefined && m.delivered.includes(bare + rest) ? bare + rest : line;
      });
    },
  },
  {
    key: 'unknown-command-code',
    settle(p) {
      p.replies = p.replies.map((line) => line.replace(/ -> 500 5\.5\.2$/, ' -> 500 5.5.1'));
    },
  },
  {
    key: 'unknown-command-whole',
    settle(p, m) {
      const whole = m.events.filter((line) => line.startsWith('U '));
      p.events = p.events.map((line) => {
        if (!line.startsWith('U ')) return line;
        const other = whole.shift();
        return other?.startsWith(line.replace('\\x00', ' ')) ? other : line;
      });
    },
  },
  {
    key: 'recipient-macro-case',
    settle(p, m) {
      eachPair(p, m, (pAt, mAt) => {
        const macro = (line: string): string => / \{rcpt_addr\}=\S+/.exec(line)?.[0] ?? '';
        const [ours, theirs] = [macro(m.events[mAt]!), macro(p.events[pAt]!)];
        if (ours !== theirs && ours.toLowerCase() === theirs)
          p.events[pAt] = p.events[pAt]!.replace(theirs, ours);
      });
    },
  },
  {
    key: 'quit-after-decision',
    settle(p, m) {
      if (!p.events.includes('Q') && m.events.at(-1) === 'Q') m.events.pop();
    },
  },
  {
    key: 'shutdown-code',
    settle(p) {
      p.replies = p.replies.map((line) => line.replace(/ -> 421 4\.7\.0$/, ' -> 421 4.7.1'));
    },
  },
  {
    key: 'greeting-words',
    settle(p, m) {
      const [ours = '', theirs = ''] = [m.replies[0], p.replies[0]];
      if (/^connect -> [45]\d\d$/.test(theirs) && ours.startsWith(theirs)) p.replies[0] = ours;
    },
  },
  {
    key: 'refused-content-code',
    settle(p, m) {
      p.replies = p.replies.map((line, i) =>
        line === 'content -> 550 5.7.1' && m.replies[i] === 'content -> 554 5.7.1' ? m.replies[i] : line,
      );
    },
  },
  {
    key: 'lone-percent',
    settle(p) {
      p.replies = p.replies.map((line) => line.replace('100 sure', '100% sure'));
    },
  },
  {
    key: 'unknown-while-refused',
    settle(p, m) {
      p.replies = p.replies.map((line, i) =>
        /^FOO -> 4/.test(line) && m.replies[i] === 'FOO -> 500 5.5.1' ? m.replies[i] : line,
      );
    },
  },
  {
    key: 'data-without-recipients',
    settle(p, m) {
      p.replies = p.replies.map((line, i) =>
        line === 'DATA -> 554 5.5.1' && m.replies[i] === 'DATA -> 503 5.5.1' ? m.replies[i] : line,
      );
    },
  },
  {
    key: 'body-7bit-dropped',
    settle(p) {
      p.delivered = p.delivered.map((line) => line.replace(/^(MAIL .*) BODY=7BIT/, '$1'));
    },
  },
  {
    key: 'added-recipient-there',
    settle(p, m, { name }) {
      if (name !== 'edit: add a recipient that is there') return;
      const again = p.delivered.indexOf(RCPT_B, p.delivered.indexOf(RCPT_B) + 1);
      if (again !== -1 && m.delivered.filter((line) => line === RCPT_B).length === 1)
        p.delivered.splice(again, 1);
    },
  },
  {
    key: 'recipient-domain-case',
    settle(p, m, { name }) {
      if (name !== 'edit: delete a recipient, domain in another case') return;
      const left = p.delivered.findIndex((line) => line.startsWith('RCPT <c@in.test>'));
      if (left !== -1 && !m.delivered.some((line) => line.startsWith('RCPT <c@in.test>')))
        p.delivered.splice(left, 1);
    },
  },
  {
    key: 'blank-line-written',
    settle(p, m) {
      p.delivered = p.delivered.map((line, i) =>
        line === 'no blank line' && m.delivered[i] === 'body ' ? 'body ' : line,
      );
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
    key: 'fields-dropped',
    settle(_p, m, { name }) {
      if (name !== 'content: fields that Postfix drops') return;
      m.events = m.events.filter((line) => !/^L (?:Bcc|Return-Path|Content-Length)\\x00/.test(line));
      m.delivered = m.delivered.filter((line) => !/^field (?:Bcc|Return-Path|Content-Length):/.test(line));
    },
  },
  {
    key: 'cr-in-values',
    settle(p) {
      p.delivered = p.delivered.map((line) => line.replace('\\x0d\\r\\n', '\\r\\n'));
    },
  },
  {
    key: 'default-macro-lists',
    settle(p, m, { script: { macros, actions = 0x1ff } }) {
      if (macros === undefined && (actions & 0x100) !== 0) return;
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
    },
  },
];
