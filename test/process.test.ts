// The gateway as a process: the starter, signals, reload, and what it says when something is wrong.
import assert from 'node:assert/strict';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Cleanup, tempFolder } from './support/folders.ts';
import { Gateway, gatewayCommand } from './support/gateway.ts';
import { arrived } from './support/maildir.ts';
import { freePorts } from './support/ports.ts';
import { launch, run } from './support/processes.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { greets, until } from './support/wait.ts';

const MESSAGE = 'Subject: hello\r\n\r\nbody\r\n';

async function gateway(
  t: TestContext,
  count = 1,
): Promise<{ g: Gateway; folder: string; ports: number[]; config: (more?: object) => string }> {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const ports = await freePorts(count);
  const config = (more: object = {}): string =>
    JSON.stringify({
      hostname: 'mx.test',
      stateDir: './state',
      listeners: [{ name: 'smtp', bind: `127.0.0.1:${ports[0]}` }],
      delivery: { routes: [{ match: 'true', via: 'maildir', to: './mail' }] },
      log: { level: 'debug' },
      ...more,
    });
  const g = await Gateway.start(cleanup, { folder, configuration: config(), ports: [ports[0]!] });
  return { g, folder, ports, config };
}

const said = (g: Gateway, event: string) => g.log.filter((line) => line['event'] === event);

test('SIGTERM lets a transaction under way finish, refuses new clients, and ends with 0', async (t) => {
  const { g, folder, ports } = await gateway(t);
  const busy = await SmtpSession.greeted(ports[0]!);
  const idle = await SmtpSession.greeted(ports[0]!);
  await busy.command('MAIL FROM:<a@out.test>');
  await busy.command('RCPT TO:<b@localhost>');
  assert.equal((await busy.command('DATA')).code, 354);
  const ended = g.stop();
  await until('the drain to begin', 5000, () => said(g, 'gateway.draining').length > 0);
  assert.equal((await idle.reply()).code, 421);
  assert.equal(await greets(ports[0]!), false);
  busy.write(MESSAGE + '.\r\n');
  assert.equal((await busy.reply()).code, 250);
  assert.equal(await ended, 0);
  // Nothing is sent on that begins while the gateway ends: it waits in the queue for the next start.
  assert.equal((await g.queue()).length, 1);
  await g.start();
  await arrived(join(folder, 'mail'), 'the message', (m) => m.field('Subject')[0] === 'hello');
  assert.equal(said(g, 'gateway.fault').length, 0);
});

test('SIGHUP takes over a good configuration without dropping a session, and says why not for a bad one', async (t) => {
  const { g, ports, config } = await gateway(t, 2);
  const session = await SmtpSession.greeted(ports[0]!);
  const reload = async (
    text: string,
    outcome: 'gateway.reloaded' | 'gateway.reload-refused',
  ): Promise<void> => {
    const before = said(g, outcome).length;
    await writeFile(g.configFile, text);
    g.process.child.kill('SIGHUP');
    await until(outcome, 5000, () => said(g, outcome).length > before);
  };
  await reload('{ "hostnam": "x" }', 'gateway.reload-refused');
  assert.match(String(said(g, 'gateway.reload-refused')[0]!['reason']), /hostnam.*hostname/s);
  await reload(config({ stateDir: './elsewhere' }), 'gateway.reload-refused');
  assert.match(String(said(g, 'gateway.reload-refused')[1]!['reason']), /restart/);
  await reload(
    config({
      hostname: 'new.test',
      listeners: [
        { name: 'smtp', bind: `127.0.0.1:${ports[0]}`, relay: { networks: [], domains: ['in.test'] } },
        { name: 'second', bind: `127.0.0.1:${ports[1]}` },
      ],
    }),
    'gateway.reloaded',
  );
  // The old session keeps what it began with, a new one has the new rules.
  assert.equal((await session.transaction('a@out.test', ['b@ext.test'], MESSAGE)).reply.code, 250);
  const fresh = SmtpSession.open(ports[0]!);
  assert.match((await fresh.reply()).text, /^new\.test /);
  await fresh.command('EHLO x');
  await fresh.command('MAIL FROM:<a@out.test>');
  assert.equal((await fresh.command('RCPT TO:<b@ext.test>')).code, 554);
  assert.equal((await fresh.command('RCPT TO:<b@in.test>')).code, 250);
  fresh.drop();
  assert.equal(await greets(ports[1]!), true);
  await reload(config(), 'gateway.reloaded');
  await until('the listener to be gone', 5000, async () => !(await greets(ports[1]!)));
  await session.quit();
  assert.equal(await g.stop(), 0);
});

test('SIGHUP adds an address to a listener and renames it: what is open stays open, in both', async (t) => {
  const { g, ports, config } = await gateway(t, 2);
  const session = await SmtpSession.greeted(ports[0]!);
  const binds = [`127.0.0.1:${ports[0]}`, `127.0.0.1:${ports[1]}`];
  const steps: [object, number[]][] = [
    [{ name: 'smtp', bind: binds }, [0, 1]],
    [{ name: 'other', bind: binds }, [0, 1]],
    [{ name: 'other', bind: binds[1] }, [1]],
    [{ name: 'smtp', bind: binds[0] }, [0]],
  ];
  for (const [i, [listener, open]] of steps.entries()) {
    await writeFile(g.configFile, config({ hostname: `step${i}.test`, listeners: [listener] }));
    g.process.child.kill('SIGHUP');
    await until(`reload ${i}`, 5000, () => said(g, 'gateway.reloaded').length > i);
    for (const [n, port] of ports.entries()) {
      assert.equal(await greets(port), open.includes(n), `step ${i}, address ${n}`);
      if (!open.includes(n)) continue;
      const fresh = SmtpSession.open(port);
      assert.match((await fresh.reply()).text, new RegExp(`^step${i}\\.test `));
      fresh.drop();
    }
    // The listener of the first session is the same until the last step, where it is another one: that drains.
    if (i < 3) assert.equal((await session.command('NOOP')).code, 250);
    else assert.equal((await session.reply()).code, 421);
  }
  assert.deepEqual(said(g, 'gateway.reload-refused'), []);
  assert.equal(await g.stop(), 0);
});

test('SIGHUP changes what is logged, and how', async (t) => {
  const { g, folder, ports, config } = await gateway(t);
  const reload = async (hostname: string, log: object): Promise<void> => {
    await writeFile(g.configFile, config({ hostname, log }));
    g.process.child.kill('SIGHUP');
    await until(`the reload to ${hostname}`, 5000, async () => {
      const session = SmtpSession.open(ports[0]!);
      const { text } = await session.reply();
      session.drop();
      return text.startsWith(hostname);
    });
  };
  await reload('pretty.test', { level: 'info', format: 'pretty' });
  await until('a line for people', 5000, () => g.strayLines.some((l) => l.includes('(gateway.reloaded)')));
  assert.equal(said(g, 'gateway.reloaded').length, 0);
  await reload('quiet.test', { level: 'error' });
  const session = await SmtpSession.greeted(ports[0]!);
  assert.equal((await session.transaction('a@out.test', ['b@localhost'], MESSAGE)).reply.code, 250);
  await session.quit();
  await arrived(join(folder, 'mail'), 'the message', () => true);
  await reload('loud.test', { level: 'debug' });
  await until('a line for machines', 5000, () => said(g, 'gateway.reloaded').length === 1);
  assert.equal(said(g, 'message.accepted').length, 0);
  assert.ok(!g.strayLines.some((l) => l.includes('(message.accepted)')));
});

test('two SIGHUPs in quick succession are both done, one behind the other; one while draining is refused', async (t) => {
  const { g, ports, config } = await gateway(t, 2);
  const listeners = ports.map((port, i) => ({ name: `l${i}`, bind: `127.0.0.1:${port}` }));
  await writeFile(g.configFile, config({ listeners }));
  for (let i = 0; i < 5; i++) g.process.child.kill('SIGHUP');
  await until('the reload', 5000, () => said(g, 'gateway.reloaded').length > 0);
  await writeFile(g.configFile, config({ listeners: listeners.slice(1) }));
  g.process.child.kill('SIGHUP');
  await until('the last reload', 5000, async () => !(await greets(ports[0]!)));
  assert.equal(await greets(ports[1]!), true);
  const busy = await SmtpSession.greeted(ports[1]!);
  await busy.command('MAIL FROM:<a@out.test>');
  const ended = g.stop();
  await until('the drain to begin', 5000, () => said(g, 'gateway.draining').length > 0);
  g.process.child.kill('SIGHUP');
  await until('the refusal', 5000, () => said(g, 'gateway.reload-refused').length > 0);
  assert.match(String(said(g, 'gateway.reload-refused')[0]!['reason']), /stopping/);
  assert.equal((await busy.command('RCPT TO:<b@localhost>')).code, 250);
  assert.equal((await busy.command('RSET')).code, 250);
  assert.equal((await busy.reply()).code, 421);
  busy.drop();
  assert.equal(await ended, 0);
  assert.equal(said(g, 'gateway.fault').length, 0);
});

test('a gateway that cannot start says why and ends with 1', async (t) => {
  const { ports, folder, config } = await gateway(t);
  const other = join(folder, 'other.yaml');
  await writeFile(other, config({ stateDir: './other' }));
  const [program = '', ...args] = gatewayCommand();
  const second = await run('second gateway', program, [...args, 'serve', '-c', other], { cwd: folder });
  assert.equal(second.code, 1);
  assert.match(second.output, new RegExp(`^error: the gateway cannot start.*EADDRINUSE.*${ports[0]}`, 'm'));
});

test('the README’s first command: the starter filters and delivers, and needs nothing but a folder', async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  if (await greets(2525)) assert.fail('something listens on 127.0.0.1:2525; the starter cannot be tested');
  const [program = '', ...args] = gatewayCommand();
  const starter = launch('starter', program, [...args, 'serve'], { cwd: folder });
  cleanup.after(() => starter.end(10_000));
  await until('the starter to greet', 10_000, () => greets(2525));
  const session = await SmtpSession.greeted(2525);
  assert.equal((await session.transaction('me@example.org', ['you@localhost'], MESSAGE)).reply.code, 250);
  await session.quit();
  const stored = await arrived(join(folder, 'var', 'mail'), 'the message', () => true);
  assert.equal(stored.field('X-Millrace-Hello').length, 1);
  assert.equal(stored.field('Received').length, 1);
  assert.equal(await starter.end(10_000), 0);
});

test('the state folder is for its owner only', async (t) => {
  const { folder } = await gateway(t);
  assert.equal((await stat(join(folder, 'state'))).mode & 0o777, 0o700);
});
