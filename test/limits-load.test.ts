/**
 * Crowds, drips and floods against the gateway as a process: its limits are answered as documented, its memory stays within
 * bounds, and honest clients notice little (R01, R02, R05).
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CONTENT, addressOf, codesOf, honest, p99, start } from './support/besieged.ts';
import { makeAuthority } from './support/certificates.ts';
import { memoryOf, type Visitor } from './support/crowd.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

test('R01: 2000 idle clients from 50 addresses are served in under 300 MB; one address, a rush and the whole have their limits', async (t) => {
  const limits = { maxConnectionRate: 100 };
  const listener = { maxConnections: 2100, maxConnectionsPerClient: 50, limits };
  const { port, gateway, crowd } = await start(t, { listener });
  const existing = await SmtpSession.greeted(port);

  const idle = await crowd.come(2000, (n) => addressOf(n % 50));
  assert.deepEqual(codesOf(idle), { '220': 2000 });
  for (const [visitor] of idle.slice(0, 100)) visitor.say('EHLO idle.test\r\n');
  for (const [visitor] of idle.slice(0, 100)) await visitor.lines(2);
  const memory = await memoryOf(gateway.process.pid);
  assert.ok(memory < 300, `${memory} MB`);
  t.diagnostic(`2000 idle clients: ${memory.toFixed(0)} MB`);

  assert.deepEqual(codesOf(await crowd.come(500, () => '127.1.0.1')), { '220': 50, '421 4.7.0': 450 });
  assert.deepEqual(codesOf(await crowd.come(200, (n) => addressOf(1000 + n))), {
    '220': 2100 - 2000 - 50 - 1,
    '421 4.3.2': 200 - 49,
  });
  assert.equal((await existing.transaction('a@out.test', ['b@in.test'], CONTENT)).reply.code, 250);
  crowd.leave();
  await until('room for others', 10_000, () =>
    honest(port)
      .then(() => true)
      .catch(() => false),
  );

  // A rush from one address: each connection ends before the next one comes.
  const rush: string[] = [];
  for (let i = 0; i < 250; i++) {
    const visitor = crowd.visitor('127.2.0.1');
    rush.push((await visitor.lines(1))[0]!.slice(0, 9));
    visitor.socket.destroy();
  }
  assert.equal(rush.filter((line) => line.startsWith('220')).length, 100);
  assert.deepEqual([...new Set(rush.slice(100))], ['421 4.7.0']);
  await honest(port);
  await existing.quit();
  // Thousands were refused, and the log is not full of it.
  assert.ok(gateway.log.length < 200, `${gateway.log.length} lines`);
});

test('R02: 500 drips in command, content, handshake, AUTH answer and PROXY header are cut off in time, and honest clients are served within 500 ms', async (t) => {
  const seconds = 4;
  const cleanup = new Cleanup(t);
  const authority = await makeAuthority(cleanup);
  const pair = await authority.sign({ names: 'DNS:mx.test' });
  const folder = await tempFolder(cleanup);
  for (const [name, text] of Object.entries(pair)) await writeFile(join(folder, name), text);
  const users = join(folder, 'users');
  await writeFile(users, '# nobody yet\n');
  const time = `${seconds}s`;
  const limits = {
    commandTimeout: time,
    dataTimeout: time,
    tlsTimeout: time,
    proxyTimeout: time,
    minDataRate: 200,
  };
  const { port, gateway, crowd } = await start(t, {
    listener: {
      tls: 'starttls',
      auth: 'optional',
      insecureAuth: true,
      trustedProxies: ['127.3.0.0/16'],
      maxConnectionsPerClient: 600,
      limits: { ...limits, maxConnectionRate: 10_000 },
    },
    more: { tls: { certificate: join(folder, 'cert'), key: join(folder, 'key') }, usersFile: users },
  });
  const greeted = (await crowd.come(450, (n) => addressOf(n % 20))).map(([visitor]) => visitor);
  const proxies = Array.from({ length: 50 }, () => crowd.visitor('127.3.0.1'));
  const came = [...greeted, ...proxies];
  const [commands, contents] = [greeted.slice(0, 150), greeted.slice(150, 300)];
  const [handshakes, answers] = [greeted.slice(300, 400), greeted.slice(400)];
  for (const visitor of contents)
    visitor.say('EHLO x.test\r\nMAIL FROM:<a@out.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\n');
  for (const visitor of handshakes) visitor.say('EHLO x.test\r\nSTARTTLS\r\n');
  for (const visitor of answers) visitor.say('EHLO x.test\r\nAUTH LOGIN\r\n');
  for (const visitor of answers) await until('334', 5000, () => visitor.told.includes('\r\n334 '));
  for (const visitor of contents) await until('354', 5000, () => visitor.told.includes('\r\n354 '));
  for (const visitor of handshakes)
    await until('TLS', 5000, () => visitor.told.includes('\r\n220 2.0.0 Ready'));

  const began = performance.now();
  // The first bytes of a ClientHello that promises 512 more.
  const drops = new Map<readonly Visitor[], string>([
    [commands, 'NOOP xxxxxxxxxxxxxxxxxxxxxxxx'],
    [contents, 'Subject: slow, so very slow'],
    [answers, 'YWxpY2VhbGljZWFsaWNlYWxpY2U'],
    [proxies, 'PROXY TCP4 192.0.2.1 198.51.100.1 1 2'],
    [handshakes, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaaaaaaaaaaaa'],
  ]);
  let drop = 0;
  const dripping = setInterval(() => {
    for (const [visitors, text] of drops) for (const visitor of visitors) visitor.say(text[drop] ?? 'x');
    drop++;
  }, 400);
  cleanup.after(() => clearInterval(dripping));

  const times: number[] = [];
  const serving = (async () => {
    while (came.some((visitor) => !visitor.closed)) times.push(await honest(port));
  })();
  const ended = new Map<string, number>();
  for (const visitor of came) {
    const told = await visitor.end(20_000);
    const last = told.trimEnd().split('\r\n').at(-1)!.slice(0, 9) || 'nothing';
    ended.set(last, (ended.get(last) ?? 0) + 1);
  }
  const took = (performance.now() - began) / 1000;
  clearInterval(dripping);
  await serving;
  // Who is in the handshake has no ears for a reply, and who does not say for whom he speaks is not greeted.
  assert.deepEqual(Object.fromEntries(ended), { '421 4.4.2': 350, '220 2.0.0': 100, nothing: 50 });
  assert.ok(took < seconds + 4, `${took} s`);
  t.diagnostic(`honest p99 ${p99(times).toFixed(0)} ms over ${times.length} visits`);
  assert.ok(times.length >= 20 && p99(times) < 500, `${p99(times)} ms of ${times.length}`);

  // A handshake in time is welcome afterwards.
  const session = await SmtpSession.greeted(port);
  assert.equal((await session.command('STARTTLS')).code, 220);
  await session.secure();
  assert.equal((await session.command('EHLO x.test')).code, 250);
  await session.quit();
  assert.ok(!gateway.process.ended);
});

test('R05: recipients, transactions, commands and errors of one session are bounded as documented, memory stays flat', async (t) => {
  const { port, gateway, crowd } = await start(t, {});
  const pid = gateway.process.pid;
  const [[many]] = (await crowd.come(1, () => '127.0.0.1')) as [[Visitor, string]];
  many.say(
    'HELO x.test\r\nMAIL FROM:<a@out.test>\r\n' +
      'RCPT TO:<b@in.test>\r\nRCPT TO:<c@ext.test>\r\n'.repeat(5000),
  );
  const replies = await many.lines(3 + 10_000);
  const codes = codesOf(replies.slice(3).map((line) => [many, line] as const));
  // Once there are enough, the rest is not looked at. HELO and MAIL are commands too: the last recipients are too much.
  assert.deepEqual(codes, { '250 2.1.5': 1000, '452 4.5.3': 7999, '554 5.7.1': 999, '421 4.7.0': 1 });

  const wrong = await SmtpSession.greeted(port);
  const faults: number[] = [];
  for (let i = 0; i < 21; i++) faults.push((await wrong.command('FROB')).code);
  assert.deepEqual(faults, [...Array<number>(20).fill(500), 421]);

  const long = await SmtpSession.greeted(port);
  const transact = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 50) {
      const pipelined = 'MAIL FROM:<a@out.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\n' + CONTENT + '.\r\n';
      long.write(pipelined.repeat(50));
      for (let n = 0; n < 50; n++)
        for (const code of [250, 250, 354, 250]) assert.equal((await long.reply()).code, code);
    }
  };
  // Between two large collections the heap grows like a saw: what counts is the highest tooth. Mapped files are the kernel's.
  const highest = async (rounds: number): Promise<number> => {
    let most = 0;
    for (; rounds > 0; rounds--) {
      await transact(1000);
      most = Math.max(most, await memoryOf(pid, 'RssAnon'));
    }
    return most;
  };
  const before = await highest(6);
  const after = await highest(6);
  await long.quit();
  t.diagnostic(`6000 transactions more: ${before.toFixed(0)} to ${after.toFixed(0)} MB`);
  assert.ok(after - before < 40, `${before} MB to ${after} MB`);
});

test('S13: 50 MB without a line end are cut off with 421 and cost the process less than 8 MB', async (t) => {
  const { port, gateway, crowd } = await start(t, {});
  const { pid } = gateway.process;
  const cuts = () => gateway.log.filter((l) => l['event'] === 'smtp.session-cut' && l['kind'] === 'flood');
  const flood = async (): Promise<string> => {
    const [[visitor]] = (await crowd.come(1, () => '127.0.0.1')) as [[Visitor, string]];
    const block = 'x'.repeat(1 << 20);
    const ended = visitor.end();
    for (let sent = 0; sent < 50 && !visitor.closed; sent++) {
      const written = new Promise<void>((resolve) => void visitor.socket.write(block, () => resolve()));
      await Promise.race([written, ended]);
    }
    return ended;
  };
  await flood(); // what the process needs once and for all
  await honest(port);
  const before = await memoryOf(pid, 'VmHWM');
  // Whoever goes on sending may lose the reply with the connection; the log has it.
  assert.match(await flood(), /^220 [^\r]*\r\n(?:421 4\.7\.0 Line without end, closing connection\r\n)?$/);
  await until('both floods to be told of', 5000, () => cuts().length === 2);
  const grown = (await memoryOf(pid, 'VmHWM')) - before;
  t.diagnostic(`grown by ${grown.toFixed(1)} MB`);
  assert.ok(grown < 8, `${grown} MB`);
  await honest(port);
});
