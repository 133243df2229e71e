/**
 * Several workers: sharing addresses and the spool, the death of one, reload by all or none, draining. What happens under load
 * is in workers-kill.test.ts.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import test from 'node:test';
import { Cleanup } from './support/folders.ts';
import { Gateway, gatewayCommand } from './support/gateway.ts';
import { killWorker, mill, pidOf, said, takers } from './support/mill.ts';
import { startNextHop } from './support/next-hop.ts';
import { freePorts } from './support/ports.ts';
import { run } from './support/processes.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { greets, until } from './support/wait.ts';

/** Whether the port can be had. */
function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

const content = (n: number): string => `Subject: message ${n}\r\n\r\nbody ${n}\r\n`;

test('R15: when a worker is killed only its sessions drop, and the others go on', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, port, nextHopPort } = await mill(cleanup);
  await startNextHop(cleanup, nextHopPort, () => '250 2.0.0 taken');
  const sessions: SmtpSession[] = [];
  for (let n = 0; n < 10; n++) sessions.push(await SmtpSession.greeted(port));
  cleanup.after(() => sessions.forEach((session) => session.drop()));
  await killWorker(gateway, 2);
  const alive = await Promise.all(
    sessions.map((session, n) =>
      session.transaction('a@out.test', ['b@in.test'], content(n)).then(
        ({ reply }) => reply.code,
        () => 'dropped',
      ),
    ),
  );
  // Connections are given out in turn to workers that have taken the one before.
  const kept = alive.filter((code) => code === 250).length;
  assert.ok(kept >= 3 && kept <= 7, alive.join());
  assert.equal(alive.filter((code) => code === 'dropped').length, 10 - kept, alive.join());
  for (let n = 0; n < 4; n++) {
    const fresh = await SmtpSession.greeted(port);
    assert.equal((await fresh.transaction('a@out.test', ['b@in.test'], content(n))).reply.code, 250);
    await fresh.quit();
  }
  const [ended] = said(gateway, 'gateway.worker-ended');
  assert.equal(ended!['worker'], 2);
  assert.equal(ended!['how'], 'SIGKILL');
  assert.equal(await gateway.stop(), 0);
});

test('what a worker accepts that does not deliver is delivered at once, and the queue is seen from outside', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, port, nextHopPort } = await mill(cleanup);
  const [first, second] = [await SmtpSession.greeted(port), await SmtpSession.greeted(port)];
  assert.equal((await first.transaction('a@out.test', ['b@in.test'], content(1))).reply.code, 250);
  assert.equal((await second.transaction('a@out.test', ['b@in.test'], content(2))).reply.code, 250);
  assert.equal((await gateway.queue()).length, 2, 'there is no next hop yet');
  const taken: number[] = [];
  await startNextHop(cleanup, nextHopPort, () => {
    taken.push(performance.now());
    return '250 2.0.0 taken';
  });
  await until('both to be delivered', 5000, () => taken.length === 2);
  for (const session of [first, second]) {
    const before = taken.length;
    const at = performance.now();
    assert.equal((await session.transaction('a@out.test', ['b@in.test'], content(3))).reply.code, 250);
    await until('the delivery', 5000, () => taken.length > before, 5);
    // Without the word between the workers it would wait for the next look at the queue, five seconds.
    assert.ok(taken.at(-1)! - at < 2500, `${taken.at(-1)! - at} ms`);
  }
  assert.equal(takers(gateway), 2);
  await until('the queue to be empty', 5000, async () => (await gateway.queue()).length === 0, 100);
  assert.equal(await gateway.stop(), 0);
});

test('SIGHUP changes all workers or none, and a worker replaced later has the configuration in use', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, port, folder, config } = await mill(cleanup);
  const [other = 0, taken = 0] = await freePorts(2);
  await startNextHop(cleanup, taken, () => '250 2.0.0 taken');
  const reload = async (text: string, outcome: string): Promise<string> => {
    const before = said(gateway, outcome).length;
    await writeFile(gateway.configFile, text);
    process.kill(gateway.process.pid, 'SIGHUP');
    await until(outcome, 10_000, () => said(gateway, outcome).length > before);
    return String(said(gateway, outcome).at(-1)!['reason']);
  };
  /** What some sessions in turn, on both workers, are greeted with. */
  const greetings = async (): Promise<string[]> => {
    const names: string[] = [];
    for (let i = 0; i < 4; i++) {
      const session = SmtpSession.open(port);
      names.push((await session.reply()).text.split(' ')[0]!);
      session.drop();
    }
    return names;
  };
  const both = (bind: number) => [
    { name: 'smtp', bind: [`127.0.0.1:${port}`, `127.0.0.1:${bind}`], relay: { domains: ['in.test'] } },
  ];
  assert.match(await reload('{ "hostnam": "x" }', 'gateway.reload-refused'), /hostnam/);
  assert.match(await reload(config({ workers: 3 }), 'gateway.reload-refused'), /workers.*restart/);
  assert.match(
    await reload(config({ hostname: 'bad.test', listeners: both(taken) }), 'gateway.reload-refused'),
    /EADDRINUSE/,
  );
  assert.deepEqual(await greetings(), Array(4).fill('mx.test'));
  // One that cannot answer keeps the others from changing: the first has made everything ready by then.
  process.kill(pidOf(gateway, 2), 'SIGSTOP');
  const refused = reload(config({ hostname: 'half.test', listeners: both(other) }), 'gateway.reload-refused');
  await until('the first to be ready for it', 5000, async () => !(await isFree(other)));
  await killWorker(gateway, 2);
  assert.match(await refused, /worker 2/);
  assert.deepEqual(await greetings(), Array(4).fill('mx.test'));
  assert.equal(await greets(other), false);
  await reload(config({ hostname: 'new.test', listeners: both(other) }), 'gateway.reloaded');
  assert.deepEqual(await greetings(), Array(4).fill('new.test'));
  assert.equal(await greets(other), true);
  // The file is wrong by now, and the new worker does not care.
  await writeFile(join(folder, 'millrace.yaml'), '{ "hostnam": "x" }');
  await killWorker(gateway, 2);
  await killWorker(gateway, 1);
  assert.deepEqual(await greetings(), Array(4).fill('new.test'));
  assert.equal(await greets(other), true);
  await reload(config(), 'gateway.reloaded');
  assert.deepEqual(await greetings(), Array(4).fill('mx.test'));
  await until('the address to be gone', 5000, async () => !(await greets(other)));
  assert.equal(await gateway.stop(), 0);
});

test('when all workers are killed at once the supervisor stays and replaces them all', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, port } = await mill(cleanup);
  for (const round of [1, 2]) {
    for (const worker of [1, 2]) process.kill(pidOf(gateway, worker), 'SIGKILL');
    await until('both to be replaced', 10_000, () => {
      return said(gateway, 'gateway.worker-replaced').length === 2 * round;
    });
    assert.equal(await greets(port), true);
  }
  const waits = said(gateway, 'gateway.worker-ended').map((line) => line['replacedIn']);
  assert.deepEqual(waits, [0, 0, 500, 500], 'the second time they have not lived for long');
  assert.equal(await gateway.stop(), 0);
});

test('SIGTERM drains all workers: transactions under way finish, the others are told, the exit code is 0', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, port, nextHopPort } = await mill(cleanup);
  const taken: string[] = [];
  await startNextHop(cleanup, nextHopPort, ({ content: bytes }) => {
    taken.push(bytes);
    return '250 2.0.0 taken';
  });
  const busy: SmtpSession[] = [];
  for (let n = 0; n < 4; n++) {
    const session = await SmtpSession.greeted(port);
    for (const line of ['MAIL FROM:<a@out.test>', 'RCPT TO:<b@in.test>'])
      assert.equal((await session.command(line)).code, 250);
    assert.equal((await session.command('DATA')).code, 354);
    busy.push(session);
  }
  const idle = [await SmtpSession.greeted(port), await SmtpSession.greeted(port)];
  const pids = [1, 2].map((worker) => pidOf(gateway, worker));
  // To the whole group, as a terminal does: workers do as the supervisor says, and nobody reloads or dies of it.
  gateway.process.signal('SIGHUP');
  await until('the reload', 5000, () => said(gateway, 'gateway.reloaded').length > 0);
  const ended = gateway.stop();
  await until('the drain to begin', 5000, () => said(gateway, 'gateway.draining').length > 0);
  for (const session of idle) assert.equal((await session.reply()).code, 421);
  for (const [n, session] of busy.entries()) {
    session.write(content(n) + '.\r\n');
    assert.equal((await session.reply()).code, 250);
  }
  assert.equal(await ended, 0);
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/);
  assert.equal(said(gateway, 'gateway.worker-ended').length, 0);
  assert.equal(said(gateway, 'gateway.stopped').length, 1);
  assert.equal(taken.length + (await gateway.queue()).length, 4, 'delivered or in the queue');
});

test('a supervisor that is killed takes its workers along, and nothing they accepted is lost', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, port } = await mill(cleanup);
  for (let n = 0; n < 4; n++) {
    const session = await SmtpSession.greeted(port);
    assert.equal((await session.transaction('a@out.test', ['b@in.test'], content(n))).reply.code, 250);
    await session.quit();
  }
  const pids = [1, 2].map((worker) => pidOf(gateway, worker));
  process.kill(gateway.process.pid, 'SIGKILL');
  await gateway.process.gone;
  for (const pid of pids)
    await until('the worker to end', 5000, () => {
      try {
        return !process.kill(pid, 0);
      } catch {
        return true;
      }
    });
  assert.equal((await gateway.queue()).length, 4);
});

test('an address that cannot be had keeps all workers from starting; one with port 0 is the same for all', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, port, config, folder } = await mill(cleanup);
  const start = async (text: string) => {
    const file = join(folder, 'other.yaml');
    await writeFile(file, text);
    const [program = '', ...args] = gatewayCommand();
    return run('second gateway', program, [...args, 'serve', '-c', file], { cwd: folder });
  };
  const second = await start(config({ stateDir: './other' }));
  assert.equal(second.code, 1);
  assert.match(second.output, new RegExp(`^error: the gateway cannot start.*EADDRINUSE.*${port}`, 'm'));
  const memory = await start(config({ spool: { engine: 'memory' } }));
  assert.equal(memory.code, 3);
  assert.match(memory.output, /several workers cannot share a spool in memory/);
  assert.equal(await gateway.stop(), 0);

  const listeners = [
    { name: 'smtp', bind: ['127.0.0.1:0', '127.0.0.1:0', `unix:${join(folder, 'smtp.sock')}`] },
  ];
  const free = await Gateway.start(cleanup, { folder, configuration: config({ listeners }), ports: [] });
  await until('both workers to listen', 10_000, () => said(free, 'smtp.listening').length > 1);
  const addresses = said(free, 'smtp.listening').map((line) => (line['addresses'] as string[]).join(' '));
  assert.equal(addresses.length, 2);
  assert.equal(addresses[0], addresses[1]);
  assert.equal(new Set(addresses[0]!.split(' ')).size, 3);
  for (const bound of addresses[0]!.split(' ').slice(0, 2))
    for (let n = 0; n < 4; n++) assert.equal(await greets(Number(bound.split(':')[1])), true);
  assert.equal(await free.stop(), 0);
});
