import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { bytesOf, makeField } from '#message';
import {
  MilterError,
  connectMilter,
  type MilterClientOptions,
  type MilterConversation,
} from '#milter/client';
import { Peer, RawFilter, choice, frame } from './raw-filter.cases.ts';

/** Self-signed for localhost, made for these tests only. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgt/77+SXdvRi2Ah4s
4sQETbiM5P9a5PgD9T5af2i56LqhRANCAATqrVidJWZaYEx6R7Pwz55GXeVNED3x
/hwz8ebzFdJYQY45dfqymx4w04OU8I5AeYZQ542/dmGSOBxpfdHkenrA
-----END PRIVATE KEY-----`;
const CERT = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUCgAwIBAgITWmnIJMHiJ9rqXAZqyAG0mJucYzAKBggqhkjOPQQDAjAU
MRIwEAYDVQQDDAlsb2NhbGhvc3QwIBcNMjYxMTIyMTkxMzEwWhgPMjEyNjEwMjkx
OTEzMTBaMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49
AwEHA0IABOqtWJ0lZlpgTHpHs/DPnkZd5U0QPfH+HDPx5vMV0lhBjjl1+rKbHjDT
g5TwjkB5hlDnjb92YZI4HGl90eR6esCjbzBtMB0GA1UdDgQWBBRSkmQJML+QxPpr
ypYWvJgzfr3EtzAfBgNVHSMEGDAWgBRSkmQJML+QxPprypYWvJgzfr3EtzAPBgNV
HRMBAf8EBTADAQH/MBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAKBggqhkjO
PQQDAgNIADBFAiEA1MtbLGLQAcKt8G1es6I6VcDbPJfYw5o0RpALvAkphEoCIA4A
RjScvk1F8rnsln8QN9PxNRLre+4sokSdq/MS+wCv
-----END CERTIFICATE-----`;

const NONE = (): undefined => undefined;
const CLIENT = { host: 'h', family: '4', port: 1, address: '192.0.2.1' } as const;

const errorOf = async (promise: unknown): Promise<MilterError> => {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof MilterError, String(error));
    return error;
  }
  assert.fail('it did not fail');
};

const codeOf = async (promise: unknown): Promise<string> => (await errorOf(promise)).code;

type Options = Partial<MilterClientOptions> & { actions?: number; protocol?: number };

interface Scene {
  readonly filter: RawFilter;
  readonly peer: Peer;
  readonly talk: MilterConversation;
}

async function scene(
  t: TestContext,
  { actions = 0x1ff, protocol = 0, ...rest }: Options = {},
): Promise<Scene> {
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  const opening = connectMilter(filter.options(rest));
  const peer = await filter.peer();
  await peer.read();
  peer.socket.write(choice(actions, protocol));
  const talk = await opening;
  t.after(() => talk.destroy());
  return { filter, peer, talk };
}

/** One run per stage: asks there and leaves the filter with the command. */
const STAGES: [name: string, code: string, ask: (talk: MilterConversation) => unknown][] = [
  ['connect', 'C', (talk) => talk.connect(CLIENT, NONE)],
  ['helo', 'H', (talk) => talk.helo('x', NONE)],
  ['mail', 'M', (talk) => talk.mail('<>', [], NONE)],
  ['rcpt', 'R', (talk) => talk.rcpt('<a@b>', [], NONE)],
  ['data', 'T', (talk) => talk.data(NONE)],
  ['unknown', 'U', (talk) => talk.unknown('X', NONE)],
  [
    'header',
    'L',
    (talk) => {
      const content = talk.content(NONE);
      void content.fields([makeField('A', ' 1')]);
      return content.end();
    },
  ],
  [
    'eoh',
    'N',
    (talk) => {
      const content = talk.content(NONE);
      void content.endOfHeaders();
      return content.end();
    },
  ],
  [
    'body',
    'B',
    (talk) => {
      const content = talk.content(NONE);
      void content.body(bytesOf('x'));
      return content.end();
    },
  ],
  ['end', 'E', (talk) => talk.content(NONE).end()],
];

const BEFORE_CONTENT = new Set(['connect', 'helo', 'mail', 'rcpt', 'data', 'unknown']);

for (const pipeline of [true, false])
  for (const [name, code, ask] of STAGES) {
    const patience = BEFORE_CONTENT.has(name) ? 2000 : 3000;
    const late = BEFORE_CONTENT.has(name) ? 'command_timeout' : 'data_timeout';

    test(`silence at ${name} ends the conversation after its time (pipeline ${pipeline})`, async (t) => {
      const { filter, peer, talk } = await scene(t, { pipeline });
      const asked = errorOf(ask(talk));
      await peer.until(code);
      filter.clock.advance(patience - 1);
      assert.ok(talk.alive);
      filter.clock.advance(1);
      const error = await asked;
      assert.equal(error.code, late);
      assert.equal(error.event, name);
      assert.equal(talk.alive, false);
      assert.equal(await errorOf(talk.mail('<>', [], NONE)), error, 'later calls fail with the same error');
      assert.equal(await errorOf(talk.content(NONE).end()), error);
      await peer.closed();
    });

    test(`a filter that closes at ${name} is noticed at once (pipeline ${pipeline})`, async (t) => {
      const { peer, talk } = await scene(t, { pipeline });
      const asked = errorOf(ask(talk));
      await peer.until(code);
      peer.socket.end();
      assert.equal((await asked).code, 'disconnected');
      assert.equal(talk.reusable, false);
    });
  }

/** Sends bytes and waits until the client's socket has read them. */
async function deliver(client: Socket, peer: Peer, bytes: Buffer): Promise<void> {
  const expected = client.bytesRead + bytes.length;
  peer.socket.write(bytes);
  while (client.bytesRead < expected) await new Promise((resolve) => setImmediate(resolve));
}

/** The scene, and the client's end of the connection. */
async function sceneWithSocket(t: TestContext, options: Options = {}): Promise<Scene & { client: Socket }> {
  let client: Socket | undefined;
  const notice = (message: unknown): void => {
    client ??= (message as { socket: Socket }).socket;
  };
  subscribe('net.client.socket', notice);
  const made = await scene(t, options);
  unsubscribe('net.client.socket', notice);
  assert.ok(client);
  return { ...made, client };
}

test('bytes that drip in do not extend the time, PROGRESS and whole edits do', async (t) => {
  const { filter, peer, talk, client } = await sceneWithSocket(t);
  const end = errorOf(talk.content(NONE).end());
  await peer.until('E');
  filter.clock.advance(2900);
  await deliver(client, peer, frame('p'));
  filter.clock.advance(2900);
  await deliver(client, peer, frame('hA\0b\0'));
  for (const byte of frame('hA\0b\0').subarray(0, 8)) {
    filter.clock.advance(374);
    assert.ok(talk.alive);
    await deliver(client, peer, Buffer.from([byte]));
  }
  filter.clock.advance(8); // 8 * 374 + 8 = 3000
  assert.equal((await end).code, 'data_timeout');
});

test('PROGRESS for ever meets the bound on the whole message; the time the client takes does not count', async (t) => {
  const { filter, peer, talk, client } = await sceneWithSocket(t, { timeoutMessage: 10_000 });
  const content = talk.content(NONE);
  filter.clock.advance(60_000); // nothing is due: the client is slow
  const end = errorOf(content.end());
  await peer.until('E');
  for (let i = 0; i < 4; i++) {
    assert.ok(talk.alive);
    filter.clock.advance(2499);
    await deliver(client, peer, frame('p'));
  }
  filter.clock.advance(4);
  assert.equal((await end).code, 'message_timeout');
});

test('a message bound of zero is no bound', async (t) => {
  const { filter, peer, talk, client } = await sceneWithSocket(t, { timeoutMessage: 0 });
  const end = talk.content(NONE).end();
  await peer.until('E');
  for (let i = 0; i < 100; i++) {
    filter.clock.advance(2999);
    await deliver(client, peer, frame('p'));
  }
  peer.send('c');
  assert.equal((await end).verdict.kind, 'continue');
});

test('a filter that takes no more bytes does not hold the caller for ever', async (t) => {
  const { filter, peer, talk } = await scene(t, { protocol: 0xff080 });
  peer.socket.pause();
  const content = talk.content(NONE);
  let wait: void | Promise<void> = undefined;
  const chunk = Buffer.alloc(1_000_000);
  for (let i = 0; i < 100 && !wait; i++) wait = content.body(chunk);
  assert.ok(wait, 'back-pressure');
  filter.clock.advance(3000);
  await wait;
  assert.equal(await codeOf(content.end()), 'data_timeout');
});

test('what the filter says out of turn ends the conversation', async (t) => {
  for (const early of ['c', 'p', 'hA\0b\0', 'zzz']) {
    const { peer, talk } = await scene(t);
    const mail = talk.mail('<>', [], NONE);
    await peer.until('M');
    peer.send('c', early);
    assert.equal((await mail).kind, 'continue');
    assert.equal(talk.alive, false, early);
    assert.equal(await codeOf(talk.rcpt('<a@b>', [], NONE)), 'unexpected_reply');
    await peer.closed();
  }
});

test('an idle connection that the filter closes is no longer alive', async (t) => {
  const { peer, talk } = await scene(t);
  assert.ok(talk.alive);
  peer.socket.end();
  await peer.closed();
  assert.equal(talk.alive, false);
  assert.equal(talk.error?.code, 'disconnected');
});

test('illegal answers end the conversation', async (t) => {
  const cases: [stage: number, answer: string, code: string][] = [
    [0, 'd', 'unexpected_reply'], // DISCARD at CONNECT
    [2, 's', 'unexpected_reply'], // SKIP that was not negotiated
    [2, 'hA\0b\0', 'unexpected_reply'], // a change before end of message
    [3, 'qvirus\0', 'unexpected_reply'],
    [2, 'z', 'unexpected_reply'],
    [2, 'O\0\0\0\x06\0\0\0\0\0\0\0\0', 'unexpected_reply'],
    [2, 'a1234', 'frame_invalid'],
    [2, 'c\0', 'frame_invalid'],
    [2, 'y550 no end', 'frame_invalid'],
    [9, 'm\0\0\0\x01A', 'frame_invalid'],
    [9, 'i\x80\0\0\0A\0b\0', 'frame_invalid'],
  ];
  for (const [stage, answer, code] of cases) {
    const { peer, talk } = await scene(t);
    const asked = codeOf(STAGES[stage]![2](talk));
    await peer.until(STAGES[stage]![1]);
    peer.send(answer);
    assert.equal(await asked, code, answer);
    await peer.closed();
  }
});

test('SHUTDOWN, CONN_FAIL and PROGRESS are accepted at every event', async (t) => {
  const ends = [
    ['4', 'shutdown'],
    ['f', 'connfail'],
  ] as const;
  for (const [name, code, ask] of STAGES)
    for (const [end, kind] of ends) {
      const { peer, talk } = await scene(t, { pipeline: false });
      const asked = ask(talk) as Promise<{ kind: string } | { verdict: { kind: string } }>;
      await peer.until(code);
      peer.send('p', end);
      const answer = await asked;
      assert.equal('verdict' in answer ? answer.verdict.kind : answer.kind, kind, name);
    }
});

test('absurd frames are refused by their length alone', async (t) => {
  const cases: [bytes: string, code: string][] = [
    ['\0\0\0\0', 'frame_invalid'],
    ['\x7f\xff\xff\xff', 'frame_too_large'],
    ['\xff\xff\xff\xff', 'frame_too_large'],
    ['\x00\x01\x86\xa1', 'frame_too_large'], // 100001
    ['HTTP/1.1 400', 'not_a_milter'],
  ];
  for (const [bytes, code] of cases) {
    const { peer, talk } = await scene(t);
    const mail = codeOf(talk.mail('<>', [], NONE));
    await peer.until('M');
    peer.socket.write(bytes, 'latin1');
    assert.equal(await mail, code, JSON.stringify(bytes));
  }
});

test('an edit that was not granted ends the conversation and counts for nothing', async (t) => {
  const edits = [
    'hA\0b\0',
    'i\0\0\0\x01A\0b\0',
    'm\0\0\0\x01A\0b\0',
    '+a\0',
    '2a\0',
    '-a\0',
    'ea\0',
    'bx',
    'qx\0',
  ];
  for (const edit of edits) {
    const { peer, talk } = await scene(t, { actions: 0x100 });
    const end = errorOf(talk.content(NONE).end());
    await peer.until('E');
    peer.send(edit, 'c');
    const error = await end;
    assert.equal(error.code, 'action_not_granted', edit);
    assert.match(error.message, /without having negotiated [A-Z_ or]+$/);
  }
});

test('edits and new bodies are bound: at the limit they pass, one more does not', async (t) => {
  const answer = async (options: Options, ...frames: string[]): Promise<string> => {
    const { peer, talk } = await scene(t, options);
    const end = talk.content(NONE).end();
    await peer.until('E');
    peer.send(...frames, 'c');
    try {
      return String((await end).edits.length);
    } catch (error) {
      return (error as MilterError).code;
    }
  };
  const add = 'hA\0b\0';
  assert.equal(await answer({ maxEdits: 5 }, add, add, add, add, add), '5');
  assert.equal(await answer({ maxEdits: 5 }, add, add, add, add, add, add), 'too_big');
  assert.equal(await answer({ maxEdits: 1 }, 'bx', 'by', 'bz'), '1');
  assert.equal(await answer({ maxEdits: 0 }), '0');
  assert.equal(await answer({ maxEdits: 0 }, add), 'too_big');
  assert.equal(await answer({ maxBodySize: 4 }, 'bab', 'bcd'), '1');
  assert.equal(await answer({ maxBodySize: 4 }, 'bab', 'bcde'), 'too_big');
  assert.equal(await answer({ maxBodySize: 0 }, 'b'), '1');
});

test('many small pieces of a new body come together in order', async (t) => {
  const { peer, talk } = await scene(t);
  const end = talk.content(NONE).end();
  await peer.until('E');
  const pieces = Array.from({ length: 3000 }, (_, i) => `b${i},`);
  peer.send(...pieces, 'b' + 'L'.repeat(5000), 'b', 'bend', 'c');
  const { edits } = await end;
  assert.equal(edits.length, 1);
  assert.ok(edits[0]?.kind === 'replaceBody');
  assert.ok(edits[0].chunks.length < 10);
  const text = Buffer.concat(edits[0].chunks).toString('latin1');
  assert.equal(text, pieces.map((p) => p.slice(1)).join('') + 'L'.repeat(5000) + 'end');
});

test('a header field larger than a frame is cut and counted', async (t) => {
  const { peer, talk } = await scene(t);
  const content = talk.content(NONE);
  void content.fields([makeField('A', ' ' + 'x'.repeat(70_000))]);
  const end = content.end();
  assert.equal((await peer.read()).length, 65536);
  await peer.until('E');
  peer.send('c', 'c');
  await end;
  assert.equal(content.cutFields, 1);
});

test('negotiation that cannot work is refused with a reason', async (t) => {
  const cases: [answer: Buffer | null, code: string, reason: RegExp][] = [
    [choice(0, 0, 1), 'negotiation', /version 1/],
    [choice(0, 0, 7), 'negotiation', /version 7/],
    [choice(0x200, 0), 'negotiation', /0x200/],
    [frame('O\0\0\0\x06\0\0\0\0\0\0\0'), 'negotiation', /too short/],
    [frame('c'), 'negotiation', /CONTINUE/],
    [Buffer.from('220 mx ESMTP\r\n'), 'not_a_milter', /SMTP/],
    [Buffer.from('\x15\x03\x01\0\x02\x02\x46', 'latin1'), 'not_a_milter', /useTls/],
    [null, 'negotiation', /does not accept this version or these flags/],
  ];
  for (const [answer, code, reason] of cases) {
    const filter = await RawFilter.listen();
    t.after(() => filter.close());
    const opening = errorOf(connectMilter(filter.options()));
    const peer = await filter.peer();
    await peer.read();
    if (answer) peer.socket.write(answer);
    else peer.socket.end();
    const error = await opening;
    assert.equal(error.code, code);
    assert.match(error.message, reason);
    await peer.closed();
  }
});

test('a second option reply is out of turn', async (t) => {
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  const opening = connectMilter(filter.options());
  const peer = await filter.peer();
  await peer.read();
  peer.socket.write(Buffer.concat([choice(0, 0), choice(0, 0)]));
  const talk = await opening;
  assert.equal(talk.alive, false);
  assert.equal(talk.error?.code, 'unexpected_reply');
});

test('a filter that never answers the offer is given up in time', async (t) => {
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  const opening = errorOf(connectMilter(filter.options()));
  const peer = await filter.peer();
  await peer.read();
  filter.clock.advance(1000);
  const error = await opening;
  assert.equal(error.code, 'connect_timeout');
  assert.match(error.message, /no option reply/);
  await peer.closed();
});

test('a filter that is not there is told apart by what is wrong', async (t) => {
  const filter = await RawFilter.listen();
  const folder = mkdtempSync(join(tmpdir(), 'milter-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'file'), '');
  filter.close();
  const failing = async (endpoint: MilterClientOptions['endpoint']): Promise<string> => {
    const error = await errorOf(connectMilter(filter.options({ endpoint })));
    assert.equal(error.code, 'connect');
    return error.message;
  };
  assert.match(await failing(filter.endpoint), /127\.0\.0\.1:\d+: connection refused/);
  assert.match(
    await failing({ ...filter.endpoint, host: 'localhost' } as never),
    /localhost:\d+: connection refused/,
  );
  assert.match(await failing({ kind: 'unix', path: join(folder, 'none') }), /no such socket/);
  assert.match(await failing({ kind: 'unix', path: join(folder, 'file') }), /plain file/);
});

test('localhost is tried on both address families', async (t) => {
  const server = createServer();
  server.listen({ host: '::1', port: 0 });
  const ok = await Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ]);
  if (!ok && process.env['CI'] !== 'true') return t.skip('no IPv6 loopback here');
  assert.ok(ok, 'no IPv6 loopback here');
  t.after(() => server.close());
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(choice(0, 0)));
  });
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  const { port } = server.address() as AddressInfo;
  const talk = await connectMilter(filter.options({ endpoint: { kind: 'tcp', host: 'localhost', port } }));
  assert.ok(talk.alive);
  talk.destroy();
});

test('a resolver that says nothing is given up in time', async (t) => {
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  let answer: (addresses: readonly string[]) => void = () => undefined;
  const error = errorOf(
    connectMilter(
      filter.options({
        endpoint: { kind: 'tcp', host: 'filter.test', port: 1 },
        resolve: () => new Promise((resolve) => (answer = resolve)),
      }),
    ),
  );
  filter.clock.advance(999);
  filter.clock.advance(1);
  assert.equal((await error).code, 'connect_timeout');
  assert.match((await error).message, /within 1000 ms: nobody answers what the address of filter\.test is/);
  answer(['127.0.0.1']);
});

/** Listens at the second loopback address; the first has the same port free, or a server of the test's own. */
async function second(t: TestContext, server: Server, port = 0): Promise<number> {
  server.listen({ host: '127.0.0.2', port });
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('the addresses of a name are tried in turn: one refuses, the next answers', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(choice(0, 0)));
  });
  const port = await second(t, server);
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  const asked: string[] = [];
  const options = filter.options({
    endpoint: { kind: 'tcp', host: 'filter.test', port },
    resolve: (host) => {
      asked.push(host);
      return Promise.resolve(['127.0.0.1', '127.0.0.2']);
    },
  });
  const talk = await connectMilter(options);
  assert.ok(talk.alive);
  talk.destroy();
  assert.deepEqual(asked, ['filter.test']);
  server.close();
  const error = await errorOf(connectMilter(options));
  assert.match(error.message, /connection refused/);
});

test('the addresses of a name are tried in turn: one is silent for its share of the time, the next answers', async (t) => {
  const speaking = createTlsServer({ key: KEY, cert: CERT }, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(choice(0, 0)));
  });
  const port = await second(t, speaking);
  const silent = createServer();
  silent.listen({ host: '127.0.0.1', port });
  await once(silent, 'listening');
  t.after(() => silent.close());
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  const opening = connectMilter(
    filter.options({
      endpoint: { kind: 'tcp', host: 'filter.test', port },
      tls: { allowInvalidCerts: true },
      resolve: () => Promise.resolve(['127.0.0.1', '127.0.0.2']),
    }),
  );
  const [held] = (await once(silent, 'connection')) as [Socket];
  held.on('error', () => undefined);
  await once(held, 'data');
  filter.clock.advance(500);
  const talk = await opening;
  assert.ok(talk.alive);
  talk.destroy();
  held.destroy();
});

test('TLS is spoken from the first byte; its certificate is checked unless told otherwise', async (t) => {
  const server = createTlsServer({ key: KEY, cert: CERT });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  t.after(() => server.close());
  const peers: Peer[] = [];
  server.on('secureConnection', (socket) => {
    const peer = new Peer(socket);
    peers.push(peer);
    peer.read().then(
      () => socket.write(choice(0, 0)),
      () => undefined,
    );
  });
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  const endpoint = { kind: 'tcp', host: 'localhost', port: (server.address() as AddressInfo).port } as const;
  const talk = await connectMilter(filter.options({ endpoint, tls: { allowInvalidCerts: true } }));
  const mail = talk.mail('<>', [], NONE);
  await peers[0]!.until('M');
  peers[0]!.send('a');
  assert.equal((await mail).kind, 'accept');
  talk.quit();
  assert.equal(await peers[0]!.read(), 'Q');
  const refused = await errorOf(
    connectMilter(filter.options({ endpoint, tls: { allowInvalidCerts: false } })),
  );
  assert.equal(refused.code, 'tls');
  assert.match(refused.message, /name its authority in tlsCa/);
});

test('a plain filter behind useTls is named', async (t) => {
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  const opening = errorOf(connectMilter(filter.options({ tls: { allowInvalidCerts: false } })));
  const peer = await filter.peer();
  peer.socket.write(choice(0, 0));
  assert.equal((await opening).code, 'tls');
});

test('a TLS handshake that never comes is given up in time', async (t) => {
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  const opening = errorOf(connectMilter(filter.options({ tls: { allowInvalidCerts: true } })));
  const peer = await filter.peer();
  await once(peer.socket, 'data');
  filter.clock.advance(1000);
  const error = await opening;
  assert.equal(error.code, 'connect_timeout');
  assert.match(error.message, /TLS handshake/);
  await peer.closed();
});

test('an observer that can is shown what is no packet, as far as it came', async (t) => {
  const heard: string[] = [];
  const observer = {
    packet: () => undefined,
    stray: ({ bytes }: { readonly bytes: Uint8Array }): void =>
      void heard.push(Buffer.from(bytes).toString('latin1')),
  };
  const filter = await RawFilter.listen();
  t.after(() => filter.close());
  const opening = codeOf(connectMilter(filter.options({ observer })));
  const clamd = await filter.peer();
  await clamd.read();
  clamd.socket.write('UNKNOWN COMMAND\n'.repeat(10));
  assert.equal(await opening, 'not_a_milter');
  assert.deepEqual(heard, ['UNKNOWN COMMAND\n'.repeat(4)]);
});
