import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { status } from '#message';
import { codeOf, rig, slowly } from './rig.cases.ts';

test('S13: a command line may have the limit with its CRLF; one more is 500 5.5.2 and the session goes on', async () => {
  const r = await rig();
  const client = await (await r.client()).hello();
  const noop = (length: number): string => `NOOP ${'x'.repeat(length - 7)}`;
  for (const length of [512, 1000, 2048]) assert.equal(codeOf(await client.ask(noop(length))), '250 2.0.0');
  for (const length of [2049, 4096, 65_536]) {
    client.send(`${noop(length)}\r\nNOOP\r\n`);
    assert.deepEqual(await client.codes(2), ['500 5.5.2', '250 2.0.0'], String(length));
  }
  await r.stop();
});

test('S13: a line without end is cut off with 421 and costs no memory', async () => {
  const r = await rig();
  const client = await (await r.client()).hello();
  client.socket.on('error', () => {});
  const block = Buffer.alloc(1 << 20, 0x78);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 50 && !client.ended; i++)
    if (!client.socket.write(block))
      await new Promise<void>((resolve) => {
        client.socket.once('drain', resolve);
        client.socket.once('close', () => resolve());
      });
  await client.rest();
  assert.match(client.received, /\r\n421 4\.7\.0 /);
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 << 20);
  await r.closed();
  await r.stop();
});

test('S19: a web client is cut off at its first line', async () => {
  for (const first of ['POST / HTTP/1.1', 'get /x HTTP/1.0', 'Host: mx.test']) {
    const r = await rig();
    const client = await r.client();
    client.send(
      `${first}\r\nHost: mx.test\r\n\r\nEHLO x.test\r\nMAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nx\r\n.\r\n`,
    );
    assert.deepEqual(await client.codes(2), ['220', '421 4.7.0']);
    assert.equal(await client.rest(), '');
    await r.closed();
    assert.deepEqual(r.handlers[0]!.calls, ['connect', 'close']);
    await r.stop();
  }
});

test('errors of syntax and order are counted, refusals of recipients are not', async () => {
  const r = await rig({ limits: { maxErrors: 3 } });
  const client = await (await r.client()).hello();
  client.send(
    'MAIL FROM:<a@in.test>\r\n' + 'RCPT TO:<b@ext.test>\r\n'.repeat(10) + 'FROB\r\n'.repeat(4) + 'NOOP\r\n',
  );
  const codes = await client.codes(15);
  assert.deepEqual(codes.slice(11), ['500 5.5.1', '500 5.5.1', '500 5.5.1', '421 4.7.0']);
  assert.equal(await client.rest(), '');
  await r.stop();
  const none = await rig({ limits: { maxErrors: 0 } });
  const other = await (await none.client()).hello();
  assert.equal(codeOf(await other.ask('FROB')), '421 4.7.0');
  await none.stop();
});

test('commands are counted from one accepted message to the next', async () => {
  const r = await rig({ limits: { maxCommands: 5 } });
  const client = await (await r.client()).hello();
  for (let i = 0; i < 4; i++) {
    client.send('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nx\r\n.\r\nNOOP\r\n');
    assert.equal((await client.codes(5)).at(3), '250 2.0.0');
  }
  client.send('NOOP\r\n'.repeat(5));
  assert.deepEqual(await client.codes(5), [...Array<string>(4).fill('250 2.0.0'), '421 4.7.0']);
  await r.stop();
});

test('recipients above the limit are 452 4.5.3, the accepted ones stay', async () => {
  for (const max of [0, 1, 2]) {
    const r = await rig({ limits: { maxRecipients: max } });
    const client = await (await r.client()).hello();
    client.send('MAIL FROM:<a@in.test>\r\n' + 'RCPT TO:<b@in.test>\r\n'.repeat(3) + 'DATA\r\n');
    const codes = await client.codes(5);
    assert.deepEqual(
      codes.slice(1, 4),
      [0, 1, 2].map((i) => (i < max ? '250 2.1.0' : '452 4.5.3')),
    );
    assert.equal(codes[4], max === 0 ? '554 5.5.1' : '354');
    await r.stop();
  }
});

test('connections above a limit are told so and closed, and room comes back', async () => {
  const limits = [
    [{ maxConnections: 2 }, '421 4.3.2'],
    [{ maxConnectionsPerClient: 2 }, '421 4.7.0'],
  ] as const;
  for (const [limit, code] of limits) {
    const r = await rig({ limits: limit });
    const first = await (await r.client()).hello();
    const second = await (await r.client()).hello();
    assert.equal(r.server.sessions, 2);
    assert.equal(r.handlers[1]!.origin?.clientConnections, 2);
    const third = await r.client();
    assert.equal(codeOf(await third.reply()), code);
    assert.equal(await third.rest(), '');
    assert.equal(r.handlers.length, 2);
    await first.ask('QUIT');
    await first.rest();
    first.socket.end();
    while (r.server.sessions > 1) await new Promise(setImmediate);
    await (await r.client()).hello();
    assert.equal(codeOf(await second.ask('NOOP')), '250 2.0.0');
    await r.stop();
  }
});

test('no connections at all may be the limit', async () => {
  const r = await rig({ limits: { maxConnections: 0 } });
  assert.equal(codeOf(await (await r.client()).reply()), '421 4.3.2');
  await r.stop();
});

test('a silent or trickling client gets 421 4.4.2 when its time for one command is over', async () => {
  for (const trickle of [false, true]) {
    const clock = new ManualClock();
    const r = await rig({ clock, limits: { commandTimeout: 1000 } });
    const client = await (await r.client()).hello();
    for (let i = 0; i < 3; i++) {
      clock.advance(400);
      if (i < 2) {
        client.send(trickle ? 'N' : 'NOOP\r\n');
        if (trickle) await new Promise((resolve) => setTimeout(resolve, 20));
        else assert.equal(codeOf(await client.reply()), '250 2.0.0');
      }
    }
    if (!trickle) {
      assert.equal(codeOf(await client.ask('NOOP')), '250 2.0.0');
      clock.advance(1000);
    }
    assert.equal(codeOf(await client.reply()), '421 4.4.2');
    assert.equal(await client.rest(), '');
    assert.ok(r.notices.some((notice) => notice.startsWith('smtp.timeout')));
    client.socket.end();
    await r.stop();
  }
});

test('content must go on: a trickle of bytes does not count as progress, a kilobyte does', async () => {
  const clock = new ManualClock();
  let seen = 0;
  let wanted = 0;
  let wake = (): void => {};
  const r = await rig({ clock, limits: { dataTimeout: 1000 } }, (handler) => {
    handler.data = () => ({
      write(chunk) {
        seen += chunk.length;
        if (seen >= wanted) wake();
      },
      end: () => status(250, '2.0.0', 'OK'),
    });
    return handler;
  });
  const client = await (await r.client()).hello();
  const send = (text: string): Promise<void> =>
    new Promise((resolve) => {
      wanted = seen + text.length;
      wake = resolve;
      client.send(text);
    });
  client.send('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\n');
  await client.codes(3);
  for (let i = 0; i < 5; i++) {
    clock.advance(900);
    await send('x'.repeat(1024));
  }
  for (let i = 0; i < 3; i++) {
    client.send('y');
    await new Promise((resolve) => setTimeout(resolve, 20)); // in vain for the server, and that is the point
    clock.advance(400);
  }
  assert.equal(codeOf(await client.reply()), '421 4.4.2');
  await r.closed();
  assert.deepEqual(r.handlers[0]!.calls.slice(-2), ['reset refused', 'close']);
  client.socket.end();
  await r.stop();
});

test("time the handler takes is not the client's", async () => {
  const clock = new ManualClock();
  let answer = (): void => {};
  let asked = (): void => {};
  const waiting = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const r = await rig({ clock, limits: { commandTimeout: 1000 } }, (handler) => {
    handler.mail = () =>
      new Promise((resolve) => {
        answer = () => resolve(status(250, '2.1.0', 'OK'));
        asked();
      });
    return handler;
  });
  const client = await (await r.client()).hello();
  client.send('MAIL FROM:<a@in.test>\r\n');
  await waiting;
  clock.advance(60_000);
  answer();
  assert.equal(codeOf(await client.reply()), '250 2.1.0');
  await r.stop();
});

test('a client that does not read its replies is not read any further', async () => {
  const r = await rig({ limits: { maxCommands: Infinity } });
  const client = await (await r.client()).hello();
  client.socket.pause();
  let sent = 0;
  const block = 'HELP\r\n'.repeat(20_000);
  while (sent < 600 && client.socket.write(block)) sent++;
  for (let still = -1; still !== client.socket.writableLength || client.socket.writableLength === 0;) {
    still = client.socket.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 30));
    if (client.socket.writableLength === 0 && sent++ < 600) client.socket.write(block);
    if (sent >= 600) break;
  }
  assert.ok(client.socket.writableLength > 0, 'the server still reads');
  client.socket.resume();
  const marker = 'VRFY end\r\n';
  client.send(marker);
  while (codeOf(await client.reply()) !== '252 2.0.0');
  await r.stop();
});

test('early talkers wait for the greeting, or are refused when so configured', async () => {
  let greet = (): void => {};
  const name = (): Promise<{ name: string; ptr: string }> =>
    new Promise((resolve) => {
      greet = () => resolve({ name: 'client.test', ptr: 'ptr.test' });
    });
  for (const refuse of [false, true]) {
    const r = await rig({ clientName: name, refuseEarlyTalkers: refuse });
    const client = await r.client();
    client.send('EHLO early.test\r\n');
    while (r.server.sessions === 0) await new Promise(setImmediate);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(client.received, '');
    greet();
    if (refuse) assert.equal(codeOf(await client.reply()), '554 5.5.1');
    else {
      assert.deepEqual(await client.codes(2), ['220', '250']);
      assert.equal(r.handlers[0]!.origin?.clientName, 'client.test');
      assert.equal(r.handlers[0]!.origin?.clientPtr, 'ptr.test');
    }
    await r.stop();
  }
});

test('a client name that does not come in time, or fails, is none', async () => {
  for (const clientName of [
    () => new Promise<never>(() => {}),
    () => Promise.reject(new Error('SERVFAIL')),
  ]) {
    const r = await rig({ clientName, limits: { clientNameTimeout: 20 } }, slowly);
    const client = await (await r.client()).hello();
    assert.equal(r.handlers[0]!.origin?.clientName, '');
    assert.ok(r.notices.some((notice) => notice.startsWith('smtp.client-name-failed')));
    assert.equal(codeOf(await client.ask('NOOP')), '250 2.0.0');
    await r.stop();
  }
});
