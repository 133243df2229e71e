/**
 * Many large messages at once: onto a slow disk back-pressure reaches the clients, and memory stays within its bound (R03); a
 * spool in memory counts them from their first byte.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { addressOf, honest, start } from './support/besieged.ts';
import { memoryOf, type Crowd, type Visitor } from './support/crowd.ts';
import { Cleanup } from './support/folders.ts';
import { skipWithout } from './support/processes.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

/** Message of so many bytes in lines, made once. */
function bulk(bytes: number): Buffer {
  const line = Buffer.from(`${'0123456789'.repeat(7)}\r\n`);
  const lines = Math.floor(bytes / line.length);
  return Buffer.concat([Buffer.from('Subject: bulk\r\n\r\n'), Buffer.alloc(lines * line.length, line)]);
}

/** What the final dot is answered, or `closed`. */
async function answerOf(visitor: Visitor): Promise<string> {
  await until(
    'the reply to the dot',
    120_000,
    () => /354 .*\r\n(\d{3} .*)\r\n/.test(visitor.told) || visitor.closed,
  );
  return /354 .*\r\n(\d{3})/.exec(visitor.told)?.[1] ?? 'closed';
}

/** As many clients, each let into DATA. */
async function atData(crowd: Crowd, count: number): Promise<readonly Visitor[]> {
  const visitors = (await crowd.come(count, (n) => addressOf(n % 10))).map(([visitor]) => visitor);
  for (const visitor of visitors)
    visitor.say('EHLO x.test\r\nMAIL FROM:<a@out.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\n');
  for (const visitor of visitors) await until('354', 20_000, () => visitor.told.includes('\r\n354 '));
  return visitors;
}

test(
  'R03: 50 clients at full speed and a disk that takes 250 ms for 256 KiB: they wait, memory holds a part of it, all end with 250 or 452',
  { skip: skipWithout('strace') },
  async (t) => {
    const slow = ['strace', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null'];
    const traced = 'trace=writev,pwritev,fdatasync,fsync';
    const inject = [
      '-e',
      'inject=writev,pwritev:delay_enter=250000',
      '-e',
      'inject=fdatasync,fsync:delay_enter=20000',
    ];
    const { gateway, crowd } = await start(t, {
      listener: { maxConnectionsPerClient: 100 },
      wrap: (command) => [...slow, '-e', traced, ...inject, ...command],
    });
    const pid = Number(
      execFileSync('cat', [`/proc/${gateway.process.pid}/task/${gateway.process.pid}/children`], {
        encoding: 'latin1',
      })
        .trim()
        .split(' ')[0],
    );
    const message = bulk(3_000_000);
    const visitors = await atData(crowd, 50);
    const before = await memoryOf(pid, 'VmRSS');
    const began = performance.now();
    for (const { socket } of visitors) {
      socket.write(message);
      socket.write('\r\n.\r\n');
    }
    const replies = await Promise.all(visitors.map(answerOf));
    const seconds = (performance.now() - began) / 1000;
    const most = await memoryOf(pid);
    t.diagnostic(`150 MB in ${seconds.toFixed(0)} s: ${before.toFixed(0)} MB, then ${most.toFixed(0)} MB`);
    assert.ok(
      replies.every((code) => code === '250' || code === '452'),
      replies.join(' '),
    );
    assert.ok(seconds > 10, 'the disk was slow');
    assert.ok(most < 400 && most - before < 100, `${before} MB, then ${most} MB`);
  },
);

/** A next hop that takes everything and looks at nothing but the end: large messages cost it no time. */
async function swallowingHop(cleanup: Cleanup): Promise<{ readonly port: number; taken: number }> {
  const hop = { port: 0, taken: 0 };
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket.on('error', () => undefined));
    let content = false;
    let tail = '';
    socket.write('220 hop.test\r\n');
    socket.on('data', (chunk: Buffer) => {
      if (content) {
        tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - 5))).slice(-5);
        if (tail !== '\r\n.\r\n') return;
        content = false;
        hop.taken++;
        socket.write('250 2.0.0 taken\r\n');
      } else
        for (const line of chunk.toString('latin1').split('\r\n').slice(0, -1)) {
          content = line === 'DATA';
          socket.write(content ? '354 go on\r\n' : '250 ok\r\n');
        }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  hop.port = (server.address() as { port: number }).port;
  return hop;
}

for (const mode of ['queue', 'through'])
  test(`a spool in memory is full while messages come in: the others are told 452, and there is room again (${mode})`, async (t) => {
    const cleanup = new Cleanup(t);
    const hop = await swallowingHop(cleanup);
    const concurrency = { perDestination: 100 };
    const { gateway, crowd, port } = await start(t, {
      listener: { maxConnectionsPerClient: 100 },
      more: {
        spool: { engine: 'memory' },
        delivery: {
          mode,
          routes: [{ match: 'true', via: 'smtp', to: `127.0.0.1:${hop.port}` }],
          concurrency,
        },
      },
    });
    const { pid } = gateway.process;
    const message = bulk(20_000_000);
    const visitors = await atData(crowd, 30);
    for (const { socket } of visitors) socket.write(message);
    await until('all of it to be sent', 60_000, () => visitors.every((v) => v.socket.writableLength === 0));
    const session = await SmtpSession.greeted(port);
    assert.equal((await session.command('MAIL FROM:<a@out.test> SIZE=40000000')).code, 452);
    for (const { socket } of visitors.slice(3)) socket.write('\r\n.\r\n');
    const replies = await Promise.all(visitors.slice(3).map(answerOf));
    const counts = [replies.filter((r) => r === '250').length, replies.filter((r) => r === '452').length];
    t.diagnostic(`30 x 20 MB: ${counts.join(' 250, ')} 452, ${(await memoryOf(pid)).toFixed(0)} MB`);
    assert.equal(counts[0]! + counts[1]!, 27, replies.join(' '));
    assert.ok(counts[0]! >= 5 && counts[1]! >= 10, replies.join(' '));
    assert.ok((await memoryOf(pid)) < 500);
    crowd.leave();
    await until('the next hop to have what was accepted', 60_000, () => hop.taken === counts[0]);
    await until('room', 10_000, async () => {
      const { code } = await session.command('MAIL FROM:<a@out.test> SIZE=50000000');
      await session.command('RSET');
      return code === 250;
    });
    await honest(port);
  });
