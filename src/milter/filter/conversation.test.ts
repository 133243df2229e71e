import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FilterError,
  accept,
  defineMilter,
  discard,
  quarantine,
  reject,
  tempfail,
  type Decision,
  type MilterDefinition,
} from '#milter/filter';
import { CONNECT, HELO, MAIL, PLAIN_OFFER, RCPT, frame, offer, raw } from './raw-mta.cases.ts';

const chosen = (answer: string) => {
  const b = Buffer.from(answer.slice(1), 'latin1');
  return [b.readUInt32BE(0), b.readUInt32BE(4), b.readUInt32BE(8)];
};
const OPENING = [PLAIN_OFFER, CONNECT, HELO, MAIL, RCPT];
/** The answers after the negotiation. */
const play = (definition: Omit<MilterDefinition, 'name'>, ...frames: Uint8Array[]) =>
  raw(defineMilter({ name: 't', ...definition }))
    .say(PLAIN_OFFER, ...frames)
    .heard()
    .slice(1);

test('the smallest useful filter is five lines', () => {
  const filter = defineMilter({
    name: 'no-invoices',
    onMessage(_s, _env, msg) {
      if (/invoice/i.test(msg.headers.get('Subject') ?? '')) return reject(550, '5.7.1', 'No invoices');
    },
  });
  const mta = raw(filter).say(...OPENING, frame('L', 'Subject\0Your invoice\0'), frame('N'), frame('E'));
  assert.deepEqual(mta.heard().slice(1), ['c', 'c', 'c', 'c', 'c', 'c', 'y550 5.7.1 No invoices\0']);
});

test('what is not written is not asked of the MTA, and what only brings facts is not answered', () => {
  const reply = (definition: Omit<MilterDefinition, 'name'>, offered = offer()) =>
    chosen(
      raw(defineMilter({ name: 't', ...definition }))
        .say(offered)
        .heard()[0]!,
    );
  // onRcpt: CONNECT HELO MAIL without answer; no DATA, header, EOH, body, UNKNOWN.
  assert.deepEqual(reply({ onRcpt() {} }), [
    6,
    0,
    0x1000 | 0x2000 | 0x4000 | 0x200 | 0x20 | 0x40 | 0x10 | 0x100,
  ]);
  assert.deepEqual(reply({ onConnect() {} }), [6, 0, 0x2 | 0x4 | 0x8 | 0x200 | 0x20 | 0x40 | 0x10 | 0x100]);
  const facts = 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x80;
  assert.deepEqual(reply({ onMessage() {} }), [6, 0, facts | 0x80000 | 0x200 | 0x40 | 0x100]);
  assert.deepEqual(reply({ onMessage() {}, body: 'none' }), [6, 0, facts | 0x10 | 0x200 | 0x40 | 0x100]);
  assert.deepEqual(reply({ onMessage() {}, body: 'stream' }), [6, 0, facts | 0x200 | 0x40 | 0x100]);
  assert.deepEqual(reply({ onMessage() {}, body: 'stream', skip: true, leadingSpace: true }), [
    6,
    0,
    facts | 0x200 | 0x40 | 0x100 | 0x400 | 0x100000,
  ]);
  // What is not offered is not taken; an old MTA gets its own version back.
  assert.deepEqual(reply({ onMessage() {} }, PLAIN_OFFER), [6, 0, 0]);
  assert.deepEqual(reply({ onRcpt() {} }, offer(2, 0x3f, 0x7f)), [2, 0, 0x20 | 0x40 | 0x10]);
  assert.deepEqual(reply({ onRcpt() {} }, offer(7, 0x1ff, 0)), [6, 0, 0]);
});

test('an observer is asked without an answer, and answered for where that is not offered', () => {
  const seen: string[] = [];
  const filter = defineMilter({
    name: 't',
    observe: {
      onHelo: (_s, name) => void seen.push(name),
      onMail() {
        throw new Error('boom');
      },
    },
  });
  const quiet = raw(filter).say(offer(), CONNECT, HELO, MAIL);
  const first = quiet.heard();
  assert.equal(first.length, 1);
  assert.equal(chosen(first[0]!)[2]! & (0x2000 | 0x4000), 0x2000 | 0x4000);
  const asked = raw(filter).say(PLAIN_OFFER, CONNECT, HELO, MAIL, RCPT);
  assert.deepEqual(asked.heard().slice(1), ['c', 'c', 'c', 'c']);
  assert.deepEqual(seen, ['client.example', 'client.example']);
  assert.deepEqual(
    asked.log.map((e) => e.event),
    ['observer.failed'],
  );
});

test('rights are those of needs, and of wants as far as offered; too small an offer is refused in words', () => {
  const filter = defineMilter({
    name: 'guard',
    needs: ['addHeaders', 'quarantine'],
    wants: ['changeFrom'],
    onMessage() {},
  });
  assert.equal(chosen(raw(filter).say(offer()).heard()[0]!)[1], 0x61);
  assert.equal(
    chosen(
      raw(filter)
        .say(offer(2, 0x3f, 0x7f))
        .heard()[0]!,
    )[1],
    0x21,
  );
  const refused = raw(filter).say(offer(6, 0x1, 0x1fffff));
  assert.deepEqual([refused.heard(), refused.ended], [[], true]);
  assert.match(refused.log[0]!.says, /does not offer quarantine .*guard/);
  assert.equal((refused.log[0]!.error as FilterError).code, 'needs');
});

test('a macro list is asked for where SETSYMLIST is offered', () => {
  const filter = defineMilter({ name: 't', macros: { mail: ['i', 'auth_authen'], eoh: [] }, onMail() {} });
  const [answer] = raw(filter).say(offer()).heard();
  assert.equal(chosen(answer!)[1], 0x100);
  assert.equal(answer!.slice(13), '\0\0\0\x02i {auth_authen}\0\0\0\0\x06\0');
  assert.equal(
    raw(filter)
      .say(offer(6, 0xff, 0x1fffff))
      .heard()[0]!.length,
    13,
  );
});

test('every decision has its answer', () => {
  const cases: [Decision | undefined, string][] = [
    [undefined, 'c'],
    [{ kind: 'continue' }, 'c'],
    [accept, 'a'],
    [discard, 'd'],
    [reject(), 'r'],
    [tempfail(), 't'],
    [reject(554, '5.7.0', 'no'), 'y554 5.7.0 no\0'],
    [tempfail(421, '4.3.2', '100% full\nlater'), 'y421-4.3.2 100%% full\r\n421 4.3.2 later\0'],
  ];
  for (const [decision, answer] of cases) {
    const definition = { onMail: () => decision };
    assert.equal(play(definition, CONNECT, HELO, MAIL)[2], answer);
    assert.equal(play({ onMessage: () => decision }, CONNECT, MAIL, RCPT, frame('E')).at(-1), answer);
    assert.equal(play({ onMessage: async () => decision }, CONNECT, MAIL, RCPT).at(-1), 'c');
  }
});

test('a refused recipient is that recipient only, and the envelope has the others', () => {
  const seen: string[][] = [];
  const got = play(
    {
      onRcpt: (_s, to) => (to.local === 'bad' ? reject(550, '5.1.1', 'who?') : undefined),
      onData: (_s, env) => void seen.push(env.recipients.map((r) => r.address)),
    },
    MAIL,
    RCPT,
    frame('R', '<bad@example.org>\0'),
    frame('R', '<x@example.org>\0'),
    frame('T'),
  );
  assert.deepEqual(got, ['c', 'c', 'y550 5.1.1 who?\0', 'c', 'c']);
  assert.deepEqual(seen, [['r@example.org', 'x@example.org']]);
});

test('accept and discard end the message for the filter, and the same answer goes to an MTA that goes on', () => {
  for (const decision of [accept, discard, reject()]) {
    let calls = 0;
    const answer = decision.kind[0]!;
    const got = play(
      { onData: () => decision, onMessage: () => void calls++ },
      MAIL,
      RCPT,
      frame('T'),
      frame('L', 'A\x001\0'),
      frame('N'),
      frame('B', 'x'),
      frame('E'),
      MAIL,
    );
    assert.deepEqual(got, ['c', 'c', answer, answer, answer, answer, answer, 'c']);
    assert.equal(calls, 0);
  }
});

test('accept to an unknown command is about the message in which it came, and nothing without one', () => {
  let calls = 0;
  const definition = { onUnknown: () => accept, onMessage: () => void calls++ };
  const unknown = frame('U', 'FOO\0');
  const rest = [RCPT, frame('T'), frame('N'), frame('E')];
  assert.deepEqual(play(definition, CONNECT, HELO, unknown, MAIL, ...rest), 'ccaccccc'.split(''));
  assert.equal(calls, 1);
  assert.deepEqual(play(definition, CONNECT, HELO, MAIL, unknown, ...rest), 'cccaaaaa'.split(''));
  assert.equal(calls, 1);
});

test('accept at connect or helo ends the connection for the filter', () => {
  const got = play({ onHelo: () => accept, onMail: () => reject() }, CONNECT, HELO, MAIL, RCPT, frame('E'));
  assert.deepEqual(got, ['c', 'a', 'a', 'a', 'a']);
});

test('discard means nothing at connect: it is an error of the filter', () => {
  const mta = raw(defineMilter({ name: 't', onConnect: () => discard })).say(PLAIN_OFFER, CONNECT);
  assert.equal(mta.heard()[1], 't');
  assert.equal((mta.log[0]!.error as FilterError).code, 'decision_not_legal');
});

test('quarantine from any handler is told at end of message', () => {
  const q = () => quarantine('unsolicited');
  for (const definition of [
    { onHelo: q },
    { onMail: q },
    { onRcpt: q },
    { onHeaders: q },
    { onMessage: q },
  ]) {
    const got = play({ needs: ['quarantine'], ...definition }, HELO, MAIL, RCPT, frame('N'), frame('E'));
    assert.deepEqual(got, ['c', 'c', 'c', 'c', 'qunsolicited\0', 'c'], Object.keys(definition)[0]);
  }
});

test('quarantine without the right never turns into accept', () => {
  assert.equal(play({ onMessage: () => quarantine('x') }, MAIL, RCPT, frame('E')).at(-1), 't');
});

test('an accept that has edits waits for the end of message', () => {
  let calls = 0;
  const got = play(
    {
      needs: ['addHeaders'],
      onHeaders(_s, _e, h) {
        h.add('X-A', '1');
        return accept;
      },
      onMessage: () => void calls++,
    },
    MAIL,
    RCPT,
    frame('N'),
    frame('B', 'x'),
    frame('E'),
  );
  assert.deepEqual(got, ['c', 'c', 'c', 'c', 'hX-A\x001\0', 'a']);
  assert.equal(calls, 0);
});

test('edits are sent in protocol order before the verdict, and not at all with a refusal', () => {
  const edit = (decision?: Decision): Omit<MilterDefinition, 'name'> => ({
    needs: ['addHeaders', 'changeHeaders', 'replaceBody', 'addRecipient', 'removeRecipient', 'changeFrom'],
    wants: ['addRecipientParams'],
    onMessage(_s, env, msg) {
      msg.replaceBody('neü\nb');
      msg.headers.add('X-A', '1');
      msg.removeRecipient(env.recipients[0]!);
      msg.addRecipient('new@example.org');
      msg.addRecipient('new@example.org');
      msg.addRecipient('<par@example.org>', 'NOTIFY=NEVER');
      msg.changeFrom('');
      return decision;
    },
  });
  const frames = [MAIL, RCPT, frame('L', 'A\x001\0'), frame('N'), frame('E')];
  assert.deepEqual(play(edit(), ...frames).slice(4), [
    'e<>\0',
    '-<r@example.org>\0',
    '+<new@example.org>\0',
    '2<par@example.org>\0NOTIFY=NEVER\0',
    'hX-A\x001\0',
    'bne\xc3\xbc\r\nb',
    'c',
  ]);
  assert.equal(play(edit(accept), ...frames).at(-1), 'a');
  for (const no of [reject(), tempfail(), discard])
    assert.deepEqual(play(edit(no), ...frames).slice(4), [no.kind[0]]);
});

test('an edit without the right is an error that names the right', () => {
  const mta = raw(defineMilter({ name: 't', onMessage: (_s, _e, msg) => msg.headers.add('X', '1') })).say(
    PLAIN_OFFER,
    MAIL,
    RCPT,
    frame('E'),
  );
  assert.equal(mta.heard().at(-1), 't');
  assert.match(mta.log[0]!.says, /addHeaders.*needs/);
});

test('a large body is replaced in frames of at most 65535 bytes', () => {
  const big = new Uint8Array(65535 * 2 + 1).fill(97);
  const got = play(
    { needs: ['replaceBody'], onMessage: (_s, _e, msg) => msg.replaceBody(big) },
    MAIL,
    RCPT,
    frame('E'),
  ).slice(2);
  assert.deepEqual(
    got.map((f) => [f[0], f.length - 1]),
    [
      ['b', 65535],
      ['b', 65535],
      ['b', 1],
      ['c', 0],
    ],
  );
});

test('what a handler throws becomes onError, sync or async, and none of its edits is sent', async () => {
  const answers = { tempfail: 't', accept: 'a', reject: 'r' } as const;
  for (const [onError, answer] of Object.entries(answers) as ['tempfail', 't'][]) {
    for (const late of [false, true]) {
      const filter = defineMilter({
        name: 't',
        needs: ['addHeaders'],
        onError,
        onMessage(_s, _e, msg) {
          msg.headers.add('X', '1');
          if (late) return Promise.reject(new Error('boom'));
          throw new Error('boom');
        },
      });
      const mta = raw(filter).say(PLAIN_OFFER, frame('DM', 'i\x004Q1\0'), MAIL, RCPT, frame('E'));
      assert.deepEqual((await mta.hears(4)).slice(3), [answer]);
      assert.deepEqual(
        [mta.log[0]!.event, mta.log[0]!.queueId, mta.log[0]!.says],
        ['handler.failed', '4Q1', 'boom'],
      );
    }
  }
});

test('an init that throws is onError for the whole connection, and what is no decision is an error', () => {
  const init = () => {
    throw new Error('no state');
  };
  assert.deepEqual(play({ init, onMail() {} }, CONNECT, MAIL), ['t', 't']);
  assert.deepEqual(play({ onMail: () => ({ kind: 'acept' }) as never }, MAIL), ['t']);
  assert.deepEqual(play({ onMail: () => true as never }, MAIL), ['t']);
});

test('a handler that takes too long is onError, its signal aborts, and its late result counts for nothing', async () => {
  let finish = (): void => {};
  let aborted: unknown = null;
  const filter = defineMilter({
    name: 't',
    limits: { handler: 1 },
    onMail(s) {
      const { signal } = s;
      signal.addEventListener('abort', () => (aborted = signal.reason as unknown));
      return new Promise<Decision>((resolve) => (finish = () => resolve(accept)));
    },
  });
  const mta = raw(filter).say(PLAIN_OFFER, CONNECT, MAIL);
  assert.deepEqual((await mta.hears(3)).slice(2), ['t']);
  finish();
  assert.equal((aborted as FilterError).code, 'handler_timeout');
  mta.say(RCPT);
  assert.deepEqual(await mta.hears(1), ['t']);
});

test('signs of life are sent while the end of message is worked on', async () => {
  let finish = (): void => {};
  const filter = defineMilter({
    name: 't',
    limits: { progress: 1 },
    onMessage: () => new Promise<void>((resolve) => (finish = resolve)),
  });
  const mta = raw(filter).say(PLAIN_OFFER, MAIL, RCPT, frame('E'));
  assert.deepEqual((await mta.hears(6)).slice(3, 6), ['p', 'p', 'p']);
  finish();
  const rest = await mta.hears(1);
  while (rest.at(-1) === 'p') rest.push(...(await mta.hears(1)));
  assert.equal(rest.at(-1), 'c');
});

test('an ABORT that comes while a handler works aborts its signal and calls onAbort once', async () => {
  const calls: string[] = [];
  const filter = defineMilter({
    name: 't',
    onMessage: (s) =>
      new Promise<void>((_, fail) => {
        const { signal } = s;
        signal.addEventListener('abort', () => fail(signal.reason as Error));
      }),
    onAbort: () => void calls.push('abort'),
    onClose: () => void calls.push('close'),
  });
  const mta = raw(filter).say(PLAIN_OFFER, MAIL, RCPT, frame('E'));
  mta.say(frame('A'), frame('Q'));
  await mta.closes();
  assert.deepEqual(calls, ['close']); // the answer was given first, so nothing was open any more
  assert.deepEqual(
    mta.log.map((e) => e.event),
    ['handler.cancelled'],
  );
  const gone = raw(filter).say(PLAIN_OFFER, MAIL, RCPT, frame('E'));
  gone.conversation.ended();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(calls, ['close', 'abort', 'close']);
  assert.deepEqual(
    gone.log.map((e) => e.event),
    ['handler.cancelled'],
  );
});

test('frames that come while a handler works wait for it, in order', async () => {
  let finish = (): void => {};
  const seen: string[] = [];
  const filter = defineMilter({
    name: 't',
    onMail: () => new Promise<void>((resolve) => (finish = resolve)),
    onRcpt: (_s, to) => void seen.push(to.address),
  });
  const mta = raw(filter).say(PLAIN_OFFER, CONNECT, MAIL, RCPT, frame('R', '<x@y.example>\0'));
  assert.equal(mta.heard().length, 2);
  assert.deepEqual(seen, []);
  finish();
  assert.deepEqual(await mta.hears(3), ['c', 'c', 'c']);
  assert.deepEqual(seen, ['r@example.org', 'x@y.example']);
});

test('a peer that floods a working handler is paused, and let go on afterwards', async () => {
  let finish = (): void => {};
  const wire: string[] = [];
  const filter = defineMilter({
    name: 't',
    onMail: () => new Promise<void>((resolve) => (finish = resolve)),
  });
  const mta = raw(filter, { pause: () => void wire.push('pause'), resume: () => void wire.push('resume') });
  mta.say(PLAIN_OFFER, MAIL);
  for (let i = 0; i < 33; i++) mta.say(frame('B', 'x'.repeat(65535)));
  assert.deepEqual(wire, ['pause']);
  finish();
  await mta.hears(35);
  assert.deepEqual(wire, ['pause', 'resume']);
});

test('limits are exact: headers and body at the bound pass, one byte more is onError', () => {
  const limits = { headers: 7, body: 3 };
  const seen: number[] = [];
  const run = (value: string, body: string) =>
    play(
      { limits, onMessage: (_s, _e, msg) => void seen.push(msg.size) },
      MAIL,
      RCPT,
      frame('L', `A\0${value}\0`),
      frame('N'),
      ...(body === '' ? [] : [frame('B', body)]),
      frame('E'),
    ).at(-1);
  assert.equal(run('', ''), 'c');
  assert.equal(run('12', '1'), 'c');
  assert.equal(run('12', '123'), 'c');
  assert.equal(run('123', ''), 't');
  assert.equal(run('', '1234'), 't');
  assert.deepEqual(seen, [0, 1, 3]);
});

test('a frame above the limit and bytes of another protocol end the connection with a sentence', () => {
  const big = raw(defineMilter({ name: 't' })).say(PLAIN_OFFER, Buffer.from([0x00, 0x10, 0x00, 0x01]));
  assert.match(big.log[0]!.says, /1048577/);
  assert.equal(big.ended, true);
  const ok = raw(defineMilter({ name: 't' })).say(PLAIN_OFFER, Buffer.from([0x00, 0x10, 0x00, 0x00]));
  assert.equal(ok.ended, false);
  const http = raw(defineMilter({ name: 't' })).say(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  assert.equal(http.ended, true);
  const early = raw(defineMilter({ name: 't' })).say(CONNECT);
  assert.match(early.log[0]!.says, /before the option negotiation/);
  assert.equal(raw(defineMilter({ name: 't' })).say(offer(1)).ended, true);
});

test('state is one per connection and the facts of the client are there', () => {
  const filter = defineMilter<{ n: number }>({
    name: 't',
    init: () => ({ n: 0 }),
    onMail: (s) =>
      tempfail(
        450,
        '4.0.0',
        `${++s.state.n} ${s.client.host} ${s.client.address}:${s.client.port} ${s.helo} ${s.macro('{j}')} ${s.mta.version} ${s.tls?.bits}`,
      ),
  });
  const mta = raw(filter).say(
    PLAIN_OFFER,
    frame('DC', 'j\0mx\0v\0X 1\0'),
    CONNECT,
    frame('DH', '{tls_version}\0TLSv1.3\0{cipher_bits}\x00256\0'),
    HELO,
    MAIL,
    MAIL,
  );
  assert.deepEqual(mta.heard().slice(3), [
    'y450 4.0.0 1 client.example 192.0.2.10:41000 client.example mx X 1 256\0',
    'y450 4.0.0 2 client.example 192.0.2.10:41000 client.example mx X 1 256\0',
  ]);
});

test('macros are looked up from the latest stage back and end with their message', () => {
  const seen: unknown[] = [];
  const note = (s: { macro(name: string): string | undefined }) =>
    void seen.push(s.macro('i'), s.macro('{x}'));
  play(
    { onRcpt: note, onMessage: note, onMail: note },
    frame('DC', 'i\0c\0'),
    CONNECT,
    frame('DM', 'i\0m\0{x}\x001\0'),
    MAIL,
    frame('DR', 'i\0r\0'),
    RCPT,
    frame('DR'),
    RCPT,
    frame('E'),
    frame('DM'),
    MAIL,
  );
  assert.deepEqual(seen, ['m', '1', 'r', '1', 'm', '1', 'm', '1', 'c', undefined]);
});

test('a streaming filter reads while the body arrives and may refuse at once', async () => {
  const chunks: string[] = [];
  const filter = defineMilter({
    name: 't',
    body: 'stream',
    async onMessage(_s, _e, msg) {
      for await (const chunk of msg.body) {
        chunks.push(Buffer.from(chunk).toString());
        if (chunks.join('').includes('EICAR')) return reject(550, '5.7.1', 'virus');
      }
    },
  });
  const mta = raw(filter).say(PLAIN_OFFER, MAIL, RCPT, frame('N'), frame('B', 'EIC'));
  assert.equal((await mta.hears(5)).at(-1), 'c');
  mta.say(frame('B', 'AR'));
  await mta.hears(1);
  await new Promise((resolve) => setImmediate(resolve));
  mta.say(frame('B', 'more'), frame('E'));
  assert.deepEqual(await mta.hears(2), ['y550 5.7.1 virus\0', 'y550 5.7.1 virus\0']);
  assert.deepEqual(chunks, ['EIC', 'AR']);
});

test('a slow reader makes the MTA wait, and SKIP tells it that nobody reads any more', async () => {
  const gate: (() => void)[] = [];
  const filter = defineMilter({
    name: 't',
    body: 'stream',
    skip: true,
    async onMessage(_s, _e, msg) {
      await new Promise<void>((resolve) => gate.push(resolve));
      for await (const chunk of msg.body) if (chunk.length > 0) break;
    },
  });
  const mta = raw(filter).say(offer(6, 0x1ff, 0x400), MAIL, RCPT);
  for (let i = 0; i < 5; i++) mta.say(frame('B', 'x'.repeat(65000)));
  const before = await mta.hears(7);
  assert.deepEqual(before.slice(1), ['c', 'c', 'c', 'c', 'c', 'c']); // the fifth chunk is not answered yet
  gate[0]!();
  assert.deepEqual(await mta.hears(1), ['s']);
  mta.say(frame('E'));
  assert.deepEqual(await mta.hears(1), ['c']);
});

test('a streaming filter that hangs with its reader is onError in time', async () => {
  const filter = defineMilter({
    name: 't',
    body: 'stream',
    limits: { handler: 1 },
    onMessage: () => new Promise<void>(() => {}),
  });
  const mta = raw(filter).say(PLAIN_OFFER, MAIL, RCPT);
  for (let i = 0; i < 5; i++) mta.say(frame('B', 'x'.repeat(65000)));
  assert.equal((await mta.hears(8)).at(-1), 't');
});

test('a body made while the old one is read is sent whole, or not at all', async () => {
  const upper = (fail: boolean) =>
    defineMilter({
      name: 't',
      needs: ['replaceBody'],
      body: 'stream',
      onError: 'accept',
      onMessage(_s, _e, msg) {
        const { body } = msg;
        msg.replaceBody(
          (async function* () {
            for await (const chunk of body) yield Buffer.from(Buffer.from(chunk).toString().toUpperCase());
            if (fail) throw new Error('boom');
          })(),
        );
      },
    });
  const frames = [PLAIN_OFFER, MAIL, RCPT, frame('B', 'abc'), frame('B', 'def'), frame('E')];
  assert.deepEqual(
    (
      await raw(upper(false))
        .say(...frames)
        .hears(7)
    ).slice(5),
    ['bABCDEF', 'c'],
  );
  assert.deepEqual(
    (
      await raw(upper(true))
        .say(...frames)
        .hears(6)
    ).slice(5),
    ['a'],
  );
});

test('edits after the answer are refused', async () => {
  let late: (() => void) | undefined;
  play(
    {
      needs: ['addHeaders'],
      onMessage(_s, _e, msg) {
        late = () => msg.headers.add('X', '1');
      },
    },
    MAIL,
    RCPT,
    frame('E'),
  );
  assert.throws(() => late!(), { code: 'edit' });
});

test('a header that does not fit a frame is onError, and nothing of the answer goes out', () => {
  const got = play(
    {
      needs: ['addHeaders'],
      onMessage(_s, _e, msg) {
        msg.headers.add('X-Ok', '1');
        msg.headers.add('X-Big', 'y'.repeat(70000));
      },
    },
    MAIL,
    RCPT,
    frame('E'),
  );
  assert.deepEqual(got.slice(2), ['t']);
});

test('an unknown command is asked about on its own, whatever was decided about the message', () => {
  const got = play(
    { onMail: () => reject(), onUnknown: (_s, line) => (line === 'FOO bar' ? tempfail() : undefined) },
    MAIL,
    frame('U', 'FOO bar\0'),
    frame('U', 'X\0'),
    RCPT,
  );
  assert.deepEqual(got, ['r', 't', 'c', 'r']);
});

test('definitions that cannot work are refused', () => {
  const bad: MilterDefinition[] = [
    { name: '' },
    { name: 'x', needs: ['fly' as never] },
    { name: 'x', onMail() {}, observe: { onMail() {} } },
    { name: 'x', limits: { body: -1 } },
    { name: 'x', limits: { handler: Number.NaN } },
  ];
  for (const definition of bad) assert.throws(() => defineMilter(definition), { code: 'definition' });
  assert.throws(() => reject(450 as never, '5.0.0', 'x'), RangeError);
  assert.throws(() => reject(550, '4.0.0' as never, 'x'), RangeError);
  assert.throws(() => quarantine(' '), RangeError);
});

test('an onRcpt that fails costs its recipient, not the edits of the message', () => {
  const got = play(
    {
      needs: ['addHeaders'],
      onRcpt(_s, to) {
        if (to.local === 'bad') throw new Error('boom');
      },
      onMessage: (_s, _e, msg) => msg.headers.add('X-A', '1'),
    },
    MAIL,
    frame('R', '<bad@example.org>\0'),
    RCPT,
    frame('E'),
  );
  assert.deepEqual(got, ['c', 't', 'c', 'hX-A\x001\0', 'c']);
});

test('what a filter did not ask for and gets all the same is neither kept nor held against its limits', () => {
  const definition = { limits: { headers: 0, body: 0 }, onRcpt() {} };
  const frames = [MAIL, RCPT, frame('L', 'A\x001\0'), frame('B', 'x'), frame('E', 'y')];
  assert.deepEqual(play(definition, ...frames), ['c', 'c', 'c', 'c', 'c']);
});

test('recipients at the bound pass, one more is onError', () => {
  const got = (recipients: number) =>
    play({ limits: { recipients }, onMessage() {} }, MAIL, RCPT, RCPT, frame('E')).at(-1);
  assert.deepEqual([0, 1, 2, 3].map(got), ['t', 't', 'c', 'c']);
});

test('what arrives in one piece is answered in one piece', () => {
  const sends: number[] = [];
  const mta = raw(defineMilter({ name: 't', onMessage() {} }), {
    send: (parts) => void sends.push(parts.length),
  });
  mta.say(
    Buffer.concat([PLAIN_OFFER, CONNECT, HELO, MAIL, RCPT, frame('L', 'A\x001\0'), frame('N'), frame('E')]),
  );
  assert.deepEqual(sends, [1]);
});

test('a wire that is full holds the conversation up until it drains', async () => {
  let drained = (): void => {};
  const sent: string[] = [];
  const mta = raw(defineMilter({ name: 't', onMail() {} }), {
    send(parts) {
      sent.push(...parts.map((p) => Buffer.from(p).toString('latin1', 4)));
      return new Promise<void>((resolve) => (drained = resolve));
    },
  });
  mta.say(PLAIN_OFFER, MAIL, MAIL);
  assert.equal(sent.length, 1);
  drained();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(sent.slice(1), ['c\0\0\0\x01c']);
});
