import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '#message';
import { codeOf, rig, slowly, type Client } from './rig.cases.ts';

/** Opens a transaction up to 354. */
async function atContent(client: Client): Promise<Client> {
  client.send('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\n');
  assert.deepEqual(await client.codes(3), ['250 2.1.0', '250 2.1.0', '354']);
  return client;
}

// Reference reliability S01.
const FALSE_ENDS = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\n',
  '\n.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\r\n.\r\r\n',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
];

for (const rule of ['reject', 'normalise'] as const)
  test(`S01: no false end smuggles a second transaction (${rule})`, async () => {
    const r = await rig({ bareLineEnds: rule });
    const client = await (await r.client()).hello();
    for (const end of FALSE_ENDS) {
      await atContent(client);
      const smuggled = 'MAIL FROM:<evil@in.test>\r\nRCPT TO:<v@in.test>\r\nDATA\r\nevil';
      const refused = rule === 'reject' || end.includes('\0');
      const reply = codeOf(await client.ask(`Subject: x\r\n\r\nbody${end}${smuggled}\r\n.`));
      assert.equal(reply, refused ? '550 5.6.0' : '250 2.0.0', JSON.stringify(end));
      assert.equal(codeOf(await client.ask('NOOP')), '250 2.0.0');
    }
    const { calls, contents } = r.handlers[0]!;
    assert.equal(calls.filter((call) => call.startsWith('mail')).length, FALSE_ENDS.length);
    assert.ok(!calls.some((call) => call.includes('evil')));
    for (const content of contents) assert.doesNotMatch(content, /(?<!\r)\n|\r(?!\n)/);
    await r.stop();
  });

test('S15: long lines and a megabyte without a line end pass unchanged by default', async () => {
  const r = await rig();
  const client = await (await r.client()).hello();
  for (const length of [998, 999, 10_000, 1_000_000]) {
    await atContent(client);
    assert.equal(codeOf(await client.ask(`${'x'.repeat(length)}\r\n.`)), '250 2.0.0');
    assert.equal(r.handlers[0]!.contents.at(-1), `${'x'.repeat(length)}\r\n`);
  }
  await r.stop();
});

test('S15: with a line limit the limit passes and one more is refused', async () => {
  const r = await rig({ limits: { maxLineLength: 998 } });
  const client = await (await r.client()).hello();
  await atContent(client);
  assert.equal(codeOf(await client.ask(`${'x'.repeat(998)}\r\n.`)), '250 2.0.0');
  await atContent(client);
  assert.equal(codeOf(await client.ask(`${'x'.repeat(999)}\r\n.`)), '550 5.6.0');
  await r.stop();
});

test('S29: the size limit holds for un-stuffed bytes: limit passes, one more and ten times more are 552', async () => {
  const r = await rig({ limits: { maxMessageSize: 100_000 } }, slowly);
  const client = await (await r.client()).hello();
  const cases: [string, string][] = [
    ['x'.repeat(99_998), '250 2.0.0'],
    ['x'.repeat(99_999), '552 5.3.4'],
    ['..\r\n'.repeat(33_332) + 'yy', '250 2.0.0'],
    ['..\r\n'.repeat(33_332) + 'yyy', '552 5.3.4'],
    [('x'.repeat(70) + '\r\n').repeat(14_000), '552 5.3.4'],
  ];
  for (const [content, code] of cases) {
    await atContent(client);
    assert.equal(codeOf(await client.ask(`${content}\r\n.`)), code);
  }
  assert.equal(r.handlers[0]!.fault?.kind, 'size');
  assert.equal(r.handlers[0]!.contents.length, 2);
  assert.ok(r.notices.some((notice) => notice.includes('smtp.content-refused') && notice.includes('size')));
  await r.stop();
});

test('a positive answer to content that broke a rule is not passed on', async () => {
  const r = await rig({ limits: { maxMessageSize: 2 } }, (handler) => {
    handler.data = () => ({ write() {}, end: () => status(250, '2.0.0', 'fine') });
    return handler;
  });
  const client = await (await r.client()).hello();
  await atContent(client);
  assert.equal(codeOf(await client.ask('too much\r\n.')), '552 5.3.4');
  await r.stop();
});

test('a slow sink stops reading from the client, and all arrives in the end', async () => {
  let release = (): void => {};
  let reached = (): void => {};
  const waiting = new Promise<void>((resolve) => {
    reached = resolve;
  });
  let taken = 0;
  const r = await rig({}, (handler) => {
    handler.data = () => ({
      write: (chunk) => {
        taken += chunk.length;
        if (taken > chunk.length) return;
        reached();
        return new Promise((resolve) => {
          release = resolve;
        });
      },
      end: () => status(250, '2.0.0', 'Queued'),
    });
    return handler;
  });
  const client = await (await r.client()).hello();
  await atContent(client);
  const content = ('x'.repeat(998) + '\r\n').repeat(30_000);
  client.send(`${content}.\r\n`);
  await waiting;
  // The sink holds its first chunk: what the system's buffers do not take stays with the client.
  const before = taken;
  let still = client.socket.writableLength;
  for (let same = 0; same < 20;) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    same = client.socket.writableLength === still ? same + 1 : 0;
    still = client.socket.writableLength;
  }
  assert.equal(taken, before);
  assert.ok(still > 10_000_000, `unsent: ${still}`);
  release();
  assert.equal(codeOf(await client.reply()), '250 2.0.0');
  assert.equal(taken, content.length);
  await r.stop();
});

test('a client that goes away in the middle of content is a reset and one close', async () => {
  const r = await rig();
  const client = await (await r.client()).hello();
  await atContent(client);
  client.send('half a mess');
  client.socket.destroy();
  await r.closed();
  assert.deepEqual(r.handlers[0]!.calls.slice(-3), ['data', 'reset disconnect', 'close']);
  await r.stop();
});

test('a client that goes away while the verdict is awaited gets no reset, and close comes after the verdict', async () => {
  let finish = (): void => {};
  let asked = (): void => {};
  const ending = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const r = await rig({}, (handler) => {
    handler.data = () => ({
      write() {},
      end: () =>
        new Promise((resolve) => {
          asked();
          finish = () => {
            handler.calls.push('verdict');
            resolve(status(250, '2.0.0', 'Queued'));
          };
        }),
    });
    return handler;
  });
  const client = await (await r.client()).hello();
  await atContent(client);
  client.send('x\r\n.\r\n');
  await ending;
  client.socket.resetAndDestroy();
  while (!r.notices.some((n) => n.includes('socket-error'))) await new Promise(setImmediate);
  assert.ok(!r.handlers[0]!.calls.includes('close'));
  finish();
  await r.closed();
  assert.deepEqual(r.handlers[0]!.calls.slice(-2), ['verdict', 'close']);
  await r.stop();
});

test('input without an end at the end of the connection is ignored', async () => {
  const r = await rig();
  const client = await (await r.client()).hello();
  client.socket.end('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>');
  await r.closed();
  assert.deepEqual(r.handlers[0]!.calls.slice(2), ['mail <a@in.test>', 'reset disconnect', 'close']);
  await r.stop();
});

test('a client that sends everything and closes its side is still served', async () => {
  const r = await rig({}, slowly);
  const client = await r.client();
  client.socket.end(
    'EHLO c.test\r\nMAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n',
  );
  assert.deepEqual(await client.codes(7), [
    '220',
    '250',
    '250 2.1.0',
    '250 2.1.0',
    '354',
    '250 2.0.0',
    '221 2.0.0',
  ]);
  assert.deepEqual(r.handlers[0]!.contents, ['hi\r\n']);
  await r.stop();
});
