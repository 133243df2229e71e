/** A next hop that takes a message and goes away without a word (D14): the message is tried again, and doubled once at most. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { SmtpSession } from './support/smtp-session.ts';
import { freePorts } from './support/ports.ts';
import { Trial } from './support/trial.ts';
import { until } from './support/wait.ts';

const MESSAGES = 100;

/** A next hop that answers the first final dot of each message by closing, the second with 250; copies by sender. */
async function startShyHop(trial: Trial, port: number): Promise<ReadonlyMap<string, number>> {
  const copies = new Map<string, number>();
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    socket.setEncoding('latin1');
    let input = '';
    let sender = '';
    let content = false;
    socket.write('220 shy.test ESMTP\r\n');
    socket.on('data', (text: string) => {
      input += text;
      for (let end = input.indexOf('\r\n'); end !== -1; end = input.indexOf('\r\n')) {
        const line = input.slice(0, end);
        input = input.slice(end + 2);
        if (content) {
          if (line !== '.') continue;
          content = false;
          const copy = (copies.get(sender) ?? 0) + 1;
          copies.set(sender, copy);
          if (copy === 1) socket.destroy();
          else socket.write('250 2.0.0 taken\r\n');
          continue;
        }
        sender = /^MAIL FROM:<([^>]*)>/i.exec(line)?.[1] ?? sender;
        content = /^DATA$/i.test(line);
        socket.write(content ? '354 go on\r\n' : '250 ok\r\n');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  trial.cleanup.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return copies;
}

test('D14: a next hop that closes after the dot at the first attempt of each message gets each once more, none is lost', async (t) => {
  const [hop = 0] = await freePorts(1);
  const trial = await Trial.start(t, {
    delivery: { routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${hop}`] }], retry: ['200ms'] },
  });
  const copies = await startShyHop(trial, hop);
  const session = await SmtpSession.greeted(trial.port);
  for (let n = 0; n < MESSAGES; n++) {
    const { reply } = await session.transaction(
      `s${n}@load.test`,
      ['r@in.test'],
      `Subject: ${n}\r\n\r\nx\r\n`,
    );
    assert.equal(reply.code, 250);
  }
  await session.quit();
  await until('the queue to be empty', 20_000, async () => (await trial.pending()).length === 0, 250);
  assert.equal(copies.size, MESSAGES);
  for (const [sender, count] of copies) assert.equal(count, 2, `${sender}: ${count} copies`);
});
