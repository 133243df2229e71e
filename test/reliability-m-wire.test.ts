/**
 * Filters that break the rules of the wire: M05, M07, M08, M10, M14 of the reliability tests.
 *
 * Each with tempFailOnError true and false. Whatever the filter does, the client gets one of two outcomes, nothing half-done
 * is delivered, and when the filter behaves again the mail is filtered again.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { WANTS_ALL, frame } from './support/house.ts';
import {
  CONTENT,
  at,
  canary,
  failures,
  faultReply,
  inStep,
  processScene,
  scene,
  send,
  untraced,
  walk,
  type Letter,
  type Scene,
  type Walk,
} from './support/scene.ts';
import { CONTINUE, ScriptedFilter, addHeader, type Peer, type Script } from './support/scripted-filter.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const POLICIES = [true, false];

/** Four bytes, big endian, as a byte string. */
const uint32 = (n: number): string =>
  String.fromCharCode((n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);

/** An option reply. */
const choice = (version: number, actions: number, protocol: number, tail = ''): string =>
  frame('O', uint32(version) + uint32(actions) + uint32(protocol) + tail);

/** What the client of a faulty filter sees and what the next hop gets of it: everything as sent, or nothing. */
async function judged(
  s: Scene,
  w: Walk,
  policy: boolean,
  content = CONTENT,
  recipients: readonly string[] = ['b@in.test'],
): Promise<void> {
  faultReply(w, policy);
  await inStep(w.session);
  if (policy) {
    assert.deepEqual(s.taken, []);
    assert.deepEqual(s.noticed('message.accepted'), [], 'what was refused is not in the spool');
  } else {
    const [came] = await until('the message', 3000, () => s.taken.length > 0 && s.taken);
    assert.equal(untraced(came!.content), content);
    assert.equal(came!.sender, 'a@out.test');
    assert.deepEqual(came!.recipients, recipients);
    assert.deepEqual(
      s.noticed('message.accepted').map((n) => n.fields['held']),
      [undefined],
    );
  }
  await w.session.quit();
}

/** One message through a faulty filter, then the canary. Returns the failures that were noticed. */
async function faulty(
  cleanup: Cleanup,
  script: Script,
  policy: boolean,
  content = CONTENT,
): Promise<string[]> {
  const filter = await ScriptedFilter.start(cleanup, script);
  const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
  const w = await walk(cleanup, s.port, { content });
  await judged(s, w, policy, content);
  const found = failures(s);
  assert.ok(found.length > 0, 'the failure is noticed and counted');
  filter.mend();
  await canary(cleanup, s, policy);
  return found;
}

const LIMIT = 1 << 20;
/** Bytes that are no answer, and as what the failure counts. */
const RUBBISH: readonly (readonly [what: string, act: (peer: Peer) => void, kind: RegExp])[] = [
  ['a length of zero', (p) => p.write(uint32(0)), /frame_invalid/],
  ['an unknown code', (p) => p.write(frame('!')), /unexpected_reply/],
  ['a length above the limit', (p) => p.write(uint32(LIMIT + 1)), /frame_too_large/],
  ['a length of 2^31 - 1', (p) => p.write(uint32(0x7fffffff)), /frame_too_large/],
  ['a length of 2^32 - 1', (p) => p.write('\xff\xff\xff\xff'), /frame_too_large/],
  [
    'a length of 10, three bytes, and the end',
    (p) => void p.socket.end(`${uint32(10)}abc`, 'latin1'),
    /disconnected/,
  ],
  // The first byte is set, or the length could be a legal one and more would be waited for.
  [
    '4 kB of random bytes',
    (p) => p.write(`\xf0${randomBytes(4095).toString('latin1')}`),
    /frame_too_large|not_a_milter/,
  ],
  ['an answer in HTTP', (p) => p.write('HTTP/1.1 400 Bad Request\r\n\r\n'), /not_a_milter/],
];

for (const policy of POLICIES)
  test(`M05 bytes that are no frames, tempFailOnError=${policy}: fault reply at once, memory bounded`, async (t) => {
    const cleanup = new Cleanup(t);
    const filter = await ScriptedFilter.start(cleanup, {});
    const s = await processScene(cleanup, [at(filter, { tempFailOnError: policy, maxResponseSize: LIMIT })]);
    filter.mend();
    // Memory grows by itself until the code is warm and the first collections are over.
    await many(cleanup, s, 300);
    for (const [what, act, kind] of RUBBISH) {
      for (const letter of ['M', 'E']) {
        const before = await s.rss();
        await s.forgetPeak();
        const count = s.noticed('milter.failed').length;
        filter.play({ [letter]: (peer) => act(peer) });
        const w = await walk(cleanup, s.port);
        assert.ok(Math.max(...w.steps.map((x) => x.ms)) < 1000, `${what}: answered at once`);
        assert.equal(faultReply(w, policy).at, policy && letter === 'M' ? 'mail' : 'end', what);
        await inStep(w.session);
        await w.session.quit();
        const failed = await until('the failure to be logged', 1000, () => {
          const all = s.noticed('milter.failed');
          return all.length > count && all.at(-1);
        });
        assert.match(String(failed.fields['kind']), kind, what);
        const grown = (await s.peak()) - before;
        assert.ok(grown < 8 << 20, `${what}: memory grew by ${(grown / (1 << 20)).toFixed(1)} MiB`);
        filter.mend();
        await canary(cleanup, s, policy);
      }
    }
    assert.deepEqual(s.gateway.strayLines, []);
  });

/** Many messages in one session, all taken. */
async function many(cleanup: Cleanup, s: Scene, count: number): Promise<void> {
  const session = await SmtpSession.greeted(s.port);
  cleanup.after(() => session.drop());
  for (let i = 0; i < count; i += 1) {
    const last = (await send(session)).at(-1)!;
    assert.equal(`${last.at} ${last.reply.code}`, 'end 250');
  }
  await session.quit();
  await until('all of them at the next hop', 5000, () => s.taken.length >= count);
}

/** Larger than two chunks, so that the filter can go in the middle. */
const LARGE = CONTENT + 'a line of the body that is said again and again\r\n'.repeat(4000);

const POINTS: readonly (readonly [what: string, letter: string, said: string])[] = [
  ['right after the negotiation', 'O', WANTS_ALL],
  ['after its answer to MAIL', 'M', CONTINUE],
  ['in the middle of BODY', 'B', ''],
  ['after EOM before any answer', 'E', ''],
  ['after one ADDHEADER', 'E', addHeader('X-Half', '1')],
  [
    'in the middle of a series of REPLBODY',
    'E',
    frame('b', 'x'.repeat(65_535)) + frame('b', 'y'.repeat(65_535)),
  ],
  ['in the middle of a frame', 'E', addHeader('X-Half', '1') + frame('b', 'z'.repeat(1000)).slice(0, 500)],
];

describe('M07 a filter that goes away', { concurrency: 8 }, () => {
  for (const policy of POLICIES)
    for (const how of ['FIN', 'RST'] as const)
      for (const [what, letter, said] of POINTS)
        test(`M07 a filter goes away by ${how} ${what}, tempFailOnError=${policy}`, async (t) => {
          const leave = (peer: Peer): void => {
            if (peer.socket.destroyed) return;
            if (how === 'FIN') peer.socket.end(said, 'latin1');
            else peer.socket.write(said, 'latin1', () => peer.socket.resetAndDestroy());
          };
          const found = await faulty(new Cleanup(t), { [letter]: leave }, policy, LARGE);
          assert.match(found[0]!, /^f (disconnected|negotiation)$/);
        });
});

const LISTS = { known: 2, unknown: 77 };
const NEGOTIATIONS: readonly (readonly [what: string, said: string])[] = [
  ['version 0', choice(0, 0, 0)],
  ['version 1', choice(1, 0, 0)],
  ['version 7', choice(7, 0, 0)],
  ['version 2^32 - 1', choice(0xffffffff, 0, 0)],
  ['a payload of 11 bytes', frame('O', '\0\0\0\x06\0\0\0\0\0\0\0')],
  ['actions that were not offered', choice(6, 0x1000, 0)],
  ['another answer than OPTNEG', CONTINUE],
  ['OPTNEG twice', WANTS_ALL + WANTS_ALL],
  ['a symbol list without NUL', choice(6, 0x1ff, 0, `${uint32(LISTS.known)}i j`)],
  ['a symbol list of 64 kB', choice(6, 0x1ff, 0, `${uint32(LISTS.known)}${'{abc} '.repeat(11_000)}\0`)],
];

describe('M08 a negotiation that is none', { concurrency: 8 }, () => {
  for (const policy of POLICIES) {
    for (const [what, said] of NEGOTIATIONS)
      test(`M08 a filter negotiates with ${what}, tempFailOnError=${policy}`, async (t) => {
        await faulty(new Cleanup(t), { O: said }, policy);
      });
    test(`M08 a filter sends a second OPTNEG in place of an answer, tempFailOnError=${policy}`, async (t) => {
      await faulty(new Cleanup(t), { C: WANTS_ALL }, policy);
    });
  }
});

for (const policy of POLICIES)
  for (const [what, said] of [
    ['version 2', choice(2, 0x3f, 0)],
    ['version 3', choice(3, 0x3f, 0)],
    ['version 4', choice(4, 0x3f, 0)],
    ['version 5', choice(5, 0x3f, 0)],
    ['version 6', choice(6, 0x1ff, 0)],
    [
      'a symbol list that names an unknown stage',
      choice(6, 0x1ff, 0, `${uint32(LISTS.unknown)}{x}\0${uint32(LISTS.known)}i\0`),
    ],
  ] as const)
    test(`M08 a filter negotiates with ${what}, tempFailOnError=${policy}: it works`, async (t) => {
      const cleanup = new Cleanup(t);
      const filter = await ScriptedFilter.start(cleanup, {
        O: said,
        E: addHeader('X-Filter-Marker', 'old') + CONTINUE,
      });
      const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
      await canary(cleanup, s, policy, 5000, 'old');
      assert.deepEqual(failures(s), []);
    });

const EVERYTHING = 0x1ff;
/** Kinds of change: the rights one of which it needs, and the frame. */
const CHANGES: readonly (readonly [what: string, right: number, said: string])[] = [
  ['adds a header', 0x01, addHeader('X-Half', '1')],
  ['inserts a header', 0x01 | 0x10, frame('i', `${uint32(0)}X-Half\x001\0`)],
  ['changes a header', 0x10, frame('m', `${uint32(1)}Subject\0two\0`)],
  ['adds a recipient', 0x04 | 0x80, frame('+', '<c@in.test>\0')],
  ['adds a recipient with arguments', 0x04 | 0x80, frame('2', '<c@in.test>\0NOTIFY=NEVER\0')],
  ['deletes a recipient', 0x08, frame('-', '<b@in.test>\0')],
  ['changes the sender', 0x40, frame('e', '<z@out.test>\0')],
  ['replaces the body', 0x02, frame('b', 'another body\r\n')],
  ['quarantines', 0x20, frame('q', 'because\0')],
];

describe('M10 changes that were not negotiated', { concurrency: 8 }, () => {
  for (const policy of POLICIES)
    for (const [what, right, said] of CHANGES)
      test(`M10 a filter ${what} without the right to, tempFailOnError=${policy}: nothing of it is done`, async (t) => {
        const found = await faulty(
          new Cleanup(t),
          { O: choice(6, EVERYTHING & ~right, 0), E: addIfAllowed(right) + said + CONTINUE },
          policy,
        );
        assert.deepEqual(found, ['f action_not_granted']);
      });
});

/** A legal change before the illegal one, to see that it is not done either. */
const addIfAllowed = (missing: number): string => ((missing & 0x01) === 0 ? addHeader('X-Half', '1') : '');

const OUT_OF_PLACE: readonly (readonly [what: string, letter: string, said: string])[] = [
  ['SKIP at MAIL, not negotiated', 'M', frame('s')],
  ['DISCARD at CONNECT', 'C', frame('d')],
  ['DISCARD at HELO', 'H', frame('d')],
  ['ACCEPT with four bytes', 'M', frame('a', 'four')],
  ['CONTINUE with a byte', 'R', frame('c', 'x')],
  ['an unknown letter', 'T', frame('Z')],
  ['OPTNEG at RCPT', 'R', WANTS_ALL],
  ['ADDHEADER at MAIL', 'M', addHeader('X-Half', '1') + CONTINUE],
  ['ADDRCPT at DATA', 'T', frame('+', '<c@in.test>\0') + CONTINUE],
  ['DELRCPT at RCPT', 'R', frame('-', '<b@in.test>\0') + CONTINUE],
  ['REPLBODY at BODY', 'B', frame('b', 'another body\r\n') + CONTINUE],
  ['CHGHEADER at HEADER', 'L', frame('m', `${uint32(1)}Subject\0two\0`) + CONTINUE],
  ['CHGFROM at EOH', 'N', frame('e', '<z@out.test>\0') + CONTINUE],
  ['QUARANTINE at RCPT', 'R', frame('q', 'because\0') + CONTINUE],
  ['two answers to MAIL', 'M', CONTINUE + CONTINUE],
];

describe('M14 verdicts out of place', { concurrency: 8 }, () => {
  for (const policy of POLICIES)
    for (const [what, letter, said] of OUT_OF_PLACE)
      test(`M14 ${what}, tempFailOnError=${policy}`, async (t) => {
        const found = await faulty(new Cleanup(t), { [letter]: said }, policy);
        assert.match(found[0]!, /^f (unexpected_reply|frame_invalid)$/);
      });

  for (const policy of POLICIES)
    test(`M14 CONN_FAIL is no fault but an order: 421 and close, tempFailOnError=${policy}`, async (t) => {
      const cleanup = new Cleanup(t);
      const filter = await ScriptedFilter.start(cleanup, { M: frame('f') });
      const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
      const { session, last } = await walk(cleanup, s.port);
      assert.match(`${last.at} ${last.reply.lines.join(' / ')}`, /^mail 421 4\.7\.1 /);
      await assert.rejects(session.command('NOOP'));
      assert.deepEqual(s.taken, []);
      filter.mend();
      await canary(cleanup, s, policy);
    });

  for (const policy of POLICIES)
    test(`M14 an answer that nobody asked for, between two messages, tempFailOnError=${policy}`, async (t) => {
      const cleanup = new Cleanup(t);
      const filter = await ScriptedFilter.start(cleanup, {});
      filter.mend();
      const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
      const letter: Letter = { sender: 'one@out.test' };
      const { session, last } = await walk(cleanup, s.port, letter);
      assert.equal(last.reply.code, 250);
      filter.peers[0]!.write(CONTINUE);
      await until('the gateway to drop that connection', 2000, () => filter.open === 0);
      await inStep(session);
      const again = (await send(session, { sender: 'two@out.test' })).at(-1)!;
      assert.equal(`${again.at} ${again.reply.code}`, 'end 250', again.reply.text);
      const second = await until('the second', 3000, () => s.taken.find((m) => m.sender === 'two@out.test'));
      assert.match(second.content, /^X-Filter-Marker: good\r$/m);
      await session.quit();
      await canary(cleanup, s, policy);
    });
});
