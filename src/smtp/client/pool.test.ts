import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { ManualClock } from '#clock';
import { bytesOf, isPermanent, isPositive, isTemporary } from '#message';
import { SmtpPool } from './pool.ts';
import type { PoolOptions } from './pool.ts';
import { CONTENT, codes, machineClock, messageTo, poolTo } from './rig.cases.ts';
import { startHop } from './scripted-hop.cases.ts';
import type { HopScript, ScriptedHop } from './scripted-hop.cases.ts';

async function rig(
  t: TestContext,
  scripts: readonly HopScript[],
  more: Partial<PoolOptions> = {},
): Promise<{ hops: ScriptedHop[]; hop: ScriptedHop; pool: SmtpPool; heard: string[] }> {
  const hops = await Promise.all(scripts.map((s) => startHop(s)));
  const heard: string[] = [];
  const pool = poolTo(hops, more, heard);
  t.after(async () => {
    await pool.close();
    await Promise.all(hops.map((h) => h.close()));
  });
  return { hops, hop: hops[0]!, pool, heard };
}

const verbIs = (line: string, verb: string) => line.toUpperCase().startsWith(verb);

test('a message arrives with its envelope, dots and line ends intact', async (t) => {
  const { hop, pool } = await rig(t, [{}]);
  const statuses = await pool.send(messageTo(['a@x', 'b@y']));
  assert.deepEqual(codes(statuses), [250, 250]);
  assert.equal(statuses[0]!.by, '127.0.0.1');
  assert.deepEqual(hop.delivered, [
    {
      mail: `MAIL FROM:<from@test> SIZE=${CONTENT.length}`,
      rcpts: ['RCPT TO:<a@x>', 'RCPT TO:<b@y>'],
      content: CONTENT,
    },
  ]);
});

test('with PIPELINING the envelope goes out in one write and the content in another', async (t) => {
  const { hop, pool } = await rig(t, [{}]);
  await pool.send(messageTo(['a@x', 'b@y']));
  assert.equal(hop.sessions[0]!.reads.length, 3);
  assert.match(hop.sessions[0]!.reads[1]!, /^MAIL .*\r\nRCPT .*\r\nRCPT .*\r\nDATA\r\n$/);
});

test('without PIPELINING each command waits for its answer', async (t) => {
  const { hop, pool } = await rig(t, [{ offers: [] }]);
  assert.deepEqual(codes(await pool.send(messageTo(['a@x', 'b@y']))), [250, 250]);
  assert.deepEqual(
    hop.sessions[0]!.reads.slice(0, 5).map((r) => r.slice(0, 4)),
    ['EHLO', 'MAIL', 'RCPT', 'RCPT', 'DATA'],
  );
});

test('a host that does not know EHLO is spoken to with HELO', async (t) => {
  const { hop, pool } = await rig(t, [{ command: (l) => (verbIs(l, 'EHLO') ? '502 no' : undefined) }]);
  assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
  assert.deepEqual(hop.sessions[0]!.lines.slice(0, 3), [
    'EHLO us.test',
    'HELO us.test',
    'MAIL FROM:<from@test>',
  ]);
});

test('a 4yz at any place defers and a 5yz bounces only where it speaks of the mail (Q02)', async (t) => {
  for (const stage of ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'dot'])
    for (const reply of ['451 4.3.0 later', '554 5.3.0 never'])
      for (const offers of [[], ['PIPELINING']]) {
        const script: HopScript = {
          offers,
          greeting: () => (stage === 'greeting' ? reply : undefined),
          command: (l) => (verbIs(l, stage) || (stage === 'EHLO' && verbIs(l, 'HELO')) ? reply : undefined),
          content: () => (stage === 'dot' ? reply : undefined),
        };
        const { hop, pool } = await rig(t, [script]);
        const [s] = await pool.send(messageTo(['a@x']));
        const aboutMail = stage !== 'greeting' && stage !== 'EHLO';
        const what = `${reply} at ${stage} with ${String(offers)}`;
        if (reply.startsWith('5') && aboutMail) assert.ok(isPermanent(s!), what);
        else assert.ok(isTemporary(s!), what);
        assert.equal(hop.delivered.length, 0, what);
      }
});

test('a 421 before the content sends the mail to the next host, one after it defers (Q02)', async (t) => {
  for (const stage of ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'dot']) {
    const closing = '421 4.3.2 closing<close>';
    const { hops, pool } = await rig(t, [
      {
        greeting: () => (stage === 'greeting' ? closing : undefined),
        command: (l) => (verbIs(l, stage) ? closing : undefined),
        content: () => (stage === 'dot' ? closing : undefined),
      },
      {},
    ]);
    const statuses = await pool.send(messageTo(['a@x']));
    assert.deepEqual(codes(statuses), [stage === 'dot' ? 421 : 250], stage);
    assert.equal(hops[1]!.delivered.length, stage === 'dot' ? 0 : 1, stage);
  }
});

test('a host that refuses at its greeting is passed over for the next one (Q02)', async (t) => {
  const { hops, pool, heard } = await rig(t, [{ greeting: () => '554 5.7.1 not you' }, {}]);
  assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
  assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
  assert.equal(hops[0]!.sessions.length, 1, 'a host that failed is not asked first again');
  assert.deepEqual(heard, ['delivery.hop-trouble']);
});

test('each recipient has an answer of its own and a 421 leaves the rest for later (Q03)', async (t) => {
  const replies = [
    '250 ok',
    '450 4.2.0 a',
    '550 5.1.1 b',
    '250 ok',
    '452 4.5.3 c',
    '552 too many',
    '421 bye<close>',
  ];
  let n = 0;
  const { hop, pool } = await rig(t, [
    { command: (l) => (verbIs(l, 'RCPT') ? (replies[n++] ?? '') : undefined) },
  ]);
  const statuses = await pool.send(messageTo(Array.from({ length: 10 }, (_, i) => `r${i}@x`)));
  assert.deepEqual(codes(statuses), [421, 450, 550, 421, 452, 452, 421, 421, 421, 421]);
  assert.equal(hop.delivered.length, 0);
});

test('after a 421 amid the recipients only those without an answer go to the next host (Q03)', async (t) => {
  const replies = ['250 ok', '450 4.2.0 a', '550 5.1.1 b', '421 bye<close>'];
  let n = 0;
  const { hops, pool } = await rig(t, [
    { command: (l) => (verbIs(l, 'RCPT') ? (replies[n++] ?? '') : undefined) },
    {},
  ]);
  assert.deepEqual(
    codes(await pool.send(messageTo(['a@x', 'b@x', 'c@x', 'd@x', 'e@x']))),
    [250, 450, 550, 250, 250],
  );
  assert.deepEqual(hops[1]!.delivered[0]!.rcpts, ['RCPT TO:<a@x>', 'RCPT TO:<d@x>', 'RCPT TO:<e@x>']);
});

test('hostile replies end in a temporary status and the next host (Q15)', async (t) => {
  const hostile = [
    'abc\r\n',
    '2\r\n',
    '250-a\r\n550 b\r\n',
    '250-x\r\n'.repeat(100_000),
    '2'.repeat(1_000_000),
    '250 ok\n',
    '\0\0\0\r\n',
    '\x1b[2J\r\n',
    '999 x\r\n',
  ];
  for (const reply of hostile)
    for (const stage of ['greeting', 'EHLO', 'MAIL', 'DATA']) {
      const { hops, pool } = await rig(t, [
        {
          greeting: () => (stage === 'greeting' ? reply : undefined),
          command: (l) => (verbIs(l, stage) ? reply : undefined),
        },
        {},
      ]);
      assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250], `${stage} ${reply.slice(0, 20)}`);
      assert.equal(hops[1]!.delivered.length, 1);
    }
});

test('a hostile reply to the final dot defers and asks nobody else (Q15)', async (t) => {
  const { hops, pool } = await rig(t, [{ content: () => '2xx\x00\r\n' }, {}]);
  const [s] = await pool.send(messageTo(['a@x']));
  assert.ok(isTemporary(s!));
  assert.equal(hops[1]!.sessions.length, 0);
});

test('a hop that swallows pipelined commands costs a time-out and nothing else (Q18)', async (t) => {
  let seen = 0;
  const { hop, pool } = await rig(t, [
    { command: (l) => (/^(MAIL|RCPT|DATA)/.test(l) && ++seen > 3 ? '' : undefined) },
  ]);
  const statuses = await pool.send(messageTo(['a@x', 'b@x', 'c@x']));
  assert.ok(statuses.every(isTemporary));
  assert.equal(hop.delivered.length, 0);
});

test('a 250 to DATA, or one before the dot, is never taken for delivery (Q18)', async (t) => {
  for (const reply of ['250 done', '354 go on\r\n250 done']) {
    const { pool } = await rig(t, [{ command: (l) => (verbIs(l, 'DATA') ? reply : undefined) }]);
    const [s] = await pool.send(messageTo(['a@x']));
    assert.ok(isTemporary(s!), reply);
  }
});

test('a hop that closes at its 354 or after the dot leaves the mail deferred (Q18)', async (t) => {
  for (const script of [
    { command: (l: string) => (verbIs(l, 'DATA') ? '354 go on<close>' : undefined) },
    { content: () => '<close>' },
  ]) {
    const { pool } = await rig(t, [script]);
    const [s] = await pool.send(messageTo(['a@x']));
    assert.ok(isTemporary(s!));
  }
});

test('a 354 although no recipient was taken gets empty content and nobody is delivered', async (t) => {
  const { hop, pool } = await rig(t, [
    { command: (l) => (verbIs(l, 'RCPT') ? '550 5.1.1 no' : verbIs(l, 'DATA') ? '354 go' : undefined) },
  ]);
  assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [550]);
  assert.deepEqual(hop.delivered[0]?.content, '');
});

test('a connection is used for message after message', async (t) => {
  const { hop, pool } = await rig(t, [{}]);
  for (let i = 0; i < 20; i++) assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
  assert.equal(hop.sessions.length, 1);
  assert.equal(hop.delivered.length, 20);
});

test('after a transaction that ended without content RSET goes before the next MAIL', async (t) => {
  for (const offers of [[], ['PIPELINING']]) {
    let first = true;
    const { hop, pool } = await rig(t, [
      {
        offers,
        command: (l) => {
          if (!verbIs(l, 'RCPT') || !first) return undefined;
          first = false;
          return '550 5.1.1 no';
        },
      },
    ]);
    assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [550]);
    assert.deepEqual(codes(await pool.send(messageTo(['b@x']))), [250]);
    assert.equal(hop.sessions.length, 1);
    const lines = hop.sessions[0]!.lines;
    assert.equal(lines[lines.lastIndexOf('RCPT TO:<b@x>') - 2], 'RSET');
  }
});

test('a connection carries no more messages than it may', async (t) => {
  const { hop, pool } = await rig(t, [{}], { maxMessages: 3 });
  for (let i = 0; i < 7; i++) await pool.send(messageTo(['a@x']));
  assert.deepEqual(
    hop.sessions.map((s) => s.messages),
    [3, 3, 1],
  );
});

test('a kept connection that died is replaced without the message noticing (Q22)', async (t) => {
  for (const every of [1, 7, 20]) {
    const { hop, pool, heard } = await rig(t, [
      { content: (_, s) => (s.messages % every === 0 ? '250 ok<close>' : undefined) },
    ]);
    const sends = Array.from({ length: 60 }, (_, i) => i);
    for (const i of sends) assert.deepEqual(codes(await pool.send(messageTo([`r${i}@x`]))), [250]);
    assert.deepEqual(
      hop.delivered.map((m) => m.rcpts[0]),
      sends.map((i) => `RCPT TO:<r${i}@x>`),
    );
    assert.deepEqual(heard, []);
  }
});

test('a kept connection that answers MAIL with 421 is replaced too (Q22)', async (t) => {
  const { hop, pool, heard } = await rig(t, [
    { command: (l, s) => (verbIs(l, 'MAIL') && s.messages > 0 ? '421 4.4.2 idle<close>' : undefined) },
  ]);
  for (let i = 0; i < 5; i++) assert.deepEqual(codes(await pool.send(messageTo(['a@x']))), [250]);
  assert.equal(hop.sessions.length, 5);
  assert.deepEqual(heard, []);
});

test('unused connections are closed with QUIT after the idle time', async (t) => {
  const clock = new ManualClock();
  const { hop, pool } = await rig(t, [{}], { clock, idleMs: 5000 });
  await pool.send(messageTo(['a@x']));
  assert.equal(pool.connections, 1);
  clock.advance(4999);
  assert.equal(pool.connections, 1);
  clock.advance(1);
  assert.equal(pool.connections, 0);
  await pool.send(messageTo(['a@x']));
  assert.equal(hop.sessions.length, 2);
  assert.equal(hop.sessions[0]!.lines.at(-1), 'QUIT');
});

test('no more connections than allowed are open, and everybody gets a turn', async (t) => {
  let now = 0;
  let most = 0;
  const { hop, pool } = await rig(
    t,
    [
      {
        command: (l) => {
          if (verbIs(l, 'MAIL')) most = Math.max(most, ++now);
          return undefined;
        },
        content: () => {
          now--;
          return undefined;
        },
      },
    ],
    { maxConnections: 3 },
  );
  const all = await Promise.all(Array.from({ length: 40 }, (_, i) => pool.send(messageTo([`r${i}@x`]))));
  assert.ok(all.every((s) => isPositive(s[0]!)));
  assert.equal(hop.sessions.length, 3);
  assert.ok(most <= 3);
  assert.equal(hop.delivered.length, 40);
});

test('a host nobody listens at is a temporary status in bland words (Q01)', async (t) => {
  const server = createServer();
  await new Promise<void>((r) => server.listen(0, '127.0.0.1', r));
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const pool = poolTo([{ port }]);
  t.after(() => pool.close());
  assert.deepEqual(await pool.send(messageTo(['a@x'])), [
    { code: 451, enhanced: '4.4.1', text: 'no connection to 127.0.0.1', by: 'millrace' },
  ]);
});

test('a host that says nothing, or drips bytes without end, is given up in time (Q01)', async (t) => {
  for (const greeting of ['', '220-slow\r\n']) {
    const { pool } = await rig(t, [{ greeting: () => greeting }]);
    const [s] = await pool.send(messageTo(['a@x']));
    assert.deepEqual([s!.code, s!.enhanced], [451, '4.4.2']);
  }
});

test('a body that streams is sent whole, and one that breaks is never closed with a dot', async (t) => {
  const { hop, pool } = await rig(t, [{}]);
  const line = bytesOf('x'.repeat(70) + '\r\n');
  const stream = (lines: number, breaks: boolean) => ({
    size: lines * line.length,
    chunks: null,
    async *read() {
      for (let i = 0; i < lines; i++) yield line;
      if (breaks) throw new Error('disk');
    },
  });
  assert.deepEqual(codes(await pool.send(messageTo(['a@x'], { body: stream(5000, false), size: 1 }))), [250]);
  assert.equal(hop.delivered[0]!.content.length, CONTENT.indexOf('\r\n\r\n') + 4 + 5000 * 72);
  const [s] = await pool.send(messageTo(['a@x'], { body: stream(50, true), size: 1 }));
  assert.deepEqual([s!.code, s!.enhanced], [451, '4.3.0']);
  assert.equal(hop.delivered.length, 1);
});

test('a hop that stops reading holds the body back and is given up in time', async (t) => {
  const server = createServer((s) => {
    s.on('error', () => {});
    s.write('220 hi\r\n');
    let step = 0;
    s.on('data', () => {
      if (step++ === 0) s.write('250-hop\r\n250 PIPELINING\r\n');
      else {
        s.write('250 ok\r\n250 ok\r\n354 go\r\n');
        s.pause();
      }
    });
  });
  await new Promise<void>((r) => server.listen(0, '127.0.0.1', r));
  const pool = poolTo([server.address() as AddressInfo]);
  t.after(async () => {
    await pool.close();
    server.close();
  });
  let given = 0;
  const body = {
    size: 1e9,
    chunks: null,
    async *read() {
      for (; given < 1e9; given += 65_536) yield new Uint8Array(65_536).fill(97);
    },
  };
  const [s] = await pool.send(messageTo(['a@x'], { body, size: 1 }));
  assert.deepEqual([s!.code, s!.enhanced], [451, '4.4.2']);
  assert.ok(given < 50e6, `${given} bytes were taken from the body`);
});

test('breaking off by signal gives temporary answers at once', async (t) => {
  const { pool, hop } = await rig(t, [{ content: () => '' }], { timeouts: {} });
  const abort = new AbortController();
  const sending = pool.send(messageTo(['a@x']), abort.signal);
  const poll = async () => {
    while ((hop.sessions[0]?.messages ?? 0) === 0) await new Promise((r) => setImmediate(r));
  };
  await poll();
  abort.abort();
  const [s] = await sending;
  assert.ok(isTemporary(s!));
  assert.equal(pool.connections, 0);
});

test('a closed pool takes nothing more', async () => {
  const pool = new SmtpPool({
    hops: [{ name: '127.0.0.1', port: 9, path: '' }],
    hostname: 'us.test',
    tls: 'off',
    clock: machineClock,
    notices: () => {},
  });
  await pool.close();
  assert.ok(isTemporary((await pool.send(messageTo(['a@x'])))[0]!));
});
