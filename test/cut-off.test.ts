// What must not survive, and what must not hang: refusals heard late, clients that vanish, filters that never answer, the end.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { WANTS_ALL, frame, frames, house, rawFilter } from './support/house.ts';
import { arrived, readMaildir } from './support/maildir.ts';
import { until } from './support/wait.ts';

const ALL = { stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'] };
const MESSAGE = 'Subject: one\r\n\r\nbody\r\n';

/** A filter that continues, but for the answers given by code; null = it stays silent. */
function answers(
  heard: string[],
  special: Record<string, string | null | ((n: number) => string)>,
): (socket: Socket) => void {
  const counts: Record<string, number> = {};
  return (socket) => {
    frames(socket, (code, payload) => {
      heard.push(code + payload);
      if (code === 'O') socket.write(WANTS_ALL, 'latin1');
      else if ('CHMRTLNBEU'.includes(code)) {
        const answer = code in special ? special[code] : 'c';
        const n = (counts[code] = (counts[code] ?? 0) + 1);
        if (answer) socket.write(frame(typeof answer === 'function' ? answer(n) : answer), 'latin1');
      }
    });
    socket.on('close', () => heard.push('closed'));
  };
}

for (const [said, stages] of [
  ['C', ['data']],
  ['H', ['data']],
  ['C', ['mail', 'data']],
  ['C', ['rcpt']],
] as const)
  test(`a refusal of the connection heard in a replay (${said}, stages ${stages.join(' ')}) answers everything that follows`, async (t) => {
    const cleanup = new Cleanup(t);
    const port = await rawFilter(cleanup, answers([], { [said]: 'r' }));
    const h = await house(cleanup, [{ port, more: { stages } }]);
    const session = await h.open();
    for (let i = 0; i < 3; i++) {
      const { reply } = await session.transaction('a@out.test', ['b@in.test'], MESSAGE);
      assert.ok(reply.code >= 550, reply.text);
    }
    await session.quit();
    assert.deepEqual(await readMaildir(h.mail), []);
  });

test('a refusal of the sender heard at RCPT answers the rest of the transaction, and the next one is asked anew', async (t) => {
  const cleanup = new Cleanup(t);
  const heard: string[] = [];
  const port = await rawFilter(cleanup, answers(heard, { M: (n) => (n === 1 ? 'r' : 'c') }));
  const h = await house(cleanup, [{ port, more: { stages: ['rcpt'] } }]);
  const session = await h.open();
  await session.command('MAIL FROM:<a@out.test>');
  assert.equal((await session.command('RCPT TO:<b@in.test>')).code, 550);
  assert.equal((await session.command('RCPT TO:<c@in.test>')).code, 550);
  assert.deepEqual(
    heard.filter((e) => e.startsWith('R')),
    [],
  );
  await session.command('RSET');
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  await session.quit();
});

test('a recipient refused in a replay does not get the message by way of the next command', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await rawFilter(cleanup, answers([], { R: (n) => (n === 1 ? 'r' : 'c') }));
  const h = await house(cleanup, [
    { port, more: { stages: ['rcpt', 'data'], enable: "rcpt_domain == 'two.test'" } },
  ]);
  const session = await h.open();
  await session.command('MAIL FROM:<a@out.test>');
  assert.equal((await session.command('RCPT TO:<b@in.test>')).code, 250);
  assert.equal((await session.command('RCPT TO:<c@two.test>')).code, 550);
  assert.equal((await session.command('RCPT TO:<d@two.test>')).code, 550);
  await session.command('DATA');
  await session.quit();
  assert.deepEqual(await readMaildir(h.mail), []);
});

test('clients that vanish in mid content leave no file and no descriptor behind', async (t) => {
  const cleanup = new Cleanup(t);
  const h = await house(cleanup, [], { spool: { engine: 'lmdb' } });
  const incoming = join(dirname(h.mail), 'spool', 'incoming');
  const files = async (): Promise<number> => (await readdir(incoming).catch(() => [])).length;
  for (let i = 0; i < 5; i++) {
    const session = await h.open();
    await session.command('MAIL FROM:<a@out.test>');
    await session.command('RCPT TO:<b@in.test>');
    await session.command('DATA');
    session.write(`Subject: ${i}\r\n\r\n${'x'.repeat(78).concat('\r\n').repeat(20_000)}`);
    await until('the draft to be a file', 5000, async () => (await files()) > 0);
    session.drop();
    await until('the file to be gone', 5000, async () => (await files()) === 0);
  }
  const session = await h.open();
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  await session.quit();
  await arrived(h.mail, 'the message after them', () => true);
});

test('a client that vanishes while a filter is silent frees the filter at once, and nothing is accepted', async (t) => {
  const cleanup = new Cleanup(t);
  const heard: string[] = [];
  const port = await rawFilter(cleanup, answers(heard, { E: null }));
  const h = await house(cleanup, [{ port, more: { ...ALL, timeoutData: '60s', tempFailOnError: false } }]);
  const session = await h.open();
  await session.command('MAIL FROM:<a@out.test>');
  await session.command('RCPT TO:<b@in.test>');
  await session.command('DATA');
  session.write(MESSAGE + '.\r\n');
  await until('end of message', 5000, () => heard.includes('E'));
  session.reset();
  await until('the filter to be let go', 2000, () => heard.at(-1) === 'closed');
  assert.equal(h.heard.filter((n) => n.name === 'milter.failed' || n.name === 'message.accepted').length, 0);
  assert.deepEqual(await readMaildir(h.mail), []);
});

test('the gateway ends within its grace although filters are silent, in a message and in a hand-over', async (t) => {
  const cleanup = new Cleanup(t);
  const heard: string[] = [];
  const port = await rawFilter(cleanup, answers(heard, { E: null, U: null }));
  const polite: string[] = [];
  const second = await rawFilter(cleanup, answers(polite, { U: null }));
  const h = await house(cleanup, [
    { port: second, more: { stages: ['mail'], reuse: true, timeoutCommand: '60s' } },
    { port, more: { ...ALL, timeoutData: '60s' } },
  ]);
  const leaves = await h.open();
  await leaves.command('MAIL FROM:<a@out.test>');
  await leaves.quit();
  await until('the hand-over to begin', 2000, () => polite.some((e) => e.startsWith('U')));
  const session = await h.open();
  await session.command('MAIL FROM:<a@out.test>');
  await session.command('RCPT TO:<b@in.test>');
  await session.command('DATA');
  session.write(MESSAGE + '.\r\n');
  await until('end of message', 5000, () => heard.includes('E'));
  const began = performance.now();
  await h.gateway.stop(200);
  assert.ok(performance.now() - began < 2000);
  await until(
    'both filters to be let go',
    2000,
    () => heard.at(-1) === 'closed' && polite.at(-1) === 'closed',
  );
});

test('failures with good answers between them do not open the breaker, whatever the good answer was', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await rawFilter(cleanup, answers([], { M: (n) => (n % 3 === 0 ? 'z' : 'a') }));
  const h = await house(cleanup, [{ port, more: ALL }]);
  const session = await h.open();
  for (let n = 1; n <= 15; n++) {
    const { code } = await session.command('MAIL FROM:<a@out.test>');
    assert.equal(code, n % 3 === 0 ? 451 : 250);
    await session.command('RSET');
  }
  assert.equal(h.heard.filter((n) => n.name === 'milter.unavailable').length, 0);
  await session.quit();
});
