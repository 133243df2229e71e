/** Messages announced behind the content of another: who gets which answer, and that nobody is lost or sent twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '#clock';
import { bodyOf, bytesOf, isPositive, isTemporary } from '#message';
import type { Status } from '#message';
import type { SmtpPool, PoolOptions } from './pool.ts';
import { CONTENT, codes, messageTo, poolTo } from './rig.cases.ts';
import { startHop } from './scripted-hop.cases.ts';
import type { HopScript, ScriptedHop } from './scripted-hop.cases.ts';

interface Rig {
  readonly hop: ScriptedHop;
  readonly pool: SmtpPool;
  readonly heard: string[];
}

/** A pool that has seen one message delivered, so that it knows the hop for a swift one. One connection unless more are allowed. */
async function rig(t: TestContext, script: HopScript, more: Partial<PoolOptions> = {}): Promise<Rig> {
  const hop = await startHop(script);
  const heard: string[] = [];
  const pool = poolTo([hop], { maxConnections: 1, joinMs: 500, swiftMs: 2000, ...more }, heard);
  t.after(async () => {
    await pool.close();
    await hop.close();
  });
  assert.deepEqual(codes(await pool.send(messageTo(['first@x']))), [250]);
  return { hop, pool, heard };
}

const sendAll = (pool: SmtpPool, names: string): Promise<(readonly Status[])[]> =>
  Promise.all(names.split('').map((n) => pool.send(messageTo([`${n}@x`]))));

const of = (name: string) => `RCPT TO:<${name}@x>`;
const namesDelivered = (hop: ScriptedHop): string =>
  hop.delivered.map((m) => /<(.*)@/.exec(m.rcpts[0] ?? '')?.[1] ?? '-').join(' ');
const announcements = (hop: ScriptedHop): number =>
  hop.sessions.flatMap((s) => s.reads).filter((r) => /\r\n\.\r\nMAIL/.test(r)).length;

/** A script that is asked what to say to a verb of this message, and to its content. */
function transactions(
  commands: (verb: string, name: string) => string | undefined,
  content: (name: string) => string | undefined = () => undefined,
): HopScript {
  // Messages of `namedTo` say at MAIL already whose they are.
  let name = '';
  return {
    command: (line) => {
      const address = /<(.*)@/.exec(line)?.[1];
      if (address !== undefined) name = address;
      return commands(line.slice(0, 4), name);
    },
    content: (message) => content(/<(.*)@/.exec(message.rcpts[0] ?? '')?.[1] ?? ''),
  };
}

const namedTo = (name: string) => messageTo([`${name}@x`], { sender: `${name}@us` });
const sendNamed = (pool: SmtpPool, names: string): Promise<(readonly Status[])[]> =>
  Promise.all(names.split('').map((n) => pool.send(namedTo(n))));

test('the commands of a message that waits go out in one write with the content before it', async (t) => {
  const { hop, pool } = await rig(t, {});
  const all = await sendAll(pool, 'abc');
  assert.deepEqual(all.map(codes), [[250], [250], [250]]);
  const commands = (n: string) => `MAIL FROM:<from@test> SIZE=${CONTENT.length}\r\n${of(n)}\r\nDATA\r\n`;
  const content = CONTENT.replace(/^\./m, '..') + '.\r\n';
  assert.deepEqual(hop.sessions[0]!.reads.slice(1), [
    commands('first'),
    content,
    commands('a'),
    content + commands('b'),
    content + commands('c'),
    content,
  ]);
  assert.equal(namesDelivered(hop), 'first a b c');
  assert.deepEqual(
    hop.delivered.map((m) => m.content),
    Array.from({ length: 4 }, () => CONTENT),
  );
});

test('a third message waits for one of two that are on their way to their content', async (t) => {
  const { hop, pool } = await rig(t, {}, { maxConnections: 10 });
  assert.ok((await sendAll(pool, 'abcd')).every(([s]) => isPositive(s!)));
  assert.equal(hop.sessions.length, 2);
  assert.equal(announcements(hop), 2);
});

test('one message after another, or two at a time, never wait', async (t) => {
  const { hop, pool } = await rig(t, {}, { maxConnections: 10, clock: new ManualClock() });
  for (const names of ['a', 'b', 'cd', 'ef']) await sendAll(pool, names);
  assert.equal(announcements(hop), 0);
  assert.equal(hop.delivered.length, 7);
});

test('a refused content says nothing about the message announced behind it, nor the other way round', async (t) => {
  for (const refused of ['a', 'b', 'c']) {
    const { hop, pool, heard } = await rig(
      t,
      transactions(
        () => undefined,
        (n) => (n === refused ? '554 5.7.1 no' : undefined),
      ),
    );
    const all = await sendAll(pool, 'abc');
    assert.deepEqual(
      all.map(codes),
      ['a', 'b', 'c'].map((n) => [n === refused ? 554 : 250]),
    );
    assert.equal(namesDelivered(hop), ['first', 'a', 'b', 'c'].filter((n) => n !== refused).join(' '));
    assert.equal(announcements(hop), 2);
    assert.deepEqual(heard, []);
  }
});

test('a connection lost at the content before sends the announced message over another (Q22)', async (t) => {
  for (const [answer, code] of [
    ['421 4.3.2 closing<close>', 421],
    ['<close>', 451],
    ['250 2.0.0 taken<close>', 250],
    ['no reply at all<close>', 451],
  ] as const) {
    const { hop, pool, heard } = await rig(
      t,
      transactions(
        () => undefined,
        (n) => (n === 'a' ? answer : undefined),
      ),
    );
    const all = await sendAll(pool, 'abc');
    assert.deepEqual(all.map(codes), [[code], [250], [250]], answer);
    assert.equal(hop.sessions.length, 2, answer);
    assert.equal(namesDelivered(hop), code === 250 ? 'first a b c' : 'first b c', answer);
    assert.deepEqual(heard, [], answer);
  }
});

test('an announced message whose MAIL is answered with 421 goes out over another connection (Q22)', async (t) => {
  let once = true;
  const { hop, pool, heard } = await rig(
    t,
    transactions((verb, n) => {
      if (verb !== 'MAIL' || n !== 'b' || !once) return undefined;
      once = false;
      return '421 4.7.0 enough<close>';
    }),
  );
  assert.deepEqual((await sendNamed(pool, 'ab')).map(codes), [[250], [250]]);
  assert.equal(namesDelivered(hop), 'first a b');
  assert.equal(hop.sessions.length, 2);
  assert.deepEqual(heard, []);
});

test('a refused announced message leaves those before and behind it alone', async (t) => {
  for (const verb of ['MAIL', 'RCPT', 'DATA']) {
    const { hop, pool } = await rig(
      t,
      transactions((v, n) => {
        if (n !== 'b') return undefined;
        if (verb === 'MAIL' && v !== 'MAIL') return '503 5.5.1 MAIL first';
        return v === verb ? '550 5.7.1 no' : undefined;
      }),
    );
    assert.deepEqual((await sendNamed(pool, 'abc')).map(codes), [[250], [550], [250]], verb);
    assert.equal(namesDelivered(hop), 'first a c');
    assert.equal(hop.sessions.length, 1);
    const { lines } = hop.sessions[0]!;
    assert.equal(lines[lines.indexOf(of('c')) - 2], 'RSET');
  }
});

test('a 354 for an announced message without recipients gets empty content (RFC 2920 3.1)', async (t) => {
  const { hop, pool } = await rig(
    t,
    transactions((verb, n) => {
      if (n !== 'b') return undefined;
      return verb === 'RCPT' ? '550 5.1.1 no' : verb === 'DATA' ? '354 go' : undefined;
    }),
  );
  assert.deepEqual((await sendNamed(pool, 'abc')).map(codes), [[250], [550], [250]]);
  assert.equal(namesDelivered(hop), 'first a - c');
  assert.equal(hop.delivered[2]!.content, '');
  assert.equal(hop.sessions.length, 1);
});

test('each recipient of an announced message has an answer of its own', async (t) => {
  const { pool } = await rig(
    t,
    transactions((verb, n) => (verb === 'RCPT' && n === 'n' ? '450 4.2.0 full' : undefined)),
  );
  const [, statuses] = await Promise.all([
    pool.send(messageTo(['a@x'])),
    pool.send(messageTo(['y@x', 'n@x', 'y@x', '"@x'])),
  ]);
  assert.deepEqual(codes(statuses), [250, 450, 250, 553]);
});

test('a message that is broken off while it is announced is not sent, and the one before it is', async (t) => {
  const abort = new AbortController();
  const { hop, pool } = await rig(
    t,
    transactions(
      () => undefined,
      (n) => {
        if (n === 'a') abort.abort();
        return undefined;
      },
    ),
  );
  const [a, b, c] = await Promise.all([
    pool.send(namedTo('a')),
    pool.send(namedTo('b'), abort.signal),
    pool.send(namedTo('c')),
  ]);
  assert.equal(announcements(hop), 1);
  assert.deepEqual([a, b, c].map(codes), [[250], [451], [250]]);
  assert.equal(namesDelivered(hop), 'first a c');
  assert.equal(hop.sessions.length, 2, 'the connection that waits for the content of b is of no use');
});

test('a message that is broken off leaves the one announced behind it to another connection', async (t) => {
  const abort = new AbortController();
  const { hop, pool, heard } = await rig(
    t,
    transactions(
      () => undefined,
      (n) => {
        if (n === 'a') abort.abort();
        return n === 'a' ? '' : undefined;
      },
    ),
  );
  const [a, b] = await Promise.all([
    pool.send(messageTo(['a@x']), abort.signal),
    pool.send(messageTo(['b@x'])),
  ]);
  assert.deepEqual([a, b].map(codes), [[451], [250]]);
  assert.equal(namesDelivered(hop), 'first b');
  assert.deepEqual(heard, []);
});

test('a message in line that is broken off is answered at once', async (t) => {
  const { hop, pool } = await rig(t, {
    command: (l, s) => (s.messages > 0 && l === 'DATA' ? '' : undefined),
  });
  const abort = new AbortController();
  const a = pool.send(messageTo(['a@x']));
  const b = pool.send(messageTo(['b@x']), abort.signal);
  abort.abort();
  assert.deepEqual(codes(await b), [451]);
  assert.deepEqual(codes(await pool.send(messageTo(['c@x']), AbortSignal.abort())), [451]);
  await pool.close();
  assert.ok(isTemporary((await a)[0]!));
  assert.ok(!hop.sessions.some((s) => s.lines.includes(of('b')) || s.lines.includes(of('c'))));
});

test('nothing is announced at a hop that takes its time with the content', async (t) => {
  const clock = new ManualClock();
  const late = {
    content: () => {
      clock.advance(5);
      return undefined;
    },
  };
  const { hop, pool } = await rig(t, late, {
    clock,
    idleTime: () => clock.elapsed(),
    maxConnections: 20,
    joinMs: 1,
    swiftMs: 5,
  });
  assert.ok((await sendAll(pool, 'abcdef')).every(([s]) => isPositive(s!)));
  assert.equal(
    hop.sessions.length,
    6,
    'everybody has a connection at once: this clock would let nobody wait',
  );
  assert.equal(announcements(hop), 0);
});

test('a message waits no longer than its time when those before it do not come to their content', async (t) => {
  const { hop, pool } = await rig(
    t,
    transactions((verb, n) => (verb === 'DATA' && 'ab'.includes(n) ? '' : undefined)),
    { maxConnections: 20, joinMs: 1 },
  );
  const stuck = sendNamed(pool, 'ab');
  assert.deepEqual(codes(await pool.send(namedTo('c'))), [250]);
  assert.equal(hop.sessions.length, 3);
  await pool.close();
  assert.ok((await stuck).every(([s]) => isTemporary(s!)));
});

test('an announced message does not wait for a content that is not answered', async (t) => {
  const stuck = new Set<unknown>();
  const { hop, pool } = await rig(
    t,
    {
      command: (_, session) => (stuck.has(session) ? '' : undefined),
      content: (message, session) => {
        if (message.rcpts[0] !== of('a')) return undefined;
        stuck.add(session);
        return '';
      },
    },
    { maxConnections: 3, timeouts: { along: 20 } },
  );
  const [a, ...others] = ['a', 'b', 'c', 'd'].map((n) => pool.send(namedTo(n)));
  assert.deepEqual((await Promise.all(others)).map(codes), [[250], [250], [250]]);
  assert.ok(announcements(hop) >= 1);
  await pool.close();
  assert.ok(isTemporary((await a!)[0]!));
  assert.equal(hop.delivered.length, 4);
});

test('a hop that does not understand commands behind a content is not asked so again', async (t) => {
  for (const answer of ['', '503 5.5.1 out of order']) {
    let announced = false;
    const { hop, pool, heard } = await rig(
      t,
      transactions((verb, n) => {
        if (verb === 'MAIL' && n === 'b' && !announced) announced = true;
        else if (verb === 'MAIL' || verb === 'EHLO') announced = false;
        return announced && n === 'b' && verb !== 'RSET' && hop.sessions.length === 1 ? answer : undefined;
      }),
      { timeouts: { along: 20 } },
    );
    assert.deepEqual(
      (await sendNamed(pool, 'abcdef')).map(codes),
      Array.from({ length: 6 }, () => [250]),
    );
    assert.equal(announcements(hop), 1, answer);
    assert.equal(hop.delivered.length, 7);
    assert.deepEqual(heard, []);
  }
});

test('a connection carries no more messages than it may, announced ones too', async (t) => {
  const { hop, pool } = await rig(t, {}, { maxMessages: 3 });
  await sendAll(pool, 'abcdef');
  assert.deepEqual(
    hop.sessions.map((s) => s.messages),
    [3, 3, 1],
  );
});

test('nothing is announced where it is switched off or not offered', async (t) => {
  for (const [script, more] of [
    [{}, { swiftMs: 0 }],
    [{ offers: [] }, {}],
  ] as const) {
    const { hop, pool } = await rig(t, script, more);
    assert.ok((await sendAll(pool, 'abcd')).every(([s]) => isPositive(s!)));
    assert.equal(announcements(hop), 0);
  }
  const { hop, pool } = await rig(t, {}, { joinMs: 0, maxConnections: 10 });
  await sendAll(pool, 'abcd');
  assert.equal(hop.sessions.length, 4, 'without time to wait everybody has a connection of its own');
});

test('a message announces another when all of it goes out in one write', async (t) => {
  const header = bytesOf('From: a@test\r\n');
  const sized = (size: number) => {
    const body = bodyOf([bytesOf('x'.repeat(size - header.length - 4) + '\r\n')]);
    return messageTo(['a@x'], { header, body, size });
  };
  for (const [size, expected] of [
    [16_383, 1],
    [16_384, 1],
    [16_385, 0],
  ] as const) {
    const { hop, pool } = await rig(t, {});
    await Promise.all([pool.send(sized(size)), pool.send(messageTo(['b@x']))]);
    assert.equal(announcements(hop), expected, `${size}`);
    assert.equal(namesDelivered(hop), 'first a b');
  }
});

/** Answers that a hop may give to MAIL, RCPT or DATA, healthy ones most of the time. */
const ANSWERS = [
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  '450 4.2.0 x',
  '550 5.1.1 x',
  '421 x<close>',
].concat(['<close>', '354 go', 'nonsense', '503 5.5.1 x', '250 ok<close>']);
const CONTENT_ANSWERS = [undefined, undefined, undefined, undefined, '452 4.3.1 x', '554 5.6.0 x'].concat([
  '421 x<close>',
  '<close>',
  '250 ok<close>',
  'nonsense<close>',
]);

test('whatever the hop answers, each message has one answer and is there once exactly when it is positive', async () => {
  const picks = fc.array(fc.nat(), { minLength: 1, maxLength: 40 });
  const aborts = fc.array(fc.nat({ max: 60 }), { maxLength: 3 });
  const names = Array.from({ length: 12 }, (_, i) => `r${i}`);
  const short = { mail: 40, rcpt: 40, data: 40, dot: 40, along: 40, command: 40 };
  await fc.assert(
    fc.asyncProperty(picks, picks, aborts, fc.integer({ min: 1, max: 4 }), async (...given) => {
      const [commands, contents, abortAt, maxConnections] = given;
      const signals = names.map(() => new AbortController());
      let n = -1;
      const pick = (from: readonly (string | undefined)[], by: readonly number[]) => {
        if (n < 0) return undefined;
        if (abortAt.includes(n)) signals[n % signals.length]!.abort();
        return from[by[n++ % by.length]! % from.length];
      };
      const hop = await startHop({
        command: (l) => (/^(?:MAIL|RCPT|DATA)/.test(l) ? pick(ANSWERS, commands) : undefined),
        content: () => pick(CONTENT_ANSWERS, contents),
      });
      const pool = poolTo([hop], { maxConnections, joinMs: 1, swiftMs: 1000, timeouts: short });
      try {
        await sendAll(pool, '!');
        n = 0;
        const all = await Promise.all(
          names.map((name, i) => pool.send(messageTo([`${name}@x`]), signals[i]!.signal)),
        );
        names.forEach((name, i) => {
          assert.equal(all[i]!.length, 1);
          const times = hop.delivered.filter((m) => m.rcpts.includes(of(name))).length;
          const positive = isPositive(all[i]![0]!);
          // Who breaks a message off may miss that it was taken; nobody else may.
          if (positive || !signals[i]!.signal.aborted)
            assert.equal(times, positive ? 1 : 0, `${name}: ${JSON.stringify(all[i])}`);
          else assert.ok(times <= 1, name);
        });
      } finally {
        await pool.close();
        await hop.close();
      }
    }),
    { numRuns: 60 },
  );
});
