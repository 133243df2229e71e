/**
 * Changes that filters ask for, right and wrong, and orders that end a message: M16, M17, M20, M22, M23 of the reliability tests.
 *
 * Each with tempFailOnError true and false. What the next hop gets is compared byte for byte.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { frame } from './support/house.ts';
import { sameBytes } from './support/outbox.ts';
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
  type Scene,
} from './support/scene.ts';
import { CONTINUE, ScriptedFilter, addHeader, type Peer } from './support/scripted-filter.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const POLICIES = [true, false];

const uint32 = (n: number): string =>
  String.fromCharCode((n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);
const insertHeader = (index: number, name: string, value: string): string =>
  frame('i', `${uint32(index)}${name}\0${value}\0`);
const changeHeader = (index: number, name: string, value: string): string =>
  frame('m', `${uint32(index)}${name}\0${value}\0`);

/** The one message at the next hop with this sender. */
const arrival = (s: Scene, sender: string) =>
  until(`the message from ${sender}`, 5000, () => s.taken.find((m) => m.sender === sender));

const MANY_FIELDS =
  'From: <a@out.test>\r\nX-Same: one\r\nX-Same: two\r\nX-Same:\tthree\r\nX-Gone: away\r\nX-Gone: stays\r\n' +
  'Subject: one\r\n\r\nbody\r\n';
/** Three frames of the greatest size; the cuts fall between CR and LF. */
const PIECE = 65_535;
const NEW_BODY = 'fourteen bytes\r\n'.repeat(Math.ceil((3 * PIECE) / 16)).slice(0, 3 * PIECE - 2) + '\r\n';
const ALL_CHANGES = [
  addHeader('X-Added', 'end'),
  insertHeader(1, 'X-Below', 'one'),
  insertHeader(0, 'X-Top', 'zero'),
  insertHeader(1000, 'X-Far', 'far'),
  changeHeader(2, 'x-same', 'changed'),
  changeHeader(1, 'X-Gone', ''),
  changeHeader(1, 'X-New', 'new'),
  frame('e', '<other@out.test>\0RET=HDRS ENVID=abc\0'),
  frame('+', '<c@in.test>\0'),
  frame('2', '<d@in.test>\0NOTIFY=NEVER\0'),
  frame('-', '<b@in.test>\0'),
  ...[0, 1, 2].map((n) => frame('b', NEW_BODY.slice(n * PIECE, (n + 1) * PIECE))),
];

for (const policy of POLICIES) {
  test(`M16 all kinds of changes at once are made, in order and to the byte, tempFailOnError=${policy}`, async (t) => {
    const cleanup = new Cleanup(t);
    const filter = await ScriptedFilter.start(cleanup, { E: ALL_CHANGES.join('') + CONTINUE });
    const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
    const { session, last } = await walk(cleanup, s.port, {
      recipients: ['b@in.test', 'e@in.test'],
      content: MANY_FIELDS,
    });
    assert.equal(`${last.at} ${last.reply.code}`, 'end 250');
    await session.quit();
    const { content, recipients } = await arrival(s, 'other@out.test');
    assert.deepEqual([...recipients].toSorted(), ['c@in.test', 'd@in.test', 'e@in.test']);
    const top = 'X-Top: zero\r\n';
    assert.ok(content.startsWith(top), content.slice(0, 200));
    sameBytes(
      untraced(content.slice(top.length)),
      'X-Below: one\r\nFrom: <a@out.test>\r\nX-Same: one\r\nx-same: changed\r\nX-Same:\tthree\r\n' +
        'X-Gone: stays\r\nSubject: one\r\nX-Added: end\r\nX-Far: far\r\nX-New: new\r\n\r\n' +
        NEW_BODY,
    );
    assert.equal(s.taken.length, 1);
    assert.deepEqual(failures(s), []);
    filter.mend();
    await canary(cleanup, s, policy);
  });

  test(`M16 all kinds of changes and a quarantine: held with its reason, tempFailOnError=${policy}`, async (t) => {
    const cleanup = new Cleanup(t);
    const filter = await ScriptedFilter.start(cleanup, {
      E: ALL_CHANGES.join('') + frame('q', 'looks odd\0') + CONTINUE,
    });
    const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
    const { session, last } = await walk(cleanup, s.port, { content: MANY_FIELDS });
    assert.equal(`${last.at} ${last.reply.code}`, 'end 250');
    await session.quit();
    const [accepted] = s.noticed('message.accepted');
    assert.equal(accepted?.fields['held'], 'looks odd');
    assert.deepEqual(accepted?.fields['to'], ['c@in.test', 'd@in.test']);
    assert.equal(accepted?.fields['from'], 'other@out.test');
    filter.mend();
    await canary(cleanup, s, policy);
    assert.equal(s.taken.length, 1, 'only the canary left');
  });
}

/** Two filters: the first adds a header and replaces the body, the second ends the message as told. */
async function twoFilters(cleanup: Cleanup, policy: boolean, end: string | ((peer: Peer) => void)) {
  const first = await ScriptedFilter.start(cleanup, {
    E: addHeader('X-A', 'was here') + frame('b', 'the body of A\r\n') + CONTINUE,
  });
  const second = await ScriptedFilter.start(cleanup, { E: end });
  const s = await scene(cleanup, [
    at(first, { name: 'a', tempFailOnError: policy }),
    at(second, { name: 'b', tempFailOnError: policy }),
  ]);
  const w = await walk(cleanup, s.port);
  const heard = second.peers.flatMap((p) => p.heard);
  assert.deepEqual(
    heard.filter((h) => h.code === 'L').map((h) => h.payload),
    ['From\0<a@out.test>\0', 'Subject\0one\0', 'To\0<b@in.test>\0', 'X-A\0was here\0'],
    'the second filter hears what the first made of the header',
  );
  assert.equal(
    heard
      .filter((h) => h.code === 'B')
      .map((h) => h.payload)
      .join(''),
    'the body of A\r\n',
  );
  await inStep(w.session);
  await w.session.quit();
  return {
    s,
    w,
    mended: async () => {
      first.mend();
      second.mend();
      await canary(cleanup, s, policy);
    },
  };
}

const BY_A = 'From: <a@out.test>\r\nSubject: one\r\nTo: <b@in.test>\r\nX-A: was here\r\n';
const THEN_B = addHeader('X-B', 'was here') + frame('b', 'the body of B\r\n');

for (const policy of POLICIES) {
  test(`M17 two filters, the second accepts: both changes are delivered, tempFailOnError=${policy}`, async (t) => {
    const { s, w, mended } = await twoFilters(new Cleanup(t), policy, THEN_B + frame('a'));
    assert.equal(w.last.reply.code, 250);
    const { content } = await arrival(s, 'a@out.test');
    sameBytes(untraced(content), `${BY_A}X-B: was here\r\n\r\nthe body of B\r\n`);
    await mended();
  });

  test(`M17 two filters, the second rejects: nothing is delivered, tempFailOnError=${policy}`, async (t) => {
    const { s, w, mended } = await twoFilters(new Cleanup(t), policy, THEN_B + frame('r'));
    assert.equal(w.last.reply.lines[0]?.slice(0, 9), '554 5.7.1');
    await mended();
    assert.deepEqual(
      s.taken.filter((m) => m.sender === 'a@out.test'),
      [],
    );
  });

  test(`M17 two filters, the second fails, tempFailOnError=${policy}: ${policy ? 'nothing is delivered' : 'the changes of the first alone are delivered'}`, async (t) => {
    const { s, w, mended } = await twoFilters(
      new Cleanup(t),
      policy,
      (peer) => void peer.socket.end(THEN_B, 'latin1'),
    );
    faultReply(w, policy);
    assert.deepEqual(failures(s), ['b disconnected']);
    if (!policy) {
      const { content } = await arrival(s, 'a@out.test');
      sameBytes(untraced(content), `${BY_A}\r\nthe body of A\r\n`);
    }
    await mended();
    assert.equal(s.taken.filter((m) => m.sender === 'a@out.test').length, policy ? 0 : 1);
  });
}

/** Header names that are none: the filter's fault, whatever kind of change brings them. */
const BAD_NAMES = [
  'X\r\nBcc',
  'X\nBcc',
  'X:',
  'X: v\r\nBcc',
  '',
  'X\xfc',
  'X Y',
  ' X',
  'X\x1b',
  'n'.repeat(1000),
];
/** Values, and what stands behind `X-Evil: ` at the next hop; null: the filter's fault. */
const VALUES: readonly (readonly [value: string, stands: string | null])[] = [
  ['a\r\nBcc: v@ext.test', 'a\r\n\tBcc: v@ext.test'],
  ['a\nEvil: 1', 'a\r\n\tEvil: 1'],
  ['a\r\n\r\nbody', 'a\r\n\tbody'],
  ['a\n\n\n.\n\nbody', 'a\r\n\t.\r\n\tbody'],
  ['a\rb', 'ab'],
  ['a\r\r\nEvil: 1', 'a\r\n\tEvil: 1'],
  ['a\n \t \nb', 'a\r\n\tb'],
  ['a\n\tfolded', 'a\r\n\tfolded'],
  ['a\r\n folded', 'a\r\n folded'],
  ['ends\r\n', 'ends'],
  ['8-bit \xe9\xff', '8-bit \xe9\xff'],
  ['v'.repeat(200_000), 'v'.repeat(200_000)],
  ['v'.repeat(300_000), null],
];
const EVIL_ADDRESSES = [
  '<a@in.test>\r\nRCPT TO:<v@ext.test>',
  '<a@in.test\r\nRCPT TO:<v@ext.test>',
  '<a@in.test\n>',
  '<a@in.test> NOTIFY=NEVER',
  '<a@in.test>,<v@ext.test>',
  '<a b@in.test>',
  '<a\x1b@in.test>',
  `<${'l'.repeat(2000)}@in.test>`,
];

/** What the next hop must see; what is absent is as sent. null: the fault reply. */
type Outcome = { fields?: string; recipients?: readonly string[]; sender?: string } | null;

const HEADER = 'From: <a@out.test>\r\nX-Evil: old\r\nTo: <b@in.test>\r\n';

/** Every case of M20: what the filter sends, and the outcome. */
function* hostileChanges(): Generator<readonly [what: string, said: string, outcome: Outcome]> {
  for (const name of BAD_NAMES)
    for (const [kind, said] of [
      ['add', addHeader(name, 'v')],
      ['insert', insertHeader(0, name, 'v')],
      ['change', changeHeader(1, name, 'v')],
    ] as const)
      yield [`${kind} header named ${JSON.stringify(name.slice(0, 40))}`, said, null];
  for (const [value, stands] of VALUES) {
    const what = JSON.stringify(value.slice(0, 40));
    const field = stands === null ? null : `X-Evil: ${stands}\r\n`;
    const outcome = (fields: string): Outcome => (field === null ? null : { fields });
    yield [`add value ${what}`, addHeader('X-Evil', value), outcome(HEADER + field)];
    yield [`insert value ${what}`, insertHeader(1, 'X-Evil', value), outcome(field + HEADER)];
    yield [
      `change value ${what}`,
      changeHeader(1, 'X-Evil', value),
      outcome(HEADER.replace('X-Evil: old\r\n', () => String(field))),
    ];
  }
  for (const index of [0x80000000, 0xffffffff]) {
    yield [`insert at ${index}`, insertHeader(index, 'X-Evil', 'v'), null];
    yield [`change of number ${index}`, changeHeader(index, 'X-Evil', 'v'), null];
  }
  yield* hostileEnvelopes();
}

function* hostileEnvelopes(): Generator<readonly [what: string, said: string, outcome: Outcome]> {
  for (const address of EVIL_ADDRESSES)
    for (const code of ['+', '2', '-', 'e'])
      yield [`${code} of ${JSON.stringify(address.slice(0, 40))}`, frame(code, `${address}\0`), null];
  yield ['arguments of a recipient', frame('2', '<c@in.test>\0NOTIFY=NEVER\r\nDATA\0'), null];
  yield ['arguments of the sender', frame('e', '<z@out.test>\0RET=HDRS\r\nDATA\0'), null];
  yield [
    'a recipient without brackets',
    frame('+', 'c@in.test\0'),
    { recipients: ['b@in.test', 'c@in.test'] },
  ];
  yield ['a sender without brackets', frame('e', 'z@out.test\0'), { sender: 'z@out.test' }];
  yield ['an empty recipient', frame('+', '\0'), {}];
  yield ['an empty sender', frame('e', '\0'), { sender: '' }];
  yield ['a null sender', frame('e', '<>\0'), { sender: '' }];
  yield ['deletion of a stranger', frame('-', '<v@ext.test>\0'), {}];
}

for (const policy of POLICIES)
  test(`M20 hostile texts in changes make no header, recipient or command, tempFailOnError=${policy}`, async (t) => {
    const cleanup = new Cleanup(t);
    const filter = await ScriptedFilter.start(cleanup, {});
    const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
    const session = await SmtpSession.greeted(s.port);
    cleanup.after(() => session.drop());
    let count = 0;
    for (const [what, said, outcome] of hostileChanges()) {
      const seen = s.taken.length;
      const failed = failures(s).length;
      filter.play({ E: addHeader('X-First', 'ok') + said + CONTINUE });
      const last = (await send(session, { content: `${HEADER}\r\nbody\r\n` })).at(-1)!;
      const took = outcome !== null || !policy;
      assert.equal(`${last.at} ${last.reply.code}`, took ? 'end 250' : 'end 451', what);
      assert.equal(failures(s).length - failed, outcome === null ? 1 : 0, what);
      if (took) {
        const came = await until(`the message with ${what}`, 5000, () => s.taken[seen], 2);
        const { fields, recipients = ['b@in.test'], sender = 'a@out.test' } = outcome ?? {};
        const expected = outcome === null ? HEADER : withFirst(fields ?? HEADER, said);
        sameBytes(untraced(came.content), `${expected}\r\nbody\r\n`);
        assert.deepEqual(came.recipients, recipients, what);
        assert.equal(came.sender, sender, what);
      }
      // A message that passes well between two failures keeps the filter in use.
      filter.mend();
      const good = (await send(session, { sender: 'good@out.test' })).at(-1)!;
      assert.equal(`${good.at} ${good.reply.code}`, 'end 250', `after ${what}`);
      await until('the good one', 5000, () => s.taken.length === seen + (took ? 2 : 1), 2);
      count += 1;
    }
    t.diagnostic(`${count} hostile changes`);
    assert.equal(s.taken.filter((m) => m.recipients.includes('v@ext.test')).length, 0);
    await inStep(session);
    await session.quit();
    await canary(cleanup, s, policy);
  });

/** The header with the legal change that stands before the hostile one. */
function withFirst(fields: string, said: string): string {
  const first = 'X-First: ok\r\n';
  const added = said[4] === 'h';
  const end = added ? fields.indexOf(HEADER) + HEADER.length : fields.length;
  return fields.slice(0, end) + first + fields.slice(end);
}

/** Writes a frame again and again, no faster than it is taken, until enough went out or the gateway hung up. */
function flood(peer: Peer, unit: string, bytes: number): void {
  const { socket } = peer;
  const chunk = Buffer.from(unit.repeat(Math.ceil(65_536 / unit.length)), 'latin1');
  let left = bytes;
  const pour = (): void => {
    while (left > 0 && socket.writable) {
      left -= chunk.length;
      if (!socket.write(chunk)) {
        socket.once('drain', pour);
        return;
      }
    }
    peer.write(CONTINUE);
  };
  pour();
}

const MIB = 1 << 20;
const FLOODS = [
  ['100 000 ADDHEADER', addHeader('X-Flood', 'wave'), 100_000],
  ['100 000 INSHEADER', insertHeader(0, 'X-Flood', 'wave'), 100_000],
  ['100 000 ADDRCPT', frame('+', '<flood@in.test>\0'), 100_000],
  ['1 GB of REPLBODY', frame('b', 'w'.repeat(PIECE)), (1 << 30) / PIECE],
  ['1 GB of REPLBODY in small pieces', frame('b', 'small waves\r\n'), (1 << 30) / 14],
] as const;

for (const policy of POLICIES)
  test(`M22 floods of changes meet a limit, tempFailOnError=${policy}: fault reply, memory bounded`, async (t) => {
    const cleanup = new Cleanup(t);
    const filter = await ScriptedFilter.start(cleanup, {});
    filter.mend();
    const s = await processScene(cleanup, [at(filter, { tempFailOnError: policy })], {
      listener: { maxMessageSize: 20 * MIB },
    });
    const session = await SmtpSession.greeted(s.port);
    cleanup.after(() => session.drop());
    for (let i = 0; i < 200; i += 1) await send(session, { sender: 'warm@out.test' });
    for (const [what, unit, count] of FLOODS) {
      const failed = s.noticed('milter.failed').length;
      const before = await s.rss();
      await s.forgetPeak();
      filter.play({ E: (peer) => flood(peer, unit, unit.length * count) });
      const sender = `${what.replaceAll(/\W/g, '')}@out.test`;
      const steps = await send(session, { sender });
      faultReply({ session, steps, last: steps.at(-1)! }, policy);
      const grown = ((await s.peak()) - before) / MIB;
      t.diagnostic(`${what}: memory grew by ${grown.toFixed(1)} MiB`);
      assert.ok(grown < 64, `${what}: memory grew by ${grown.toFixed(1)} MiB`);
      const noticed = await until('the failure to be logged', 1000, () =>
        s.noticed('milter.failed').slice(failed).at(0),
      );
      assert.equal(noticed.fields['kind'], 'too_big', what);
      if (!policy) {
        const came = await arrival(s, sender);
        sameBytes(untraced(came.content), CONTENT);
        assert.deepEqual(came.recipients, ['b@in.test']);
      }
      filter.mend();
      await canary(cleanup, s, policy);
    }
    await inStep(session);
    await session.quit();
    assert.equal(s.taken.filter((m) => m.content.includes('X-Flood')).length, 0);
    assert.equal(s.taken.filter((m) => m.recipients.includes('flood@in.test')).length, 0);
  });

const STAGES = [
  ['C', 'CONNECT', 'greeting'],
  ['H', 'HELO', 'ehlo'],
  ['M', 'MAIL', 'mail'],
  ['R', 'RCPT', 'rcpt'],
  ['T', 'DATA', 'data'],
  ['L', 'HEADER', 'end'],
  ['N', 'EOH', 'end'],
  ['B', 'BODY', 'end'],
  ['E', 'EOM', 'end'],
] as const;

describe('M23 orders that end a message or a connection', { concurrency: 8 }, () => {
  for (const policy of POLICIES) {
    test(`M23 a filter deletes all recipients, tempFailOnError=${policy}: 250, nothing delivered, recorded with its name`, async (t) => {
      const cleanup = new Cleanup(t);
      const filter = await ScriptedFilter.start(cleanup, {
        E: frame('-', '<b@in.test>\0') + frame('-', 'c@in.test\0') + CONTINUE,
      });
      await discarded(cleanup, filter, policy);
    });

    for (const [letter, stage] of STAGES.slice(2))
      test(`M23 a filter discards at ${stage}, tempFailOnError=${policy}: 250, nothing delivered, recorded with its name`, async (t) => {
        const cleanup = new Cleanup(t);
        await discarded(cleanup, await ScriptedFilter.start(cleanup, { [letter]: frame('d') }), policy);
      });

    for (const [letter, stage, step] of STAGES)
      test(`M23 a filter says SHUTDOWN at ${stage}, tempFailOnError=${policy}: 421 and close`, async (t) => {
        const cleanup = new Cleanup(t);
        const filter = await ScriptedFilter.start(cleanup, { [letter]: frame('4') });
        const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
        const { session, last } = await walk(cleanup, s.port);
        assert.match(`${last.at} ${last.reply.lines.join(' / ')}`, new RegExp(`^${step} 421 4\\.7\\.1 `));
        await assert.rejects(session.command('NOOP'), /closed|ECONNRESET|EPIPE/);
        assert.deepEqual(failures(s), []);
        filter.mend();
        await canary(cleanup, s, policy);
        assert.deepEqual(
          s.taken.filter((m) => m.sender === 'a@out.test'),
          [],
        );
      });

    for (const [letter, stage] of STAGES.slice(0, 2))
      test(`M23 a filter accepts at ${stage}, tempFailOnError=${policy}: no more events for the session`, async (t) => {
        const cleanup = new Cleanup(t);
        const filter = await ScriptedFilter.start(cleanup, { [letter]: frame('a') });
        const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
        const { session, last } = await walk(cleanup, s.port);
        assert.equal(last.reply.code, 250);
        assert.equal((await send(session)).at(-1)!.reply.code, 250);
        await session.quit();
        await until('the conversation to be closed', 2000, () => filter.open === 0);
        assert.equal(filter.codes, letter === 'C' ? 'OCQ' : 'OCHQ');
        filter.mend();
        await canary(cleanup, s, policy);
      });
  }
});

/** The client sees success to the end; nothing is delivered, and who ordered it is noticed. */
async function discarded(cleanup: Cleanup, filter: ScriptedFilter, policy: boolean): Promise<void> {
  const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
  const w = await walk(cleanup, s.port, { recipients: ['b@in.test', 'c@in.test'] });
  assert.equal(`${w.last.at} ${w.last.reply.code}`, 'end 250');
  await inStep(w.session);
  await w.session.quit();
  filter.mend();
  await canary(cleanup, s, policy);
  assert.deepEqual(
    s.taken.filter((m) => m.sender === 'a@out.test'),
    [],
  );
  const notices = s.noticed('message.discarded');
  assert.equal(notices.length, 1);
  assert.equal(notices[0]?.fields['by'], 'f');
  assert.deepEqual(failures(s), []);
}
