// A connection reset at every byte of a whole session, from clients and from next hops: nothing breaks and nothing is left behind.
import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { passwordHashText } from '#gateway/config';
import { makeAuthority } from './support/certificates.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house, type Guest, type House } from './support/house.ts';
import { arrived } from './support/maildir.ts';
import { skipWithout } from './support/processes.ts';
import { startRawHop, type Cut } from './support/raw-hop.ts';
import { ScriptedFilter } from './support/scripted-filter.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { pause, until } from './support/wait.ts';

/** What is said step by step, each step when the step before was answered. */
const STEPS = [
  'EHLO client.test\r\n',
  'MAIL FROM:<a@out.test>\r\n',
  'RCPT TO:<b@in.test>\r\nRCPT TO:<c@in.test>\r\n',
  'DATA\r\n',
  'Subject: reset\r\n\r\none line\r\n..\r\n.\r\n',
  'RSET\r\n',
  'MAIL FROM:<a@out.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\n',
  'Subject: second\r\n\r\nbody\r\n.\r\n',
  'QUIT\r\n',
];
const SESSION = STEPS.join('');
const AT_ONCE = 40;
const LISTENER = {
  name: 'smtp',
  bind: '127.0.0.1:0',
  relay: { networks: [], domains: ['in.test'] },
  maxConnectionsPerClient: 500,
  limits: { maxConnectionRate: 1_000_000 },
};

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Whether the client waits for replies before it breaks off, and what speaks. */
type Manner = 'in step' | 'in haste';

/** Plays the first `count` bytes of the session and resets. In step: each step waits for its replies, and so does the reset. */
async function playAndReset(
  socket: Socket,
  raw: Socket,
  count: number,
  manner: Manner,
  steps: readonly string[] = STEPS,
): Promise<void> {
  socket.setEncoding('latin1');
  let said = '';
  let wake = (): void => undefined;
  const news = (): void => wake();
  const closed = new Promise((resolve) => raw.once('close', resolve));
  for (const one of new Set([socket, raw])) one.on('error', news).on('close', news);
  socket.on('data', (text: string) => {
    said += text;
    news();
  });
  const replies = (): number => said.match(/^\d{3} /gm)?.length ?? 0;
  const wait = async (wanted: number): Promise<void> => {
    while (replies() < wanted && !raw.destroyed)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  // Inside TLS there is no greeting, and to a proxy it comes behind its header.
  let due = socket === raw && !steps[0]?.startsWith('PROXY') ? 1 : 0;
  if (manner === 'in step') await wait(due);
  let at = 0;
  for (const step of steps) {
    const part = step.slice(0, count - at);
    if (part !== '') socket.write(part, 'latin1');
    at += part.length;
    if (manner === 'in haste') continue;
    due += step.includes('Subject') ? Number(part === step) : part.split('\r\n').length - 1;
    await wait(due);
    if (at === count) break;
  }
  // In haste what was sent may arrive together with the reset, or a moment before.
  if (manner === 'in haste' && count % 2 === 0) await new Promise(setImmediate);
  raw.resetAndDestroy();
  await closed;
}

/** Runs `one` for each position, some at a time. */
async function atEvery(
  positions: readonly number[],
  one: (position: number) => Promise<void>,
): Promise<void> {
  const left = [...positions];
  const worker = async (): Promise<void> => {
    for (let position = left.shift(); position !== undefined; position = left.shift()) await one(position);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const every = (last: number, step = 1): number[] =>
  Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);

/** A gateway that has done one message, so that everything that is opened once is open. */
async function warm(
  cleanup: Cleanup,
  guests: readonly Guest[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<House> {
  const h = await house(cleanup, guests, { listeners: [LISTENER], ...more });
  await canary(h, 'warm');
  return h;
}

/** A message goes all the way. */
async function canary(h: House, subject: string): Promise<void> {
  const session = await SmtpSession.greeted(h.port);
  const content = `Subject: ${subject}\r\n\r\nalive\r\n`;
  const { reply } = await session.transaction('a@out.test', ['b@in.test'], content);
  assert.equal(reply.code, 250, reply.text);
  await session.quit();
  await arrived(h.mail, `the message ${subject}`, (message) => message.field('Subject')[0] === subject);
}

/** Nothing failed inside, everything is closed again, and mail still goes. */
async function unharmed(h: House, before: number, subject: string): Promise<void> {
  await canary(h, subject);
  await until('descriptors to be back', 10_000, () => descriptors() <= before);
  const broken = h.heard.filter((n) => n.name === 'smtp.internal-error');
  assert.deepEqual(broken, []);
}

for (const manner of ['in step', 'in haste'] as const)
  test(`R10: a client that resets at every byte of its session, ${manner}, leaves nothing behind`, async (t) => {
    const cleanup = new Cleanup(t);
    const h = await warm(cleanup, []);
    const before = descriptors();
    await atEvery(every(SESSION.length), async (count) => {
      const socket = connect({ port: h.port, host: '127.0.0.1', noDelay: true });
      await playAndReset(socket, socket, count, manner);
    });
    await unharmed(h, before, `after resets ${manner}`);
  });

test('R10: with two filters, their conversations end with the client, at every byte', async (t) => {
  const cleanup = new Cleanup(t);
  const filters = [await ScriptedFilter.start(cleanup, {}), await ScriptedFilter.start(cleanup, {})];
  const all = { stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'] };
  const h = await warm(
    cleanup,
    filters.map(({ port }) => ({ port, more: all })),
  );
  await until('filters to be let go', 5000, () => filters.every((filter) => filter.open === 0));
  const before = descriptors();
  await atEvery(every(SESSION.length), async (count) => {
    const socket = connect({ port: h.port, host: '127.0.0.1', noDelay: true });
    await playAndReset(socket, socket, count, count % 2 === 0 ? 'in step' : 'in haste');
  });
  await until('filters to be let go', 10_000, () => filters.every((filter) => filter.open === 0));
  await unharmed(h, before, 'after resets with filters');
  assert.deepEqual(
    h.heard.filter((n) => n.name === 'milter.failed' || n.name === 'milter.unavailable'),
    [],
  );
});

test('R10: behind STARTTLS and in its handshake', { skip: skipWithout('openssl') }, async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const own = await (await makeAuthority(cleanup)).selfSigned({ names: 'DNS:mx.test' });
  const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  await writeFile(tls.certificate, own.cert);
  await writeFile(tls.key, own.key);
  const h = await warm(cleanup, [], { listeners: [{ ...LISTENER, tls: 'starttls' }], tls });
  const before = descriptors();
  /** A plain socket behind the 220 to STARTTLS. */
  const upgraded = async (): Promise<Socket> => {
    const socket = connect({ port: h.port, host: '127.0.0.1', noDelay: true });
    let said = '';
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.write('EHLO client.test\r\n');
    for (let asked = false; !/^220 2/m.test(said);) {
      await new Promise((resolve) => socket.once('data', (text: string) => resolve((said += text))));
      if (!asked && /^250 /m.test(said)) {
        asked = true;
        socket.write('STARTTLS\r\n');
      }
    }
    socket.removeAllListeners('data');
    socket.setEncoding(undefined);
    return socket;
  };
  await atEvery(every(SESSION.length, 9), async (count) => {
    const plain = await upgraded();
    const secured = connectTls({ socket: plain, rejectUnauthorized: false });
    await playAndReset(secured, plain, count, count % 2 === 0 ? 'in step' : 'in haste');
  });
  // The handshake itself: a record that promises more than comes, cut at each of its first bytes.
  const hello = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + 'r'.repeat(60);
  await atEvery(every(hello.length), async (count) => {
    const plain = await upgraded();
    const closed = new Promise((resolve) => plain.once('close', resolve));
    plain.write(hello.slice(0, count), 'latin1');
    await pause(2);
    plain.resetAndDestroy();
    await closed;
  });
  await unharmed(h, before, 'after resets in TLS');
});

test('R10: in an AUTH dialogue and in the header of a proxy, at every byte', async (t) => {
  const cleanup = new Cleanup(t);
  const salt = Buffer.from('0123456789abcdef');
  const hash = scryptSync('secret', salt, 32, { N: 2 ** 14, r: 8, p: 1 });
  const password = passwordHashText({ kind: 'scrypt', ln: 14, r: 8, p: 1, salt, hash });
  const b64 = (text: string): string => Buffer.from(text).toString('base64');
  const login = ['AUTH LOGIN\r\n', `${b64('ann')}\r\n`, `${b64('secret')}\r\n`];
  const [hello = '', ...rest] = STEPS;
  const header = 'PROXY TCP4 192.0.2.1 127.0.0.1 4711 25\r\n';
  const scripts = {
    smtp: [hello, ...login, ...rest],
    proxied: [header + hello, ...rest],
  };
  const h = await warm(cleanup, [], {
    listeners: [
      { ...LISTENER, auth: 'optional', insecureAuth: true },
      { ...LISTENER, name: 'proxied', trustedProxies: ['127.0.0.0/8'] },
    ],
    users: [{ name: 'ann', password }],
  });
  const play = async (door: keyof typeof scripts, count: number, manner: Manner): Promise<void> => {
    const port = Number(h.gateway.addresses.get(door)![0]!.split(':').at(-1));
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await playAndReset(socket, socket, count, manner, scripts[door]);
  };
  for (const door of ['smtp', 'proxied'] as const) {
    const all = scripts[door].join('').length;
    await play(door, all, 'in step');
    const before = descriptors();
    for (const manner of ['in step', 'in haste'] as const)
      await atEvery(every(all), (count) => play(door, count, manner));
    await unharmed(h, before, `after resets at ${door}`);
  }
  const users = new Set(h.heard.filter((n) => n.name === 'message.accepted').map((n) => n.fields['user']));
  assert.ok(users.has('ann'), 'somebody was logged in');
});

test('R10: a next hop that resets at every byte it reads and writes loses no message', async (t) => {
  const cleanup = new Cleanup(t);
  const MESSAGES = 40;
  const READ = 620;
  const WRITTEN = 260;
  const cuts: Cut[] = [
    ...every(READ).map((read) => ({ read })),
    ...every(WRITTEN).map((written) => ({ written })),
  ];
  let used = 0;
  const hop = await startRawHop(cleanup, () => cuts[used++] ?? null);
  const h = await house(cleanup, [], {
    listeners: [LISTENER],
    delivery: {
      routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${hop.port}`], tls: 'off' }],
      retry: ['50ms'],
    },
  });
  const session = await h.open();
  const before = descriptors();
  for (let n = 0; n < MESSAGES; n++) {
    const content = `Subject: number ${n}.\r\n\r\nbody of a message\r\n..with dots\r\n`;
    const { reply } = await session.transaction('a@out.test', ['b@in.test'], content);
    assert.equal(reply.code, 250, reply.text);
  }
  const arrivedAt = (n: number): boolean =>
    hop.acknowledged.some((text) => text.includes(`number ${n}.\r\n`));
  let n = 0;
  /** While cuts are left, mail is sent for them to be used on. */
  await until(
    'all cuts to be used',
    30_000,
    async () => {
      if (used >= cuts.length) return true;
      if (hop.acknowledged.length > n * 0.8) {
        const content = `Subject: number ${MESSAGES + n++}.\r\n\r\nbody of a message\r\n..with dots\r\n`;
        assert.equal((await session.transaction('a@out.test', ['b@in.test'], content)).reply.code, 250);
      }
      return false;
    },
    1,
  );
  await until('all to be delivered', 15_000, () => every(MESSAGES + n - 1).every(arrivedAt));
  await session.quit();
  await until('connections to be closed', 15_000, () => hop.open === 0);
  await until('descriptors to be back', 10_000, () => descriptors() <= before);
  const troubled = h.heard.filter((one) => /internal|bounced|expired/.test(one.name));
  assert.deepEqual(troubled, []);
  t.diagnostic(`${hop.connections.length} connections for ${MESSAGES + n} messages`);
});
