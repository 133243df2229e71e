/** Many large messages at once onto a slow disk: back-pressure reaches the clients, and memory stays within its bound (R03). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { addressOf, start } from './support/besieged.ts';
import { memoryOf } from './support/crowd.ts';
import { skipWithout } from './support/processes.ts';
import { until } from './support/wait.ts';

/** Message of so many bytes in lines, made once. */
function bulk(bytes: number): Buffer {
  const line = Buffer.from(`${'0123456789'.repeat(7)}\r\n`);
  const lines = Math.floor(bytes / line.length);
  return Buffer.concat([Buffer.from('Subject: bulk\r\n\r\n'), Buffer.alloc(lines * line.length, line)]);
}

test(
  'R03: 50 clients with 25 MB each and a slow disk: back-pressure holds memory under 400 MB, all end with 250 or 452',
  { skip: skipWithout('strace') },
  async (t) => {
    const slow = ['strace', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null'];
    const traced = 'trace=writev,pwritev,fdatasync,fsync';
    const inject = [
      '-e',
      'inject=writev,pwritev:delay_enter=3000',
      '-e',
      'inject=fdatasync,fsync:delay_enter=20000',
    ];
    const { gateway, crowd } = await start(t, {
      listener: { maxMessageSize: '30MB', maxConnectionsPerClient: 100 },
      wrap: (command) => [...slow, '-e', traced, ...inject, ...command],
    });
    const pid = Number(
      execFileSync('cat', [`/proc/${gateway.process.pid}/task/${gateway.process.pid}/children`], {
        encoding: 'latin1',
      })
        .trim()
        .split(' ')[0],
    );
    const message = bulk(25_000_000);
    const visitors = (await crowd.come(50, (n) => addressOf(n % 10))).map(([visitor]) => visitor);
    const replies = await Promise.all(
      visitors.map(async (visitor) => {
        visitor.say('EHLO x.test\r\nMAIL FROM:<a@out.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\n');
        await until('354', 20_000, () => visitor.told.includes('\r\n354 '));
        visitor.socket.write(message);
        visitor.socket.write('\r\n.\r\n');
        await until(
          'the reply to the dot',
          120_000,
          () => /354 .*\r\n(\d{3} .*)\r\n/.test(visitor.told) || visitor.closed,
        );
        return /354 .*\r\n(\d{3})/.exec(visitor.told)?.[1] ?? 'closed';
      }),
    );
    const memory = await memoryOf(pid);
    t.diagnostic(`50 x 25 MB: ${memory.toFixed(0)} MB`);
    assert.ok(
      replies.every((code) => code === '250' || code === '452'),
      replies.join(' '),
    );
    assert.ok(memory < 400, `${memory} MB`);
  },
);
