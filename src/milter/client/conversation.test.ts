import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeField, bytesOf } from '#message';
import {
  MilterError,
  connectMilter,
  type MilterClientOptions,
  type MilterConversation,
} from '#milter/client';
import type { Verdict } from '#milter/protocol';
import { Peer, RawFilter, choice, frame } from './raw-filter.cases.ts';

const NONE = (): undefined => undefined;
const MACROS = (name: string): string | undefined => ({ i: 'Q1', j: 'mx', '{rcpt_addr}': 'd@e.f' })[name];
const CLIENT = { host: 'h.example', family: '4', port: 2525, address: '192.0.2.1' } as const;

interface Scene {
  readonly filter: RawFilter;
  readonly peer: Peer;
  readonly talk: MilterConversation;
}

/** A negotiated conversation with a filter played by the test. */
async function scene(
  t: TestContext,
  options: Partial<MilterClientOptions> & { actions?: number; protocol?: number; version?: number } = {},
): Promise<Scene> {
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  const { actions = 0x1ff, protocol = 0, version = 6, ...rest } = options;
  const opening = connectMilter(filter.options(rest));
  const peer = await filter.peer();
  await peer.read();
  peer.socket.write(choice(actions, protocol, version));
  const talk = await opening;
  t.after(() => talk.destroy());
  return { filter, peer, talk };
}

const codeOf = async (promise: unknown): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof MilterError, String(error));
    return error.code;
  }
  return 'none';
};

/** A verdict that comes at once. */
const now = (verdict: Verdict | Promise<Verdict>): string => {
  assert.ok(!(verdict instanceof Promise));
  return verdict.kind;
};

test('every stage of one message is asked, macros travel with their command, edits and verdict come back', async (t) => {
  const { peer, talk } = await scene(t);
  const steps: [() => Verdict | Promise<Verdict>, string, string[]][] = [
    [() => talk.connect(CLIENT, MACROS), 'C', ['DCj\0mx\0', 'Ch.example\x004\x09\xdd192.0.2.1\0']],
    [() => talk.helo('h.example', MACROS), 'H', ['DH', 'Hh.example\0']],
    [() => talk.mail('<a@b.c>', ['SIZE=10'], MACROS), 'M', ['DMi\0Q1\0', 'M<a@b.c>\0SIZE=10\0']],
    [() => talk.rcpt('<d@e.f>', [], MACROS), 'R', ['DRi\0Q1\0{rcpt_addr}\0d@e.f\0', 'R<d@e.f>\0']],
    [() => talk.unknown('FOO bar', MACROS), 'U', ['UFOO bar\0']],
    [() => talk.data(MACROS), 'T', ['DTi\0Q1\0', 'T']],
  ];
  for (const [ask, code, expected] of steps) {
    const reads = peer.reads;
    const answer = ask();
    assert.deepEqual(await peer.until(code), expected);
    assert.equal(peer.reads, reads + 1, 'one write per step');
    peer.send('c');
    assert.deepEqual(await answer, { kind: 'continue' });
  }
  const content = talk.content(MACROS);
  void content.fields([
    makeField('Received', ' own', true),
    makeField('Subject', ' hi\n there'),
    makeField('X', ''),
  ]);
  void content.endOfHeaders();
  void content.body(bytesOf('one\r\n'));
  void content.body(bytesOf('two\r\n'));
  const end = content.end();
  assert.deepEqual(await peer.until('E'), [
    'LSubject\0hi\n there\0',
    'LX\0\0',
    'DNi\0Q1\0',
    'N',
    'Bone\r\ntwo\r\n',
    'DEi\0Q1\0',
    'E',
  ]);
  peer.send('c', 'c', 'c', 'c', 'hX-A\0one\0', 'bnew', 'p', '2z@e.f\0NOTIFY=NEVER\0', 'bbody', 'c');
  const { verdict, edits } = await end;
  assert.deepEqual(verdict, { kind: 'continue' });
  assert.deepEqual(
    edits.map((e) => e.kind),
    ['addHeader', 'replaceBody', 'addRecipient'],
  );
  assert.ok(edits[1]?.kind === 'replaceBody');
  assert.equal(Buffer.concat(edits[1].chunks).toString(), 'newbody');
  assert.equal(content.settled?.kind, 'continue');
  const second = talk.mail('<>', [], NONE);
  assert.deepEqual(await peer.take(2), ['DM', 'M<>\0']);
  peer.send('a');
  assert.deepEqual(await second, { kind: 'accept' });
  talk.quit();
  assert.deepEqual(await peer.read(), 'Q');
  await peer.closed();
});

test('a filter that answers nothing before end of message is told everything in one write', async (t) => {
  const { peer, talk } = await scene(t, {
    protocol: 0xff080,
    offer: { version: 6, actions: 0x1ff, protocol: 66 },
  });
  const reads = peer.reads;
  assert.equal(now(talk.connect(CLIENT, MACROS)), 'continue');
  assert.equal(now(talk.helo('x', MACROS)), 'continue');
  assert.equal(now(talk.mail('<a@b.c>', [], MACROS)), 'continue');
  assert.equal(now(talk.rcpt('<d@e.f>', [], MACROS)), 'continue');
  assert.equal(now(talk.data(MACROS)), 'continue');
  const content = talk.content(MACROS);
  assert.equal(content.fields([makeField('A', ' 1')]), undefined);
  assert.equal(content.endOfHeaders(), undefined);
  assert.equal(content.body(bytesOf('x')), undefined);
  const end = content.end();
  const codes = (await peer.until('E')).map((f) => f[0]).join('');
  assert.equal(codes, 'DCDHDMDRDTLDNBDE');
  assert.equal(peer.reads, reads + 1);
  peer.send('y554 5.7.1 Gtube\0');
  assert.deepEqual(await end, { verdict: { kind: 'replycode', text: '554 5.7.1 Gtube' }, edits: [] });
  assert.ok(talk.reusable);
});

test('an abort of a message of which nothing has left keeps the connection facts', async (t) => {
  const { peer, talk } = await scene(t, { protocol: 0xff080 });
  void talk.connect(CLIENT, NONE);
  void talk.mail('<a@b.c>', [], NONE);
  void talk.content(NONE).fields([makeField('A', ' 1')]);
  talk.abort();
  assert.deepEqual((await peer.until('A')).map((f) => f[0]).join(''), 'DCDMA');
  void talk.mail('<>', [], NONE);
  const content = talk.content(NONE);
  const end = content.end();
  assert.deepEqual((await peer.until('E')).map((f) => f[0]).join(''), 'DMDE');
  peer.send('c');
  assert.equal((await end).verdict.kind, 'continue');
});

test('events the filter does not want are not sent, their macros are, but not those of end of headers', async (t) => {
  const { peer, talk } = await scene(t, { protocol: 0x3f7f & ~0x3c80 });
  for (const verdict of [
    talk.connect(CLIENT, MACROS),
    talk.helo('x', MACROS),
    talk.mail('<a@b.c>', [], MACROS),
    talk.rcpt('<d@e.f>', [], MACROS),
    talk.unknown('X', MACROS),
    talk.data(MACROS),
  ])
    assert.equal(now(verdict), 'continue');
  const content = talk.content(MACROS);
  void content.fields([makeField('A', ' 1')]);
  void content.endOfHeaders();
  void content.body(bytesOf('x'));
  const end = content.end();
  assert.deepEqual(
    (await peer.until('E')).map((f) => f.slice(0, 2)),
    ['DC', 'DH', 'DM', 'DR', 'DT', 'DE', 'E'],
  );
  peer.send('a');
  assert.equal((await end).verdict.kind, 'accept');
});

test('an older version is not sent what it does not know', async (t) => {
  const { peer, talk } = await scene(t, { version: 2, actions: 0x3f });
  assert.equal(now(talk.unknown('X', MACROS)), 'continue');
  assert.equal(now(talk.data(MACROS)), 'continue');
  const mail = talk.mail('<>', [], NONE);
  assert.deepEqual(await peer.take(2), ['DM', 'M<>\0']);
  peer.send('t');
  assert.equal((await mail).kind, 'tempfail');
  assert.equal(await talk.handOver(), false);
});

test('SKIP leaves out events of its kind until another kind occurs', async (t) => {
  const { peer, talk } = await scene(t, { protocol: 0x400 });
  const mail = talk.mail('<>', [], NONE);
  await peer.until('M');
  peer.send('c');
  await mail;
  const first = talk.rcpt('<1@x>', [], NONE);
  await peer.until('R');
  peer.send('s');
  assert.deepEqual(await first, { kind: 'continue' });
  assert.equal(now(talk.rcpt('<2@x>', [], NONE)), 'continue');
  const data = talk.data(NONE);
  assert.deepEqual(await peer.until('T'), ['DT', 'T']);
  peer.send('c');
  await data;
  const content = talk.content(NONE);
  const big = new Uint8Array(65535);
  void content.body(big);
  assert.equal((await peer.until('B')).length, 1);
  peer.send('s');
  const end = new Promise((resolve) => setImmediate(resolve)).then(async () => {
    // The answer has certainly been read once a further round trip is over.
    void content.body(big);
    return content.end();
  });
  const rest = (await peer.until('E')).map((f) => f[0]).join('');
  assert.ok(rest === 'DE' || rest === 'BDE');
  if (rest === 'BDE') peer.send('c');
  peer.send('c');
  assert.equal(((await end) as { verdict: Verdict }).verdict.kind, 'continue');
});

test('without pipelining one step waits for one answer, SKIP to the header skips the rest of it', async (t) => {
  const { peer, talk } = await scene(t, { protocol: 0x400, pipeline: false });
  const content = talk.content(NONE);
  const fields = content.fields([makeField('A', ' 1'), makeField('B', ' 2'), makeField('C', ' 3')]);
  void content.endOfHeaders(); // not waited for: takes its turn
  void content.body(bytesOf('x'));
  const end = content.end();
  assert.equal(await peer.read(), 'LA\x001\0');
  peer.send('c');
  assert.equal(await peer.read(), 'LB\x002\0');
  peer.send('s');
  await fields;
  assert.deepEqual(await peer.take(2), ['DN', 'N']);
  peer.send('c');
  assert.deepEqual(await peer.take(1), ['Bx']);
  peer.send('c');
  assert.deepEqual(await peer.take(2), ['DE', 'E']);
  peer.send('c');
  assert.equal((await end).verdict.kind, 'continue');
  assert.ok(talk.reusable);
});

test('an early verdict without outstanding frames settles the message and keeps the conversation', async (t) => {
  const { peer, talk } = await scene(t, { pipeline: false });
  const content = talk.content(NONE);
  const fields = content.fields([makeField('A', ' 1'), makeField('B', ' 2')]);
  await peer.read();
  peer.send('r');
  await fields;
  assert.deepEqual(content.settled, { kind: 'reject' });
  assert.equal(content.body(bytesOf('x')), undefined);
  assert.equal(content.endOfHeaders(), undefined);
  assert.deepEqual(await content.end(), { verdict: { kind: 'reject' }, edits: [] });
  assert.ok(talk.reusable);
  talk.abort(); // no message is open: nothing is sent
  const mail = talk.mail('<>', [], NONE);
  assert.deepEqual(await peer.take(2), ['DM', 'M<>\0']);
  peer.send('c');
  await mail;
});

test('an early verdict with frames under way voids the conversation', async (t) => {
  const { peer, talk } = await scene(t);
  const content = talk.content(NONE);
  void content.fields([makeField('A', ' 1'), makeField('B', ' 2')]);
  const end = content.end();
  await peer.until('E');
  peer.send('a', 'c'); // whatever follows means nothing
  assert.deepEqual(await end, { verdict: { kind: 'accept' }, edits: [] });
  assert.equal(talk.reusable, false);
  assert.equal(talk.alive, true);
  assert.equal(await codeOf(talk.mail('<>', [], NONE)), 'disconnected');
  assert.equal(await codeOf(talk.content(NONE).end()), 'disconnected');
  talk.quit();
  assert.equal(await peer.read(), 'Q');
});

test('gathered frames that have not left do not void the conversation', async (t) => {
  const { peer, talk } = await scene(t);
  const content = talk.content(NONE);
  void content.fields([makeField('A', ' ' + 'x'.repeat(60_000))]);
  void content.fields([makeField('B', ' ' + 'x'.repeat(10_000))]); // both leave
  void content.fields([makeField('C', ' not yet')]);
  await peer.take(2);
  peer.send('c', 'd');
  const mail = await new Promise<string>((resolve) => {
    const look = (): void => {
      if (content.settled) resolve(content.settled.kind);
      else setImmediate(look);
    };
    look();
  });
  assert.equal(mail, 'discard');
  assert.ok(talk.reusable);
  const next = talk.mail('<>', [], NONE);
  assert.deepEqual(await peer.take(2), ['DM', 'M<>\0']);
  peer.send('c');
  await next;
});

test('a large body is cut into frames of the agreed size and waits for the filter', async (t) => {
  const { peer, talk } = await scene(t);
  const content = talk.content(NONE);
  let waited = 0;
  const body = Buffer.alloc(3_000_000, 'abcdefgh\r\n');
  const reading = (async () => {
    let seen = Buffer.alloc(0);
    for (;;) {
      const text = await peer.read();
      if (text[0] === 'B') {
        assert.ok(text.length - 1 <= 65535);
        seen = Buffer.concat([seen, Buffer.from(text.slice(1), 'latin1')]);
        peer.send('c');
      }
      if (text[0] === 'E') {
        peer.send('c');
        return seen;
      }
    }
  })();
  for (let at = 0; at < body.length; at += 10_007) {
    const wait = content.body(body.subarray(at, at + 10_007));
    if (wait) {
      waited++;
      await wait;
    }
  }
  await content.end();
  assert.ok(waited > 0, 'back-pressure');
  assert.ok((await reading).equals(body));
});

test('answers in any cutting are understood', async (t) => {
  const { peer, talk } = await scene(t);
  const answers = Buffer.concat(['c', 'hX\0 y\0', 'p', 'a'].map(frame));
  for (const size of [1, 2, 3, 4, 5, 7]) {
    const content = talk.content(NONE);
    void content.fields([makeField('A', ' 1')]);
    const end = content.end();
    await peer.until('E');
    for (let at = 0; at < answers.length; at += size) {
      peer.socket.write(answers.subarray(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { verdict, edits } = await end;
    assert.equal(verdict.kind, 'accept');
    assert.deepEqual(edits, [{ kind: 'addHeader', name: 'X', value: ' y' }]);
  }
});

test('a partial answer is acknowledged by an empty macro set, once per read, over TCP', async (t) => {
  const { peer, talk } = await scene(t, { nudge: true });
  const end = talk.content(NONE).end();
  assert.deepEqual(await peer.take(2), ['DE', 'E']);
  peer.send('hX\0y\0');
  assert.equal(await peer.read(), 'DE');
  peer.send('hX\0z\0', 'p');
  assert.equal(await peer.read(), 'DE');
  peer.send('a');
  assert.equal((await end).edits.length, 2);
  const mail = talk.mail('<>', [], NONE);
  assert.deepEqual(await peer.take(2), ['DM', 'M<>\0'], 'and the last answer by none');
  peer.send('c');
  await mail;
});

test('the empty macro set is of the event that left last, and never takes macros away', async (t) => {
  const { peer, talk } = await scene(t, { nudge: true });
  const content = talk.content(NONE);
  void content.fields(['A', 'B', 'C'].map((name) => makeField(name, ` ${'x'.repeat(30_000)}`)));
  const nudged = async (answers: number): Promise<string> => {
    peer.send(...Array.from({ length: answers }, () => 'c'));
    return peer.read();
  };
  assert.deepEqual(
    (await peer.take(3)).map((f) => f[0]),
    ['L', 'L', 'L'],
  );
  assert.equal(await nudged(1), 'DL');
  peer.send('c', 'c');
  void content.endOfHeaders();
  void content.body(new Uint8Array(65535));
  assert.deepEqual(
    (await peer.take(3)).map((f) => f.slice(0, 2)),
    ['DN', 'N', 'B\0'],
  );
  assert.equal(await nudged(1), 'DB');
  peer.send('c');
  const end = content.end();
  await peer.until('E');
  peer.send('p');
  assert.equal(await peer.read(), 'DE');
  peer.send('a');
  assert.equal((await end).verdict.kind, 'accept');
});

test('PROGRESS at an envelope event is no answer in part', async (t) => {
  const { peer, talk } = await scene(t, { nudge: true });
  const mail = talk.mail('<>', [], MACROS);
  await peer.until('M');
  peer.send('p');
  await new Promise((resolve) => setTimeout(resolve, 20));
  peer.send('c');
  await mail;
  const rcpt = talk.rcpt('<d@e.f>', [], NONE);
  assert.deepEqual(await peer.take(2), ['DR', 'R<d@e.f>\0']);
  peer.send('c');
  await rcpt;
});

/**
 * Answers as go-milter does: a MACRO of an event earlier than the last is the beginning of a new message, and what was heard of
 * the open one is forgotten.
 */
async function asGoMilter(peer: Peer, edits: readonly string[]): Promise<string[]> {
  const order = 'CHMRTLNBE';
  const messages: string[] = [];
  let heard = '';
  let last = -1;
  for (;;) {
    const frame = await peer.read();
    const code = frame[0]!;
    const at = order.indexOf(code === 'D' ? frame[1]! : code);
    if (at >= 0) {
      if (at < last) {
        messages.push(`${heard} aborted`);
        heard = '';
      }
      last = at;
    }
    if (code === 'D') continue;
    heard += code;
    if (code !== 'E') {
      peer.send('c');
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    for (const edit of edits) {
      peer.send(edit);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    peer.send('a');
    return [...messages, heard];
  }
}

test('a filter to which macros of an earlier event begin a new message hears the whole message once', async (t) => {
  const sent: string[] = [];
  const observer = {
    packet: (p: { direction: string; code: string; bytes: Uint8Array }) =>
      void (p.direction === 'sent' && sent.push(p.code + String.fromCharCode(...p.bytes.subarray(0, 1)))),
  };
  const { peer, talk } = await scene(t, { nudge: true, observer });
  const filter = asGoMilter(peer, ['hX\0y\0', 'hX\0z\0']);
  await talk.mail('<a@b.c>', [], MACROS);
  await talk.rcpt('<d@e.f>', [], MACROS);
  await talk.data(MACROS);
  const content = talk.content(MACROS);
  void content.fields([makeField('A', ' 1'), makeField('B', ' 2')]);
  void content.endOfHeaders();
  void content.body(bytesOf('hello\r\n'));
  const { edits } = await content.end();
  assert.equal(edits.length, 2);
  assert.deepEqual(await filter, ['MRTLLNBE']);
  // The macros of end of message, and what was sent while its answer came in parts.
  assert.ok(sent.filter((frame) => frame === 'DE').length > 2, sent.join(' '));
});

test('SKIP ends with its message', async (t) => {
  const { peer, talk } = await scene(t, { protocol: 0x400 });
  const told = async (wait: Verdict | Promise<Verdict>, code: string, answer: string): Promise<void> => {
    await peer.until(code);
    peer.send(answer);
    await wait;
  };
  await told(talk.mail('<1@x>', [], NONE), 'M', 's');
  talk.abort();
  await told(talk.mail('<2@x>', [], NONE), 'M', 'c');
  talk.abort();
  await told(talk.connect(CLIENT, NONE), 'C', 's');
  const over = talk.handOver();
  await peer.until('U');
  peer.send('c');
  assert.equal(await over, true);
  await told(talk.connect(CLIENT, NONE), 'C', 'c');
});

test('a unix socket works like TCP, without nudges', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'milter-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const filter = await RawFilter.listen(join(folder, 's'));
  t.after(() => filter.close());
  const opening = connectMilter(filter.options({ nudge: true }));
  const peer = await filter.peer();
  assert.equal(await peer.read(), 'O\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff');
  peer.socket.write(choice(1, 0));
  const talk = await opening;
  const end = talk.content(NONE).end();
  await peer.until('E');
  peer.send('hX\0y\0');
  peer.send('c');
  assert.equal((await end).edits.length, 1);
  talk.quit();
  assert.equal(await peer.read(), 'Q');
});

test('a message still open is aborted before the next one, before a greeting and before QUIT', async (t) => {
  const { peer, talk } = await scene(t);
  const step = async (answer: Verdict | Promise<Verdict>, code: string): Promise<string[]> => {
    const frames = await peer.until(code);
    peer.send('c');
    await answer;
    return frames;
  };
  await step(talk.mail('<1@x>', [], NONE), 'M');
  assert.deepEqual(await step(talk.mail('<2@x>', [], NONE), 'M'), ['A', 'DM', 'M<2@x>\0']);
  assert.deepEqual(await step(talk.helo('h', NONE), 'H'), ['A', 'DH', 'Hh\0']);
  await step(talk.mail('<3@x>', [], NONE), 'M');
  talk.quit();
  assert.deepEqual(await peer.take(2), ['A', 'Q']);
});

test('an abort while answers are due makes the conversation unusable and fails the content', async (t) => {
  const { peer, talk } = await scene(t);
  const end = talk.content(NONE).end();
  await peer.until('E');
  talk.abort();
  assert.equal(await codeOf(end), 'disconnected');
  assert.equal(talk.reusable, false);
  assert.equal(await peer.read(), 'A');
});

test('handing over resets the filter with an unknown command, then QUIT_NC; the next client connects', async (t) => {
  const { peer, talk } = await scene(t);
  const mail = talk.mail('<>', [], NONE);
  await peer.until('M');
  peer.send('c');
  await mail;
  const over = talk.handOver();
  assert.deepEqual(await peer.take(2), ['A', 'UNOOP\0']);
  peer.send('c');
  assert.equal(await over, true);
  assert.equal(await peer.read(), 'K');
  const connect = talk.connect(CLIENT, NONE);
  await peer.until('C');
  peer.send('c');
  assert.equal((await connect).kind, 'continue');
});

test('the observer sees every packet with its time, and each answer', async (t) => {
  const seen: string[] = [];
  const { peer, talk, filter } = await scene(t, {
    nudge: true,
    observer: {
      packet: (p) => void seen.push(`${p.at} ${p.direction} ${p.code} ${p.bytes.length}`),
      answered: (event, verdict, waited) => void seen.push(`${event} ${verdict.kind} ${waited}`),
    },
  });
  filter.clock.advance(10);
  const content = talk.content(NONE);
  void content.body(bytesOf('x'.repeat(2000)));
  const end = content.end();
  await peer.until('E');
  filter.clock.advance(5);
  peer.send('c');
  await peer.read();
  peer.send('a');
  await end;
  assert.deepEqual(seen, [
    '0 sent O 12',
    '0 received O 12',
    '10 sent B 2000',
    '10 sent D 1',
    '10 sent E 0',
    '15 received c 0',
    'body continue 5',
    '15 sent D 1',
    '15 received a 0',
    'end accept 5',
  ]);
});
