/**
 * A machine that gives too little, against the gateway as a process: few descriptors (R13), and a log that nobody reads or that has no room (R16).
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, createReadStream, openSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf, codesOf, honest, start } from './support/besieged.ts';
import { memoryOf, processorTimeOf } from './support/crowd.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { startNextHop, type TakenMessage } from './support/next-hop.ts';
import { freePorts } from './support/ports.ts';
import { ScriptedFilter } from './support/scripted-filter.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { pause, until } from './support/wait.ts';

test('R13: with 256 descriptors, 400 clients, a filter and a next hop nobody is left without a word, nothing is lost, and all is well when they leave', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await ScriptedFilter.start(cleanup, {});
  filter.mend();
  const [hop = 0] = await freePorts(1);
  const taken: TakenMessage[] = [];
  await startNextHop(cleanup, hop, (message) => `250 2.0.0 taken ${taken.push(message)}`);
  const { port, gateway, crowd } = await start(t, {
    more: {
      milters: [
        {
          name: 'marker',
          hostname: '127.0.0.1',
          port: filter.port,
          stages: ['connect', 'mail', 'rcpt', 'data'],
        },
      ],
      delivery: { routes: [{ match: 'true', via: 'smtp', to: `127.0.0.1:${hop}` }] },
    },
    listener: { maxConnectionsPerClient: 1000 },
    wrap: (command) => ['sh', '-c', 'ulimit -n 256; exec "$@"', 'sh', ...command],
  });
  const { pid } = gateway.process;
  const session = await SmtpSession.greeted(port);
  const came = await crowd.come(400, (n) => addressOf(n));
  const codes = codesOf(came);
  assert.equal((codes['220'] ?? 0) + (codes['421 4.3.2'] ?? 0), 400, JSON.stringify(codes));
  assert.ok(codes['220']! >= 50, JSON.stringify(codes));
  assert.ok(filter.open >= 50, `${filter.open} conversations with the filter`);

  let accepted = 0;
  const bodies = ['x\r\n'.repeat(100), 'y\r\n'.repeat(50_000)];
  for (let i = 0; i < 40; i++) {
    const content = `Subject: n${i}\r\n\r\n${bodies[i % 2]}`;
    const { reply } = await session.transaction('a@out.test', ['b@in.test'], content);
    if (reply.code === 250) accepted++;
    else assert.ok(reply.code >= 400 && reply.code < 500, reply.lines.join());
  }
  assert.ok(accepted >= 20, `${accepted} of 40 accepted`);
  const used = await processorTimeOf(pid);
  await pause(1000);
  assert.ok((await processorTimeOf(pid)) - used < 0.5, 'it does not spin');

  crowd.leave();
  await until('service for everybody', 10_000, () =>
    honest(port)
      .then(() => true)
      .catch(() => false),
  );
  await until('all mail', 20_000, () => taken.length >= accepted + 1);
  for (const { content } of taken) assert.match(content, /^X-Filter-Marker: good\r$/m);
  await session.quit();
  const descriptors = await until('descriptors to be given back', 10_000, async () => {
    const open = (await readdir(`/proc/${pid}/fd`)).length;
    return open < 60 && open;
  });
  assert.ok(descriptors < 60);
  const shed = gateway.log.filter((line) => line['event'] === 'gateway.shedding');
  assert.ok(shed.length >= 1 && shed.length <= 3, `${shed.length} times told`);
  assert.deepEqual(
    gateway.log.filter((line) => line['event'] === 'gateway.fault'),
    [],
  );
});

/** A FIFO in place of stdout and stderr, held open so that the gateway can open it, and not read. */
async function fifo(cleanup: Cleanup): Promise<{ path: string; hold: number }> {
  const path = join(await tempFolder(cleanup), 'log');
  execFileSync('mkfifo', [path]);
  return { path, hold: openSync(path, constants.O_RDWR | constants.O_NONBLOCK) };
}

/** Makes the gateway write some megabytes of log: a line for each refused recipient. */
async function chatter(port: number): Promise<void> {
  const session = await SmtpSession.greeted(port);
  session.write('MAIL FROM:<a@out.test>\r\n' + `RCPT TO:<${'c'.repeat(60)}@ext.test>\r\n`.repeat(9000));
  assert.equal((await session.reply()).code, 250);
  for (let i = 0; i < 9000; i++) assert.equal((await session.reply()).code, 554);
  await session.quit();
}

for (const [what, direction] of [
  ['is full', '1<>"$0"'],
  ['is full, that of errors too', '1<>"$0" 2>&1'],
] as const)
  test(`R16: when the pipe of the log ${what}, mail flows, lines are dropped and counted, and stopping takes no reader`, async (t) => {
    const cleanup = new Cleanup(t);
    const { path } = await fifo(cleanup);
    const { port, gateway } = await start(t, {
      more: { log: { level: 'info' } },
      wrap: (command) => ['sh', '-c', `exec "$@" ${direction}`, path, ...command],
    });
    const { pid } = gateway.process;
    for (let i = 0; i < 2; i++) {
      await chatter(port);
      assert.ok((await honest(port)) < 5000);
    }
    const reader = createReadStream(path, { flags: 'r', encoding: 'utf8' });
    let log = '';
    reader.on('data', (text) => (log += String(text)));
    await until('the dropped lines to be told of', 10_000, () => log.includes('gateway.log-lost'));
    await honest(port);
    const lines = log.split('\n').slice(0, -1);
    const told = lines.map((line) => JSON.parse(line) as { event: string; lines?: number });
    const lost = told.find(({ event }) => event === 'gateway.log-lost')!.lines!;
    assert.ok(lost > 1000, `${lost} lines`);
    const heard = told.filter(({ event }) => event === 'recipient.refused').length;
    assert.ok(heard + lost >= 18_000, `${heard} heard, ${lost} lost`);
    assert.ok((await memoryOf(pid, 'VmRSS')) < 250);

    reader.destroy();
    await until('the reader to be gone', 5000, () => reader.closed);
    const hold = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    assert.ok(hold > 0);
    await chatter(port);
    const began = performance.now();
    assert.equal(await gateway.stop(15_000), 0);
    assert.ok(performance.now() - began < 8000);
  });

test('R16: when the reader of the log is gone, mail flows and the gateway stops as asked', async (t) => {
  const { port, gateway } = await start(t, {
    more: { log: { level: 'debug' } },
    wrap: (command) => [
      'sh',
      '-c',
      'exec 3>&1; { "$@" 3>&- & echo pid $! >&3; wait $!; echo ended $? >&3; } 2>&1 | true',
      'sh',
      ...command,
    ],
  });
  await chatter(port);
  for (let i = 0; i < 5; i++) await honest(port);
  const pid = Number(gateway.strayLines[0]!.slice(4));
  assert.ok(readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('serve'));
  process.kill(pid, 'SIGTERM');
  assert.equal(await until('its exit code', 15_000, () => gateway.strayLines[1]), 'ended 0');
});

for (const workers of [1, 2])
  test(`R16: when the volume of the log is full, mail flows, and the gateway stops as asked (workers: ${workers})`, async (t) => {
    const { port, gateway } = await start(t, {
      more: { log: { level: 'info' }, workers },
      wrap: (command) => ['sh', '-c', 'exec "$@" >/dev/full', 'sh', ...command],
    });
    const { pid } = gateway.process;
    for (let i = 0; i < 3; i++) {
      await chatter(port);
      assert.ok((await honest(port)) < 5000);
    }
    assert.ok((await memoryOf(pid, 'VmRSS')) < 250);
    const began = performance.now();
    assert.equal(await gateway.stop(15_000), 0);
    assert.ok(performance.now() - began < 8000);
  });
