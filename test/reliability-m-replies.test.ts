/**
 * Reply texts of filters: M11, M12, M13 of the reliability tests.
 *
 * Whatever text a filter sends, the client sees one well-formed refusal with nothing expanded in it, or the fault reply; the
 * next command gets its own reply. Each with tempFailOnError true and false.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { frame } from './support/house.ts';
import {
  at,
  canary,
  failures,
  faultReply,
  inStep,
  processScene,
  scene,
  walk,
  type Step,
} from './support/scene.ts';
import { ScriptedFilter } from './support/scripted-filter.ts';
import type { Reply } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const POLICIES = [true, false];
const PLACES = [
  ['M', 'MAIL', 'mail'],
  ['R', 'RCPT', 'rcpt'],
  ['T', 'DATA', 'data'],
  ['E', 'EOM', 'end'],
] as const;
/** Longest line of a reply without CRLF (RFC 5321 4.5.3.1.5). */
const LONGEST = 510;

/** One reply of one code, 4yz or 5yz, every line short enough and without a control character. */
function wellFormed({ code, lines }: Reply): void {
  assert.ok(code >= 400 && code <= 599, String(code));
  for (const [i, line] of lines.entries()) {
    const last = i === lines.length - 1;
    assert.ok(line.startsWith(`${code}${last ? ' ' : '-'}`), line.slice(0, 80));
    assert.ok(line.length <= LONGEST, `a line of ${line.length} bytes`);
    assert.doesNotMatch(line, /[\x00-\x1f\x7f]/);
  }
}

/** A filter answers with a payload of REPLYCODE; `check` judges the reply. `fault`: it is none, the policy decides. */
async function replied(
  cleanup: Cleanup,
  [letter, , step]: (typeof PLACES)[number],
  payload: string,
  policy: boolean,
  fault: boolean,
  check: (reply: Reply) => void,
): Promise<void> {
  const filter = await ScriptedFilter.start(cleanup, { [letter]: frame('y', payload) });
  const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
  const w = await walk(cleanup, s.port);
  if (fault) {
    faultReply(w, policy);
    assert.equal(failures(s).length, 1, failures(s).join());
  } else {
    assert.equal(w.last.at, step satisfies Step['at']);
    assert.deepEqual(failures(s), []);
  }
  if (w.last.reply.code >= 400) {
    wellFormed(w.last.reply);
    assert.deepEqual(s.taken, []);
  }
  if (!fault) check(w.last.reply);
  await inStep(w.session);
  await w.session.quit();
  filter.mend();
  await canary(cleanup, s, policy);
}

/** What it is, the payload, and what the client reads; null: no reply, so a fault of the filter. */
const SMUGGLERS: readonly (readonly [what: string, payload: string, reads: RegExp | null])[] = [
  ['a second reply behind CRLF', '550 5.7.1 no\r\n250 2.0.0 ok\0', null],
  ['a second reply behind LF', '550 x\n250 y\0', /^550 x 250 y$/],
  ['a second reply behind CR', '550 x\r250 y\0', /^550 x 250 y$/],
  ['lines with different codes', '550-a\r\n551 b\0', null],
  ['a last line that promises more', '550-a\r\n550-b\0', /^550-a\|550 b$/],
  ['a NUL inside', '550 5.7.1 a\0b\0', null],
  ['no NUL at the end', '550 5.7.1 a', null],
  ['100 kB of text', `550 5.7.1 ${'a word or two '.repeat(7200)}\0`, /^550-5\.7\.1 a word/],
  ['8-bit text', '550 5.7.1 gr\xc3\xbc\xc3\x9fe \xff\xfe\0', /^550 5\.7\.1 gr/],
];

describe('M11 reply texts with more than one reply in them', { concurrency: 8 }, () => {
  for (const policy of POLICIES)
    for (const [what, payload, reads] of SMUGGLERS)
      for (const place of PLACES)
        test(`M11 ${what}, at ${place[1]}, tempFailOnError=${policy}`, (t) =>
          replied(new Cleanup(t), place, payload, policy, reads === null, (reply) =>
            assert.match(reply.lines.join('|'), reads!),
          ));
});

/** Texts that are a bare code or no reply at all, and what the client reads of the former. */
const CODES: readonly (readonly [text: string, reads: RegExp | null])[] = [
  ['250 ok', null],
  ['350 x', null],
  ['650 x', null],
  ['55', null],
  ['5', null],
  ['', null],
  ['abc', null],
  ['550', /^550 \S.*$/],
  ['550 ', /^550 \S.*$/],
  ['550 5.7.2', /^550 5\.7\.2 \S.*$/],
  ['450', /^450 \S.*$/],
  ['550 4.7.1 x', null],
  ['550 2.7.1 x', null],
  ['999 9.9.9 x', null],
];

describe('M12 reply texts that are no refusal', { concurrency: 8 }, () => {
  for (const policy of POLICIES)
    for (const [text, reads] of CODES)
      for (const place of [PLACES[0], PLACES[3]])
        test(`M12 ${JSON.stringify(text)} at ${place[1]}, tempFailOnError=${policy}`, (t) =>
          replied(new Cleanup(t), place, `${text}\0`, policy, reads === null, (reply) =>
            assert.match(reply.lines.join('|'), reads!),
          ));
});

/** What a filter says, and what of it the client reads. */
const LITERAL: readonly (readonly [said: string, read: string])[] = [
  ['100%', '100%'],
  ['100%%', '100%'],
  ['%s%n%%', '%s%n%'],
  ['%d %x %p %i', '%d %x %p %i'],
  ['%{x}', '%{x}'],
  ['${7*7}', '${7*7}'],
  ['$(id) `id`', '$(id) `id`'],
  ['{{x}}', '{{x}}'],
  ['<script>alert(1)</script>', '<script>alert(1)</script>'],
  ['a \x1b[31mred\x1b[0m alarm\x07', 'a [31mred[0m alarm'],
  ['line\xe2\x80\xa8separator', 'line\xe2\x80\xa8separator'],
  ['"},{"event":"forged"', '"},{"event":"forged"'],
];

for (const policy of POLICIES)
  test(`M13 reply texts are sent literally and logged in one line each, tempFailOnError=${policy}`, async (t) => {
    const cleanup = new Cleanup(t);
    const filter = await ScriptedFilter.start(cleanup, {});
    const s = await processScene(cleanup, [at(filter, { tempFailOnError: policy })], {
      more: { log: { level: 'debug' } },
    });
    for (const letter of ['M', 'R', 'E'])
      for (const [said, read] of LITERAL) {
        filter.play({ [letter]: frame('y', `550 5.7.1 ${said}\0`) });
        const { session, last } = await walk(cleanup, s.port);
        assert.deepEqual(last.reply.lines, [`550 5.7.1 ${read}`]);
        await inStep(session);
        await session.quit();
      }
    const count = 3 * LITERAL.length;
    await until('every verdict to be logged', 3000, () => s.noticed('milter.verdict').length >= count);
    assert.equal(s.noticed('milter.verdict').length, count);
    assert.deepEqual(s.noticed('milter.failed', 'forged'), []);
    assert.deepEqual(s.gateway.strayLines, [], 'every line of the log is one JSON object');
    for (const line of s.gateway.log)
      assert.doesNotMatch(Object.values(line).join(' '), /[\x00-\x1f\x7f\u2028\u2029]/);
    assert.deepEqual(s.taken, []);
    filter.mend();
    await canary(cleanup, s, policy);
  });
