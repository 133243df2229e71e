import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '#clock';
import { silent } from '#notices';
import { CALL_AHEAD, CallAhead, type CallAheadLimits, type Destination } from './call-ahead.ts';

/** A next hop whose answers to RCPT are given by hand. */
interface Hop {
  readonly to: Destination;
  /** Addresses asked about, in order; `answer` gives the reply to the oldest question that waits. */
  readonly asked: string[];
  answer(reply: string): void;
  /** Resolves when so many questions have come in all. */
  questions(count: number): Promise<void>;
}

async function hopOf(t: TestContext): Promise<Hop> {
  const asked: string[] = [];
  const waiting: Socket[] = [];
  const sockets = new Set<Socket>();
  let count = Infinity;
  let reached = (): void => undefined;
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.write('220 hop\r\n');
    socket.on('data', (text: string) => {
      for (const line of text.split('\r\n').slice(0, -1)) {
        const address = /^RCPT TO:<(.*)>/.exec(line)?.[1];
        if (address === undefined) socket.write(line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
        else {
          asked.push(address);
          waiting.push(socket);
          if (asked.length >= count) reached();
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    to: { hops: [{ name: '127.0.0.1', port, path: '' }], tls: 'off' },
    asked,
    answer: (reply) => void waiting.shift()!.write(`${reply}\r\n`, 'latin1'),
    questions: (wanted) => {
      count = wanted;
      return asked.length >= wanted ? Promise.resolve() : new Promise((resolve) => (reached = resolve));
    },
  };
}

/** Asks as intake does; the code that the client is told. */
function asker(clock: ManualClock, hop: Hop, limits: Partial<CallAheadLimits> = {}) {
  const ahead = new CallAhead({ clock, notices: silent, limits });
  const ask = async (address: string): Promise<number> =>
    (await ahead.check(address, hop.to, 'mx.test'))?.code ?? 250;
  const answered = async (address: string, reply: string): Promise<number> => {
    const before = hop.asked.length;
    const code = ask(address);
    await hop.questions(before + 1);
    hop.answer(reply);
    return code;
  };
  return { ahead, ask, answered };
}

test('what was taken is known for an hour, what was refused for five minutes, what was put off not at all', async (t) => {
  const clock = new ManualClock();
  const hop = await hopOf(t);
  const { ask, answered } = asker(clock, hop);
  assert.equal(await answered('good@in.test', '250 ok'), 250);
  assert.equal(await answered('bad@in.test', '550 no'), 550);
  assert.equal(await answered('busy@in.test', '450 later'), 450);
  clock.advance(CALL_AHEAD.keepBad - 1);
  assert.deepEqual([await ask('good@in.test'), await ask('bad@in.test')], [250, 550]);
  assert.equal(hop.asked.length, 3);
  assert.equal(await answered('busy@in.test', '250 ok'), 250);
  clock.advance(1);
  assert.equal(await answered('bad@in.test', '250 ok'), 250);
  clock.advance(CALL_AHEAD.keepGood - CALL_AHEAD.keepBad);
  assert.equal(await answered('good@in.test', '550 gone'), 550);
});

test('so many addresses are remembered, the oldest go; with none every one is asked about', async (t) => {
  const clock = new ManualClock();
  const hop = await hopOf(t);
  const { ask, answered } = asker(clock, hop, { maxKnown: 2 });
  for (const name of ['a', 'b', 'c']) await answered(`${name}@in.test`, '550 no');
  assert.deepEqual([await ask('b@in.test'), await ask('c@in.test')], [550, 550]);
  assert.equal(await answered('a@in.test', '250 ok'), 250);
  const none = asker(clock, hop, { maxKnown: 0 });
  assert.equal(await none.answered('a@in.test', '550 no'), 550);
  assert.equal(await none.answered('a@in.test', '550 no'), 550);
});

test('so many questions at a time; others wait for a place, and too many are put off', async (t) => {
  const clock = new ManualClock();
  const hop = await hopOf(t);
  const { ask } = asker(clock, hop, { maxAsking: 2, maxWaiting: 1 });
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((n) => ask(`${n}@in.test`));
  assert.equal(await d, 450);
  await hop.questions(2);
  assert.equal(hop.asked.length, 2);
  hop.answer('250 ok');
  await hop.questions(3);
  hop.answer('250 ok');
  hop.answer('250 ok');
  assert.deepEqual(await Promise.all([a, b, c]), [250, 250, 250]);
  assert.deepEqual(hop.asked.toSorted(), ['a@in.test', 'b@in.test', 'c@in.test']);
});

test('a hop that is too slow lets the recipient in, and its route rests; who waited for a place comes again', async (t) => {
  const clock = new ManualClock();
  const hop = await hopOf(t);
  const { ask, answered } = asker(clock, hop, { maxAsking: 1 });
  const slow = ask('slow@in.test');
  const waiting = ask('waiting@in.test');
  await hop.questions(1);
  clock.advance(CALL_AHEAD.timeout);
  assert.deepEqual(await Promise.all([slow, waiting]), [250, 450]);
  assert.equal(await ask('next@in.test'), 250);
  assert.equal(hop.asked.length, 1);
  clock.advance(CALL_AHEAD.rest);
  hop.asked.length = 0;
  // The connection of the slow one is gone: its answer would be to nobody.
  hop.answer('250 late');
  assert.equal(await answered('next@in.test', '550 no'), 550);
});

test('after close nobody waits', async (t) => {
  const clock = new ManualClock();
  const hop = await hopOf(t);
  const { ahead, ask } = asker(clock, hop, { maxAsking: 1 });
  const open = [ask('a@in.test'), ask('b@in.test')];
  await hop.questions(1);
  ahead.close();
  assert.deepEqual(await Promise.all(open), [250, 250]);
  assert.equal(await ask('c@in.test'), 250);
  assert.equal(hop.asked.length, 1);
});

test('what the hop says gets through as one short line of ASCII', async (t) => {
  const clock = new ManualClock();
  const hop = await hopOf(t);
  const { ahead } = asker(clock, hop);
  const answer = Promise.resolve(ahead.check('x@in.test', hop.to, 'mx.test'));
  await hop.questions(1);
  hop.answer(`550 5.7.1 \x1b[31m\xe2\x80\xae${'y'.repeat(400)}`);
  const { text, enhanced } = (await answer)!;
  assert.equal(enhanced, '5.1.1');
  assert.match(text, /^Next hop refused: 550 5\.7\.1 \?\[31m\?y{150,200}\?$/);
});
