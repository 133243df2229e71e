// What happens to the connections to filters over many clients: reuse, health, the breaker, asking side by side, RCPT_REJ.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { defineMilter, reject, tempfail } from '#milter/filter';
import { Cleanup } from './support/folders.ts';
import { WANTS_ALL, frame, frames, house, rawFilter } from './support/house.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { pause, until } from './support/wait.ts';

const ALL = { stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'] };
const MESSAGE = 'Subject: one\r\n\r\nbody\r\n';

/** A filter that continues at everything and writes down codes and payloads; `special` may answer itself (true = it did). */
function continues(
  heard: string[],
  special?: (code: string, socket: Socket) => boolean,
  offer = WANTS_ALL,
): (socket: Socket) => void {
  return (socket) => {
    heard.push('open');
    socket.on('close', () => heard.push('closed'));
    frames(socket, (code, payload) => {
      heard.push(code + payload);
      if (special?.(code, socket)) return;
      if (code === 'O') socket.write(offer, 'latin1');
      else if ('CHMRTLNBEU'.includes(code)) socket.write(frame('c'), 'latin1');
    });
  };
}

test('with reuse a conversation is handed to the next client: QUIT_NC, CONNECT, no second negotiation', async (t) => {
  const cleanup = new Cleanup(t);
  const heard: string[] = [];
  const port = await rawFilter(cleanup, continues(heard));
  const h = await house(cleanup, [{ port, more: { ...ALL, reuse: true } }]);
  for (let i = 0; i < 3; i++) {
    const session = await h.open();
    assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
    await session.quit();
    await until('the hand-over', 2000, () => heard.filter((e) => e === 'K').length === i + 1);
  }
  assert.equal(heard.filter((e) => e === 'open').length, 1);
  assert.equal(heard.filter((e) => e.startsWith('O')).length, 1);
  const order = heard.map((e) => e[0]).join('');
  assert.match(order, /E(?:D?)UK(?:D?)C/);
  assert.equal(heard.includes('Q'), false);
});

test('a conversation that the filter closed while it was parked is not used, and one that stays silent is replaced in time', async (t) => {
  const cleanup = new Cleanup(t);
  const closing: string[] = [];
  const closer = await rawFilter(
    cleanup,
    continues(closing, (code, socket) => (code === 'K' ? (socket.end(), true) : false)),
  );
  const silent: string[] = [];
  const mute = await rawFilter(
    cleanup,
    continues(
      silent,
      (code) => code === 'C' && silent.includes('K') && silent.filter((e) => e === 'open').length === 1,
    ),
  );
  const h = await house(cleanup, [
    { port: closer, more: { ...ALL, reuse: true } },
    { port: mute, more: { ...ALL, reuse: true, timeoutCommand: '300ms' } },
  ]);
  for (let i = 0; i < 3; i++) {
    const session = await h.open();
    assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
    await session.quit();
    await until('the farewell', 2000, () => closing.filter((e) => e === 'closed').length === i + 1);
  }
  assert.equal(closing.filter((e) => e === 'open').length, 3);
  // Once is no habit.
  assert.equal(h.heard.filter((n) => n.name === 'milter.reuse-off').length, 0);
  assert.equal(h.heard.filter((n) => n.name === 'milter.failed').length, 0);
  assert.equal(silent.filter((e) => e === 'open').length, 2);
});

test('a filter that never takes a second client on a connection is asked on new ones after three in a row', async (t) => {
  const cleanup = new Cleanup(t);
  const heard: string[] = [];
  const port = await rawFilter(cleanup, (socket) => {
    let before = 0;
    continues(heard, (code) => code === 'C' && before++ > 0)(socket);
  });
  const more = { ...ALL, reuse: true, timeoutCommand: '200ms' };
  const h = await house(cleanup, [{ port, more }]);
  for (let i = 0; i < 6; i++) {
    const session = await h.open();
    assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
    await session.quit();
    const handed = Math.min(i + 1, 3);
    await until('the farewell', 2000, () => heard.filter((e) => e === 'K').length === handed);
  }
  assert.equal(heard.filter((e) => e === 'open').length, 6);
  assert.equal(h.heard.filter((n) => n.name === 'milter.reuse-off').length, 1);
  assert.equal(h.heard.filter((n) => n.name === 'milter.failed').length, 0);
});

test('a client that goes away while a handed-over conversation answers says nothing of the filter', async (t) => {
  const cleanup = new Cleanup(t);
  const heard: string[] = [];
  let slow = false;
  const port = await rawFilter(
    cleanup,
    continues(heard, (code) => slow && code === 'C'),
  );
  const h = await house(cleanup, [{ port, more: { ...ALL, reuse: true } }]);
  for (let i = 0; i < 4; i++) {
    slow = false;
    const session = await h.open();
    assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
    await session.quit();
    await until('the hand-over', 2000, () => heard.at(-1) === 'K');
    slow = true;
    const gone = SmtpSession.open(h.port);
    const asked = heard.filter((e) => e.startsWith('C')).length;
    await until('CONNECT', 2000, () => heard.filter((e) => e.startsWith('C')).length > asked);
    gone.reset();
    await until('the filter to be let go', 2000, () => heard.at(-1) === 'closed');
  }
  assert.deepEqual(
    h.heard.filter((n) => n.name === 'milter.reuse-off' || n.name === 'milter.failed'),
    [],
  );
  // And it is still done.
  slow = false;
  const opened = heard.filter((e) => e === 'open').length;
  for (let i = 0; i < 3; i++) {
    await (await h.open()).quit();
    await until('the hand-over', 2000, () => heard.at(-1) === 'K');
  }
  assert.equal(heard.filter((e) => e === 'open').length, opened + 1);
});

test('ACCEPT to a refused recipient ends the part of the filter in the message, SHUTDOWN the session', async (t) => {
  const cleanup = new Cleanup(t);
  const offer = frame('O', '\0\0\0\x06\0\0\0\0\0\0\x08\0');
  const listeners = [{ name: 'smtp', bind: '127.0.0.1:0', relay: { networks: [], domains: ['in.test'] } }];
  for (const [answer, refusal, after] of [
    [frame('a'), 554, 'accepted'],
    [frame('4'), 421, 'closed'],
    [frame('y', '421 4.3.2 Closing\0'), 421, 'closed'],
    [frame('r'), 554, 'asked'],
    [frame('t'), 554, 'asked'],
    [frame('d'), 554, 'asked'],
  ] as const) {
    const heard: string[] = [];
    // As libmilter: after ACCEPT it answers nothing of this message any more.
    let done = false;
    const port = await rawFilter(
      cleanup,
      continues(
        heard,
        (code, socket) => {
          if (code === 'M') done = false;
          if (done && 'RTLNBE'.includes(code)) return true;
          if (code !== 'R' || !heard.at(-1)!.includes('ext.test')) return false;
          done = after === 'accepted';
          return (socket.write(answer, 'latin1'), true);
        },
        offer,
      ),
    );
    const h = await house(cleanup, [{ port, more: { ...ALL, timeoutCommand: '500ms' } }], { listeners });
    const session = await h.open();
    await session.command('MAIL FROM:<a@out.test>');
    assert.equal((await session.command('RCPT TO:<no@ext.test>')).code, refusal);
    if (after === 'closed') {
      await assert.rejects(session.command('NOOP'));
      continue;
    }
    assert.equal((await session.command('RCPT TO:<b@in.test>')).code, 250, answer);
    await session.command('RSET');
    assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
    await session.quit();
    const told = heard.filter((e) => /^[RE]/.test(e)).map((e) => e[0] + (/(?:no|b)@/.exec(e)?.[0] ?? ''));
    assert.deepEqual(told, ['Rno@', ...(after === 'accepted' ? [] : ['Rb@']), 'Rb@', 'E']);
    assert.deepEqual(
      h.heard.filter((n) => n.name === 'milter.failed'),
      [],
    );
  }
});

test('ACCEPT to an unknown command accepts the message it came in, and nothing when there is none', async (t) => {
  const cleanup = new Cleanup(t);
  const heard: string[] = [];
  let done = false;
  const port = await rawFilter(
    cleanup,
    continues(heard, (code, socket) => {
      if (code === 'M') done = false;
      if (done && 'RTLNBE'.includes(code)) return true;
      if (code !== 'U') return false;
      done = true;
      return (socket.write(frame('a'), 'latin1'), true);
    }),
  );
  const h = await house(cleanup, [{ port, more: { ...ALL, timeoutCommand: '500ms' } }]);
  const session = await h.open();
  assert.equal((await session.command('FOO')).code, 500);
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  await session.command('MAIL FROM:<a@out.test>');
  assert.equal((await session.command('FOO')).code, 500);
  assert.equal((await session.command('RCPT TO:<b@in.test>')).code, 250);
  assert.equal((await session.command('DATA')).code, 354);
  session.write(`${MESSAGE}.\r\n`);
  assert.equal((await session.reply()).code, 250);
  assert.equal((await session.transaction('c@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  await session.quit();
  const codes = heard
    .map((e) => e[0])
    .join('')
    .replaceAll('D', '');
  assert.match(codes, /^oOCHUMRTLNBEMUMRTLNBE/);
  assert.deepEqual(
    h.heard.filter((n) => n.name === 'milter.failed'),
    [],
  );
});

test('a filter that keeps failing is not tried for every message, and is back after a probe in the same session', async (t) => {
  const cleanup = new Cleanup(t);
  const heard: string[] = [];
  let up = false;
  const port = await rawFilter(cleanup, (socket) =>
    up ? continues(heard)(socket) : (heard.push('tried'), socket.destroy()),
  );
  const h = await house(cleanup, [{ port, more: { stages: ['mail'] } }]);
  const session = await h.open();
  for (let i = 0; i < 10; i++) assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 451);
  assert.equal(heard.length, 3);
  assert.equal(h.heard.filter((n) => n.name === 'milter.failed').length, 3);
  assert.equal(h.heard.filter((n) => n.name === 'milter.unavailable').length, 1);
  up = true;
  await until('the probe', 5000, () => h.heard.some((n) => n.name === 'milter.back'));
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 250);
  assert.ok(heard.some((e) => e.startsWith('M')));
  await session.quit();
});

test('parallel filters are asked at the same time, and the first in configured order decides', async (t) => {
  const asked: string[] = [];
  const slow = (name: string, answer?: ReturnType<typeof reject>) =>
    defineMilter({
      name,
      async onMail() {
        asked.push(`+${name}`);
        await pause(name === 'one' ? 120 : 20);
        asked.push(`-${name}`);
        return answer;
      },
    });
  const parallel = { ...ALL, parallel: true };
  const h = await house(new Cleanup(t), [
    { filter: slow('one', tempfail(451, '4.7.1', 'one says no')), more: parallel },
    { filter: slow('two', reject(550, '5.7.1', 'two says no')), more: parallel },
    { filter: slow('three'), more: ALL },
  ]);
  const session = await h.open();
  const reply = await session.command('MAIL FROM:<a@out.test>');
  assert.equal(reply.text, '4.7.1 one says no');
  assert.deepEqual(asked, ['+one', '+two', '-two', '-one']);
  await session.quit();
});

test('a filter that negotiated RCPT_REJ is told of refused recipients with their error macros; others are not', async (t) => {
  const cleanup = new Cleanup(t);
  const wants: string[] = [];
  const plain: string[] = [];
  const offer = frame('O', '\0\0\0\x06\0\0\0\0\0\0\x08\0');
  const one = await rawFilter(
    cleanup,
    continues(wants, (c, s) => (c === 'R' ? (s.write(frame('r'), 'latin1'), true) : false), offer),
  );
  const two = await rawFilter(cleanup, continues(plain));
  const h = await house(
    cleanup,
    [
      { port: one, more: ALL },
      { port: two, more: ALL },
    ],
    { listeners: [{ name: 'smtp', bind: '127.0.0.1:0', relay: { networks: [], domains: ['in.test'] } }] },
  );
  const session = await h.open();
  await session.command('MAIL FROM:<a@out.test>');
  assert.equal((await session.command('RCPT TO:<no@ext.test>')).code, 554);
  assert.equal((await session.command('NOOP')).code, 250);
  assert.ok(wants.includes('R<no@ext.test>\0'));
  const macros = wants.find((e) => e.startsWith('DR'))!;
  assert.match(macros, /\{rcpt_mailer\}\0error\0/);
  assert.match(macros, /\{rcpt_host\}\x005\.7\.1\0/);
  assert.match(macros, /\{rcpt_addr\}\0Relay access denied\0/);
  assert.deepEqual(
    plain.filter((e) => e.startsWith('R')),
    [],
  );
  await session.quit();
});

test('the mailer macros name where the mail would go', async (t) => {
  const cleanup = new Cleanup(t);
  const heard: string[] = [];
  const port = await rawFilter(cleanup, continues(heard));
  const routes = [
    { match: "rcpt_domain == 'in.test'", via: 'discard' },
    { match: "rcpt_domain == 'far.test'", via: 'smtp', to: '127.0.0.9:2500' },
    { match: 'true', via: 'maildir', to: './mail' },
  ];
  const h = await house(cleanup, [{ port, more: ALL }], { delivery: { routes } });
  const session = await h.open();
  await session.command('MAIL FROM:<a@far.test>');
  await session.command('RCPT TO:<b@in.test>');
  await session.command('RCPT TO:<c@here.test>');
  const [first, second] = heard.filter((e) => e.startsWith('DR'));
  assert.match(first!, /\{rcpt_mailer\}\0discard\0\{rcpt_host\}\0in\.test\0\{rcpt_addr\}\0b@in\.test\0/);
  assert.match(second!, /\{rcpt_mailer\}\0local\0\{rcpt_host\}\0here\.test\0\{rcpt_addr\}\0c@here\.test\0/);
  assert.match(
    heard.find((e) => e.startsWith('DM'))!,
    /\{mail_mailer\}\0smtp\0\{mail_host\}\x00127\.0\.0\.9\0/,
  );
  await session.quit();
});

test('a filter that loses what is written in one go is asked step by step after a second time-out in a row', async (t) => {
  const cleanup = new Cleanup(t);
  const heard: string[] = [];
  let deaf = false;
  const port = await rawFilter(
    cleanup,
    continues(heard, (code) => {
      if (deaf) return true;
      if (code !== 'L') return false;
      deaf = true;
      setImmediate(() => (deaf = false));
      return false;
    }),
  );
  const h = await house(cleanup, [{ port, more: { ...ALL, timeoutData: '300ms', tempFailOnError: false } }]);
  for (let i = 0; i < 3; i++) {
    const session = await h.open();
    assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
    await session.quit();
  }
  assert.equal(h.heard.filter((n) => n.name === 'milter.pipeline-off').length, 1);
  assert.equal(h.heard.filter((n) => n.name === 'milter.failed').length, 2);
});
