/** Next hops that refuse, misbehave and vanish, seen from the queue (reliability Q02, Q03, Q04, Q15, Q18, Q22; P20, P22). */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HopScript } from '../src/smtp/client/scripted-hop.cases.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { relayScene, says, type Way } from './support/relay-scene.ts';
import { pause, until } from './support/wait.ts';

const STAGES = ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'dot'] as const;
type Stage = (typeof STAGES)[number];

/** Says `reply` at `stage` in the first session, and there only once about mail. */
function refusing(stage: Stage, reply: string): HopScript {
  const answer = reply.startsWith('421') ? `${reply}<close>` : reply;
  let left = 1;
  const about = (here: boolean): string | undefined => (here && left-- > 0 ? answer : undefined);
  return {
    greeting: (s) => (stage === 'greeting' && s.number === 1 ? answer : undefined),
    command: (l, s) =>
      stage === 'EHLO' && /^(EHLO|HELO)/.test(l) && s.number === 1
        ? answer
        : about(stage !== 'EHLO' && says(l, stage)),
    content: () => about(stage === 'dot'),
  };
}

test('Q02: a 4yz anywhere is tried again, a 5yz bounces once where it speaks of the mail, 421 and greeting trouble never', async (t) => {
  const cleanup = new Cleanup(t);
  const ways: Record<string, Way> = {};
  for (const stage of STAGES)
    for (const [kind, reply] of Object.entries({
      four: '451 4.3.0 later',
      five: '554 5.3.0 never',
      closing: '421 4.3.2 bye',
    })) {
      ways[`${kind}-${stage.toLowerCase()}.test`] = { hops: [refusing(stage, reply)] };
      ways[`${kind}-${stage.toLowerCase()}-two.test`] = { hops: [refusing(stage, reply), {}] };
    }
  const s = await relayScene(cleanup, ways);
  const domains = Object.keys(ways);
  await Promise.all(domains.map((domain) => s.send(domain, ['u'], `${domain}@out.test`)));
  await Promise.all(domains.map((domain) => s.finished(domain, 1)));
  let bounced = 0;
  for (const domain of domains) {
    const [, kind, stage] = /^(\w+?)-(\w+?)(?:-two)?\.test$/.exec(domain)!;
    const two = domain.includes('-two');
    const aboutMail = ['mail', 'rcpt', 'data', 'dot'].includes(stage!);
    const taken = s.hops[domain]!.map((h) => h.delivered.length);
    if (kind === 'five' && aboutMail) {
      bounced++;
      assert.deepEqual(s.told(domain), ['failed 554 5.3.0 u'], domain);
      assert.deepEqual(taken, two ? [0, 0] : [0], domain);
      continue;
    }
    // Trouble with the host itself, or a 421 before the content: the second host has it at once.
    const atOnce = two && (!aboutMail || (kind === 'closing' && stage !== 'dot'));
    assert.deepEqual(
      s.told(domain).map((line) => line.split(' ')[0]),
      atOnce ? ['delivered'] : ['deferred', 'delivered'],
      domain,
    );
    assert.equal(
      taken.reduce((a, b) => a + b),
      1,
      domain,
    );
  }
  assert.equal(bounced, 8);
  await until('the notices', 5000, async () => (await s.notices()).length >= bounced);
  const to = (await s.notices()).map((n) => n.field('To')[0]);
  assert.equal(new Set(to).size, bounced, 'one notice each');
  assert.equal(to.length, bounced);
});

test('Q03: ten recipients, each ends as the hop said of it', async (t) => {
  const cleanup = new Cleanup(t);
  const first = [
    '250 ok',
    '450 4.2.0 later',
    '550 5.1.1 no',
    '250 ok',
    '452 4.5.3 many',
    '552 many',
    '421 bye',
  ];
  const replies = [...first.slice(0, 6), '250 ok', '421 4.3.2 bye<close>'];
  let n = 0;
  const s = await relayScene(cleanup, {
    'ten.test': { hops: [{ command: (l) => (says(l, 'RCPT') ? replies[n++] : undefined) }] },
    // No 421: the accepted ones are delivered in the first transaction.
    'six.test': {
      hops: [
        {
          command: (l, h) => (says(l, 'RCPT') && h.messages === 0 ? first[Number(/\d/.exec(l))] : undefined),
        },
      ],
    },
  });
  const ten = Array.from({ length: 10 }, (_, i) => `r${i}`);
  await s.send('ten.test', ten);
  await s.send('six.test', ten.slice(0, 6));
  await s.finished('ten.test', 10);
  await s.finished('six.test', 6);
  for (const domain of ['ten.test', 'six.test']) {
    const count = domain === 'ten.test' ? 10 : 6;
    const got = s.hops[domain]![0]!.delivered.flatMap((m) =>
      m.rcpts.map((r) => /r\d/.exec(r)![0]),
    ).toSorted();
    assert.deepEqual(
      got,
      ten.slice(0, count).filter((r) => r !== 'r2'),
      `${domain}: everybody else once`,
    );
    assert.ok(s.told(domain).includes('deferred 450 4.2.0 r1'));
    assert.ok(s.told(domain).includes('deferred 452 4.5.3 r5'), '552 at RCPT is too many');
    assert.deepEqual(
      s.told(domain).filter((l) => l.startsWith('failed')),
      ['failed 550 5.1.1 r2'],
    );
  }
  assert.equal(s.hops['six.test']![0]!.delivered[0]!.rcpts.length, 2);
  assert.equal(
    s.told('ten.test').filter((l) => l.startsWith('deferred 421 4.3.2')).length,
    6,
    'those it had taken, too: they got no content',
  );
  await until('the notices', 5000, async () => (await s.notices()).length >= 2);
  for (const notice of await s.notices()) {
    assert.deepEqual(notice.text.match(/^Final-Recipient: .*$/gm)!.length, 1);
    assert.match(notice.text, /^Final-Recipient: rfc822; r2@(ten|six)\.test$/m);
  }
});

test('Q04: LMTP answers each recipient after the dot, and each is recorded alone', async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const hop: HopScript = {
    lmtp: true,
    content: (_, { number, messages }) =>
      number === 1 && messages === 1
        ? '250 2.0.0 ok\r\n450 4.2.1 busy\r\n550 5.2.1 no\r\n250 2.0.0 ok<close>'
        : undefined,
  };
  const s = await relayScene(cleanup, {
    'tcp.test': { hops: [hop], route: { via: 'lmtp' } },
    'unix.test': {
      hops: [{ ...hop, path: join(folder, 'lmtp') }],
      route: { via: 'lmtp', tls: 'opportunistic' },
    },
  });
  for (const domain of ['tcp.test', 'unix.test']) {
    await s.send(domain, ['r0', 'r1', 'r2', 'r3', 'r4']);
    await s.finished(domain, 5);
    assert.deepEqual(s.told(domain), [
      'delivered 250 2.0.0 r0',
      'deferred 450 4.2.1 r1',
      'failed 550 5.2.1 r2',
      'delivered 250 2.0.0 r3',
      'deferred 451 4.4.2 r4',
      'delivered 250 2.0.0 r1',
      'delivered 250 2.0.0 r4',
    ]);
    assert.deepEqual(
      s.hops[domain]![0]!.delivered.map((m) => m.rcpts.length),
      [5, 2],
    );
  }
  await until('the notices', 5000, async () => (await s.notices()).length >= 2);
  assert.equal((await s.notices()).length, 2);
});

test('Q15: hostile replies are bounded, the next host is tried, what is kept of them is clean', async (t) => {
  const cleanup = new Cleanup(t);
  const hostile = [
    'abc\r\n',
    '2\r\n',
    '250\n',
    '250-\r\n'.repeat(100_000),
    '250-a\r\n550 b\r\n',
    '250 nul \0\r',
    '\x1b[2J250 ok\r\n',
    '\xff\xfe\r\n',
  ];
  const ways: Record<string, Way> = {};
  for (const [i, reply] of hostile.entries())
    for (const stage of ['greeting', 'MAIL', 'RCPT'] as const)
      ways[`h${i}-${stage.toLowerCase()}.test`] = {
        hops: [
          {
            greeting: () => (stage === 'greeting' ? reply : undefined),
            command: (l) => (says(l, stage) ? reply : undefined),
          },
          {},
        ],
      };
  ways['text.test'] = {
    hops: [
      {
        command: (l, h) =>
          says(l, 'RCPT') && h.messages === 0 && h.number === 1
            ? `451 4.2.0 \x1b[31m\0\x07\xe4${'x'.repeat(1800)}<close>`
            : undefined,
      },
    ],
  };
  const s = await relayScene(cleanup, ways, {
    timeouts: { greeting: '300ms', mail: '300ms', rcpt: '300ms' },
  });
  const domains = Object.keys(ways);
  await Promise.all(domains.map((domain) => s.send(domain, ['u'])));
  await Promise.all(domains.map((domain) => s.finished(domain, 1)));
  for (const domain of domains)
    if (domain !== 'text.test') assert.match(s.told(domain).join(), /^delivered 250 2\.0\.0 u$/, domain);
  const kept = s.house.heard.find(
    ({ name, fields }) => name === 'delivery.deferred' && String(fields['to']).endsWith('text.test'),
  );
  const status = String(kept!.fields['status']);
  assert.match(status, /^451 4\.2\.0 \?\[31m\?\?.x+$/);
  assert.ok(status.length <= 600, `${status.length}`);
});

test('Q15: a reply without end is cut off before it costs memory', async (t) => {
  const cleanup = new Cleanup(t);
  let written = 0;
  const server = createServer((socket) => {
    const flood = (): void => {
      while (written < 10_000_000 && !socket.destroyed) {
        written += 65_536;
        if (!socket.write('2'.repeat(65_536))) break;
      }
    };
    socket.on('error', () => undefined).on('drain', flood);
    flood();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.after(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const s = await relayScene(
    cleanup,
    { 'x.test': { hops: [], route: { to: `127.0.0.1:${port}` } } },
    { retry: ['1h'] },
  );
  await s.send('x.test', ['u']);
  await until('the deferral', 5000, () => s.told('x.test').length > 0);
  assert.deepEqual(s.told('x.test'), ['deferred 451 4.5.0 u']);
  await pause(50);
  assert.ok(written < 8_000_000, `${written} bytes were taken`);
});

test('Q18: a hop that does not keep to PIPELINING or to the order of replies has nothing counted as delivered', async (t) => {
  const cleanup = new Cleanup(t);
  const once = (verb: string, reply: string): HopScript => ({
    command: (l, h) => (says(l, verb) && h.number === 1 ? reply : undefined),
  });
  const s = await relayScene(
    cleanup,
    {
      // Loses everything behind the third command of one write, always.
      'drops.test': {
        hops: [
          {
            command: (l, h) => (h.reads.at(-1)!.split('\r\n').indexOf(l) >= 3 ? '' : undefined),
          },
        ],
      },
      'data-250.test': { hops: [once('DATA', '250 done')] },
      'early-250.test': { hops: [once('DATA', '354 go on\r\n250 done')] },
      'closes.test': { hops: [once('DATA', '354 go on<close>')] },
      'dot-354.test': { hops: [{ content: (_, h) => (h.number === 1 ? '354 more' : undefined) }] },
      'silent.test': { hops: [{ content: (_, h) => (h.number === 1 ? '<close>' : undefined) }] },
    },
    { timeouts: { mail: '300ms', rcpt: '300ms', data: '300ms', dot: '500ms' } },
  );
  for (const domain of Object.keys(s.hops)) {
    await s.send(domain, ['r0', 'r1', 'r2']);
    await s.finished(domain, 3);
    const told = s.told(domain);
    assert.equal(told.filter((l) => l.startsWith('deferred 451')).length, 3, `${domain}: ${told.join(', ')}`);
    assert.equal(told.filter((l) => l.startsWith('delivered 250')).length, 3, domain);
    assert.equal(s.hops[domain]![0]!.delivered.length, 1, domain);
  }
  assert.equal((await s.notices()).length, 0);
});

test('Q22: connections that close after 1, 7, 20 messages or when unused cost no message, no copy and no deferral', async (t) => {
  const cleanup = new Cleanup(t);
  const every = (n: number): HopScript => ({
    content: (_, h) => (h.messages % n === 0 ? '250 2.0.0 ok<close>' : undefined),
  });
  const s = await relayScene(cleanup, {
    'one.test': { hops: [every(1)] },
    'seven.test': { hops: [every(7)] },
    'twenty.test': { hops: [every(20)] },
    'goodbye.test': {
      hops: [
        {
          command: (l, h) => (says(l, 'MAIL') && h.messages % 5 === 4 ? '421 4.4.2 idle<close>' : undefined),
        },
      ],
    },
  });
  const session = await s.house.open();
  const domains = Object.keys(s.hops);
  for (let i = 0; i < 500; i++) {
    const domain = domains[i % domains.length]!;
    const { reply } = await session.transaction(
      'a@out.test',
      [`m${i}@${domain}`],
      `X-N: ${i}\r\n\r\n${i}\r\n`,
    );
    assert.equal(reply.code, 250);
  }
  await Promise.all(domains.map((domain) => s.finished(domain, 125)));
  for (const [n, domain] of domains.entries()) {
    assert.ok(
      s.told(domain).every((l) => l.startsWith('delivered')),
      `${domain}: ${s.told(domain).find((l) => !l.startsWith('delivered'))}`,
    );
    const got = s.hops[domain]![0]!.delivered.map((m) =>
      Number(/X-N: (\d+)\r\n\r\n(\d+)\r\n$/.exec(m.content)![2]),
    );
    assert.deepEqual(
      got.toSorted((a, b) => a - b),
      Array.from({ length: 125 }, (_, i) => i * domains.length + n),
    );
  }
});

test('Q22: a hop that hangs up on unused connections is met at the moment it does', async (t) => {
  const cleanup = new Cleanup(t);
  const s = await relayScene(cleanup, {
    'idle.test': { hops: [], route: { to: `127.0.0.1:${await idleHop(cleanup, 20)}` } },
  });
  const session = await s.house.open();
  for (let i = 0; i < 60; i++) {
    await session.transaction('a@out.test', [`m${i}@idle.test`], `X-N: ${i}\r\n\r\n`);
    await pause(16 + (i % 8));
  }
  await s.finished('idle.test', 60);
  assert.ok(
    s.told('idle.test').every((l) => l.startsWith('delivered')),
    s.told('idle.test').find((l) => !l.startsWith('delivered')),
  );
});

/** A hop that closes a connection on which nothing has come for `ms` milliseconds after a message. */
async function idleHop(cleanup: Cleanup, ms: number): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    let content = false;
    let input = '';
    socket.on('timeout', () => socket.end('421 4.4.2 idle\r\n'));
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => {
      socket.setTimeout(0);
      input += text;
      for (;;) {
        const end = input.indexOf(content ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const line = input.slice(0, end);
        input = input.slice(end + (content ? 5 : 2));
        const ehlo = '250-hop\r\n250 PIPELINING\r\n';
        if (content) socket.setTimeout(ms).write('250 2.0.0 taken\r\n');
        else socket.write(says(line, 'EHLO') ? ehlo : line === 'DATA' ? '354 go\r\n' : '250 2.0.0 ok\r\n');
        content = !content && line === 'DATA';
      }
    });
    socket.write('220 hop\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.after(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
