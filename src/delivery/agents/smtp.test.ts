import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { bytesOf } from '#message';
import { MINUTE, entryTo, rigWith, until } from '../rig.cases.ts';
import type { Rig } from '../rig.cases.ts';
import { makeSmtpAgent } from './smtp.ts';

/** A next hop that answers each command by `say` (default 250, 354 to DATA) and keeps what it took. */
async function startHop(t: TestContext, say: (line: string) => string | undefined) {
  const taken: { mail: string; rcpts: string[]; content: string }[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    let buffer = '';
    let content = false;
    let now = { mail: '', rcpts: [] as string[], content: '' };
    socket.on('error', () => {});
    socket.write('220 hop\r\n');
    const answer = (line: string): void => {
      const reply = say(line) ?? (line === 'DATA' ? '354 go' : line === 'QUIT' ? '221 bye' : '250 2.0.0 ok');
      if (line.startsWith('MAIL')) now = { mail: line, rcpts: [], content: '' };
      if (line.startsWith('RCPT') && reply.startsWith('2')) now.rcpts.push(line.slice(8));
      content = reply.startsWith('354');
      socket.write(line.startsWith('EHLO') ? '250-hop\r\n250 PIPELINING\r\n' : reply + '\r\n');
      if (/^(421|221)/.test(reply)) socket.end();
    };
    socket.on('data', (chunk) => {
      buffer += chunk.toString('latin1');
      for (;;) {
        const end = buffer.indexOf(content ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const part = buffer.slice(0, end);
        buffer = buffer.slice(end + (content ? 5 : 2));
        if (content) {
          taken.push({ ...now, content: part });
          content = false;
          socket.write('250 2.0.0 taken\r\n');
        } else answer(part);
      }
    });
  });
  await new Promise<void>((r) => server.listen(0, '127.0.0.1', r));
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, taken };
}

function relayTo(t: TestContext, port: number): Rig {
  const rig: Rig = rigWith(
    makeSmtpAgent({
      hops: [{ name: '127.0.0.1', port, path: '' }],
      hostname: 'mx.test',
      tls: 'off',
      clock: {
        now: () => rig.clock.now(),
        elapsed: () => rig.clock.elapsed(),
        after: (ms, fn) => rig.clock.after(ms, fn),
      },
      notices: () => {},
    }),
  );
  t.after(() => rig.delivery.stop(0));
  return rig;
}

/** Waits for something that comes over a socket. */
async function arrived(what: () => unknown): Promise<void> {
  for (let i = 0; i < 50; i++) {
    try {
      return await until(what);
    } catch (cause) {
      if (i === 49) throw cause;
    }
  }
}

test('every recipient of a mixed answer ends where it belongs, after as many tries as that takes (Q03)', async (t) => {
  const first = ['250 ok', '450 4.2.0 a', '550 5.1.1 b', '250 ok', '452 4.5.3 c', '552 too many', '421 bye'];
  let asked = 0;
  const { port, taken } = await startHop(t, (line) => (line.startsWith('RCPT') ? first[asked++] : undefined));
  const rig = relayTo(t, port);
  await rig.spool.commit(entryTo(Array.from({ length: 10 }, (_, i) => `r${i}@x`)));
  rig.delivery.wake();
  await arrived(async () => rig.heard.length >= 10 && (await rig.spool.get('m1'))?.state === 'queued');
  const states = (await rig.spool.get('m1'))!.recipients.map((r) => r.state);
  assert.deepEqual(
    states,
    states.map((_, i) => (i === 2 ? 'failed' : 'pending')),
  );
  await arrived(async () => (await rig.spool.get('notice1')) === null);
  rig.clock.advance(2 * MINUTE);
  await arrived(async () => (await rig.spool.get('m1')) === null);
  const got = taken.flatMap((m) => m.rcpts).toSorted();
  assert.deepEqual(got, ['<from@test>', ...[0, 1, 3, 4, 5, 6, 7, 8, 9].map((i) => `<r${i}@x>`)]);
  const notice = taken.find((m) => m.mail === 'MAIL FROM:<>')!;
  assert.match(
    notice.content,
    /Final-Recipient: rfc822; r2@x\r\nAction: failed\r\nStatus: 5\.1\.1\r\nRemote-MTA: dns; 127\.0\.0\.1/,
  );
  assert.equal(rig.names().filter((n) => n === 'delivery.notice-made').length, 1);
});

test('many messages go over few connections, each whole and once', async (t) => {
  let connections = 0;
  const { port, taken } = await startHop(t, (line) => {
    if (line.startsWith('EHLO')) connections++;
    return undefined;
  });
  const rig = relayTo(t, port);
  for (let i = 0; i < 200; i++) {
    const entry = entryTo([`r${i}@x`], { id: `m${i}` });
    await rig.spool.commit({ ...entry, header: bytesOf(`X-Number: ${i}\r\n`) });
  }
  rig.delivery.wake();
  await arrived(async () => (await rig.spool.nextDue()) === null);
  assert.deepEqual(
    new Set(taken.map((m) => `${m.rcpts.join()} ${m.content}`)),
    new Set(Array.from({ length: 200 }, (_, i) => `<r${i}@x> X-Number: ${i}\r\n\r\nbody`)),
  );
  assert.equal(taken.length, 200);
  assert.ok(connections <= 5, `${connections} connections`);
});
