/** Every known mistake is recognised and told in a sentence; a milter is told about step by step. Servers are scripted byte by byte. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { systemClock } from '../clock.ts';
import {
  checkMilter,
  guardOf,
  milterOf,
  NO_GUARD,
  settingsOfTarget,
  type Guard,
  type Probe,
} from './index.ts';

/** Listens with `serve` on a free loopback port, or at `path`. */
async function listen(
  t: TestContext,
  serve: (socket: Socket) => void,
  path = '',
  host = '127.0.0.1',
): Promise<number> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  return ready(t, server, open, path, host);
}

async function ready(
  t: TestContext,
  server: Server,
  open: Set<Socket>,
  path: string,
  host: string,
): Promise<number> {
  await new Promise<void>((resolve) => server.listen(path === '' ? { port: 0, host } : { path }, resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return path === '' ? (server.address() as AddressInfo).port : 0;
}

/** Answers to what is said, whatever it is. */
const says =
  (text: string, end = true) =>
  (socket: Socket): void => {
    socket.once('data', () => (end ? socket.end(text, 'latin1') : socket.write(text, 'latin1')));
  };

const u32 = (n: number): Buffer => Buffer.from([n >>> 24, n >>> 16, n >>> 8, n]);
const frame = (code: string, ...parts: Buffer[]): Buffer => {
  const payload = Buffer.concat(parts);
  return Buffer.concat([u32(payload.length + 1), Buffer.from(code), payload]);
};
const choice = (version: number, actions: number, protocol: number): Buffer =>
  frame('O', u32(version), u32(actions), u32(protocol));

/** A filter that chooses, then answers each event by its letter (default: continue). */
function filter(
  chosen: (version: number, actions: number, protocol: number) => Buffer | null,
  script: Record<string, Buffer | null> = {},
) {
  return (socket: Socket): void => {
    let heard = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      heard = Buffer.concat([heard, chunk]);
      while (heard.length >= 4 && heard.length >= 4 + heard.readUInt32BE(0)) {
        const size = heard.readUInt32BE(0);
        const code = String.fromCharCode(heard[4]!);
        const at = heard.subarray(5, 4 + size);
        heard = heard.subarray(4 + size);
        if (code === 'O') {
          const answer = chosen(at.readUInt32BE(0), at.readUInt32BE(4), at.readUInt32BE(8));
          if (answer === null) return void socket.destroy();
          socket.write(answer);
        } else if (code === 'Q') socket.end();
        else if (!'DA'.includes(code)) {
          const answer = code in script ? script[code]! : frame('c');
          if (answer !== null) socket.write(answer);
        }
      }
    });
  };
}

async function check(settings: Record<string, unknown>, probe: Probe = 'none', guard: Guard = NO_GUARD) {
  const made = milterOf(settings, '.');
  assert.ok('milter' in made, 'trouble' in made ? made.trouble : '');
  const began = systemClock.elapsed();
  const report = await checkMilter({
    milter: made.milter,
    probe,
    hostname: 'mx.example.org',
    guard,
    clock: systemClock,
  });
  return { ...report, took: systemClock.elapsed() - began, last: report.steps.at(-1)! };
}

const at = (port: number, more: Record<string, unknown> = {}) => ({ hostname: '127.0.0.1', port, ...more });

test('programs that are no milters are recognised by their first bytes, at once', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['UNKNOWN COMMAND\n', /this is clamd .* clamav-milter is another program/],
    ['HTTP/1.1 400 Bad Request\r\nSecret: hunter2\r\n\r\n<html>', /HTTP server.* 11332, not 11333/],
    ['220 mail.example.org ESMTP\r\n', /SMTP server/],
    ['* OK IMAP4rev1 ready\r\n', /IMAP server/],
    ['\x15\x03\x01\x00\x02\x02\x46', /switch on useTls/],
    ['ERR what do you want\r\n', /is not a milter: it begins with “ERR what do you want/],
  ];
  for (const [text, sentence] of cases) {
    const port = await listen(t, says(text));
    const { ok, exit, says: said, took, last } = await check(at(port));
    assert.equal(ok, false);
    assert.equal(exit, 32);
    assert.equal(last.step, 'negotiate');
    assert.match(said, sentence);
    assert.ok(took < 2000, `${took}`);
    assert.ok(last.evidence.every(({ value }) => value.length <= 41 && !/[^\x20-\x7e…]/.test(value)));
  }
});

test('a greeting that comes before anything is said is recognised too', async (t) => {
  const port = await listen(t, (socket) => void socket.write('220 early.example.org ESMTP\r\n'));
  assert.match((await check(at(port))).says, /SMTP server/);
});

test('a web server that waits for the end of a line is recognised by asking it in its language', async (t) => {
  const port = await listen(t, (socket) => {
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (heard.endsWith('\r\n\r\n')) socket.end('HTTP/1.0 200 OK\r\n\r\nbody');
    });
  });
  const { says: said, took } = await check(at(port));
  assert.match(said, /HTTP server/);
  assert.ok(took < 2500, `${took}`);
});

test('silence until the limit: not a milter, or all its workers are busy', async (t) => {
  const port = await listen(t, () => undefined);
  const { says: said, exit } = await check(at(port, { timeoutConnect: 300 }));
  assert.match(said, /nothing came within 300 ms.* all its workers are busy/);
  assert.equal(exit, 32);
});

test('a filter that refuses the offer is tried with less, and the setting that works is named', async (t) => {
  const only2 = await listen(
    t,
    filter((version) => (version === 2 ? choice(2, 1, 0) : null)),
  );
  const two = await check(at(only2));
  assert.match(two.says, /closes the connection at once after the offer.* write protocolVersion: v2$/);
  assert.equal(two.exit, 32);
  const fewer = await listen(
    t,
    filter((version, _, protocol) => (protocol <= 0x3ff ? choice(version, 1, 0) : null)),
  );
  assert.match((await check(at(fewer))).says, /write flagsProtocol: 1023$/);
  const all = await listen(
    t,
    filter((version) => (version === 6 ? choice(6, 1, 0) : null)),
  );
  assert.match((await check(at(all, { protocolVersion: 'v2' }))).says, /write protocolVersion: v6/);
  const never = await listen(t, (socket) => socket.destroy());
  assert.match((await check(at(never))).says, /whatever is offered/);
});

test('actions that were not offered are named, with the table of flags', async (t) => {
  const port = await listen(
    t,
    filter(() => choice(6, 0x21, 0)),
  );
  const { says: said, last } = await check(at(port, { flagsAction: 1 }));
  assert.match(said, /asks for actions that were not offered: QUARANTINE; set flagsAction to 33/);
  assert.ok(
    last.evidence.some(
      ({ name, value }) => name === 'QUARANTINE' && value.startsWith('not offered, wanted, not granted'),
    ),
  );
});

test('refused: with the other address of this machine where somebody listens there', async (t) => {
  const port = await listen(t, says(''), '', '::1').catch(() => 0);
  if (port === 0) return t.diagnostic('no IPv6 on loopback here');
  const { says: said, exit, last } = await check(at(port));
  assert.match(said, /somebody does at \[::1\]:\d+: write hostname: '::1', or localhost for both/);
  assert.equal(exit, 30);
  assert.equal(last.step, 'connect');
});

test('sockets: none, a file, one we may not use; owner, mode and user are named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'check-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const none = await check({ socket: join(folder, 'none.sock') });
  assert.match(none.says, /there is no socket .*none\.sock: the filter is not started/);
  assert.deepEqual([none.exit, none.last.step], [30, 'resolve']);
  assert.match((await check({ socket: join(folder, 'gone', 'a.sock') })).says, /there is no folder/);
  writeFileSync(join(folder, 'file'), 'text');
  assert.match((await check({ socket: join(folder, 'file') })).says, /is a file and no socket/);
  const path = join(folder, 'a.sock');
  await listen(
    t,
    filter((version) => choice(version, 1, 0)),
    path,
  );
  const good = await check({ socket: path });
  assert.equal(good.exit, 0);
  assert.ok(good.steps[0]!.evidence.some(({ name }) => name === 'mode'));
  chmodSync(path, 0o600);
  const program = `
    import { lookAtSocket } from ${JSON.stringify(import.meta.resolve('./socket-file.ts'))};
    process.setgid(65534); process.setuid(65534);
    console.log((await lookAtSocket(${JSON.stringify(path)})).says);`;
  if (process.getuid?.() !== 0) return t.diagnostic('only root can become another user');
  const told = (mode: number): string => {
    chmodSync(folder, mode);
    const args = ['--conditions=source', '--import', 'tsx', '--input-type=module', '-e', program];
    return execFileSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, TSX_DISABLE_CACHE: '1' },
    });
  };
  assert.match(told(0o755), /may not use the socket .* belongs to root:root with mode 0600, and we are \S+/);
  assert.match(told(0o700), /the folder \S+ is closed to us: it belongs to root:root with mode 0700/);
});

test('TLS: the certificate is told about, a wrong one with what is wrong', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'check-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '20',
      '-subj',
      '/CN=filter.test',
      '-addext',
      'subjectAltName=DNS:filter.test',
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { stdio: 'ignore' },
  );
  const open = new Set<Socket>();
  const serve = filter((version) => choice(version, 1, 0));
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  server.on('tlsClientError', () => undefined);
  const port = await ready(t, server, open, '', '127.0.0.1');
  const good = await check(at(port, { useTls: true, tlsCa: cert, tlsServerName: 'filter.test' }));
  assert.equal(good.exit, 0, good.says);
  const tls = good.steps.find(({ step }) => step === 'tls')!;
  const facts = Object.fromEntries(tls.evidence.map(({ name, value }) => [name, value]));
  assert.equal(facts['subject'], 'CN=filter.test');
  assert.equal(facts['name match'], 'yes');
  assert.match(facts['days left']!, /^(19|20)$/);
  const wrong = await check(at(port, { useTls: true }));
  assert.equal(wrong.exit, 31);
  assert.match(
    wrong.says,
    /no TLS with the filter.* The certificate: it is not for 127\.0\.0\.1, (19|20) days left/,
  );
  const plain = await check(at(port));
  assert.match(plain.says, /switch on useTls/);
  const not = await listen(
    t,
    filter((version) => choice(version, 1, 0)),
  );
  assert.match((await check(at(not, { useTls: true, timeoutConnect: 500 }))).says, /no TLS/);
});

test('a probe message: its verdict is a finding, a broken conversation is not', async (t) => {
  const rejecting = await listen(
    t,
    filter((v) => choice(v, 0x21, 0), { E: frame('y', Buffer.from('550 5.7.1 Spam\0')) }),
  );
  const spam = await check(at(rejecting), 'gtube');
  assert.deepEqual([spam.ok, spam.exit], [true, 0]);
  assert.match(spam.says, /rejects the spam test GTUBE at end of message, as it should/);
  assert.match(
    (await check(at(rejecting), 'clean')).says,
    /rejects a clean message .*ordinary mail may be refused/,
  );
  const held = Buffer.concat([frame('q', Buffer.from('bad\0')), frame('c')]);
  const holding = await listen(
    t,
    filter((v) => choice(v, 0x21, 0), { E: held }),
  );
  assert.match((await check(at(holding), 'eicar')).says, /has the gateway hold the virus test EICAR/);
  const passing = await listen(
    t,
    filter((v) => choice(v, 0x21, 0)),
  );
  const passed = await check(at(passing), 'eicar');
  assert.equal(passed.exit, 0);
  assert.match(passed.says, /lets the virus test EICAR pass .*its rules are not loaded/);
  assert.deepEqual(
    passed.steps.map(({ step }) => step),
    ['resolve', 'connect', 'negotiate', 'flags', 'probe', 'quit'],
  );
  const dumb = await listen(
    t,
    filter((v) => choice(v, 0, 0), { H: null }),
  );
  const late = await check(at(dumb, { timeoutCommand: 200 }), 'clean');
  assert.equal(late.exit, 34);
  assert.match(late.says, /did not answer helo within 200 ms/);
  const wrong = await listen(
    t,
    filter((v) => choice(v, 0, 0), { M: frame('h', Buffer.from('X\0y\0')) }),
  );
  assert.equal((await check(at(wrong), 'clean')).exit, 33);
});

test('the gateway’s own doors and link-local addresses are not connected to', async (t) => {
  let calls = 0;
  const port = await listen(t, (socket) => {
    calls++;
    socket.destroy();
  });
  const doors = (host: string) =>
    guardOf(
      () => [
        { kind: 'tcp', host, port },
        { kind: 'unix', path: '/run/x/control.sock' },
      ],
      () => [],
    );
  for (const [host, bound] of [
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', '127.0.0.1'],
    ['127.0.0.1', '0.0.0.0'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
  ] as const) {
    const { exit, says: said } = await check({ hostname: host, port }, 'none', doors(bound));
    assert.equal(exit, 30);
    assert.match(said, /own interface for operators/);
  }
  assert.match((await check({ socket: '/run/x/control.sock' }, 'none', doors('::1'))).says, /own interface/);
  assert.match(
    (await check({ hostname: '169.254.169.254', port: 80 }, 'none', doors('::1'))).says,
    /link-local/,
  );
  assert.equal(calls, 0);
});

test('targets as people write them', () => {
  assert.deepEqual(settingsOfTarget('inet:11332@127.0.0.1'), { hostname: '127.0.0.1', port: 11332 });
  assert.deepEqual(settingsOfTarget('inet6:1@[::1]'), { hostname: '::1', port: 1 });
  assert.deepEqual(settingsOfTarget('filter.example:7357'), { hostname: 'filter.example', port: 7357 });
  assert.deepEqual(settingsOfTarget('[::1]:7357'), { hostname: '::1', port: 7357 });
  assert.deepEqual(settingsOfTarget('unix:/run/a.sock'), { socket: '/run/a.sock' });
  assert.deepEqual(settingsOfTarget('local:/run/a.sock'), { socket: '/run/a.sock' });
  assert.deepEqual(settingsOfTarget('/run/a.sock'), { socket: '/run/a.sock' });
  for (const name of ['rspamd', 'file:///etc/passwd', 'gopher://127.0.0.1:70/'])
    assert.equal(settingsOfTarget(name), null);
});

test('settings are loaded as the configuration’s are, and secrets are not opened for them', () => {
  const bad = milterOf({ hostname: '127.0.0.1', port: 0 }, '.');
  assert.ok('trouble' in bad && /port/.test(bad.trouble));
  const elsewhere = milterOf({ hostname: { file: '/etc/hostname' } }, '.');
  assert.deepEqual(elsewhere, { trouble: 'hostname: write the value itself' });
  const polluted = milterOf(
    JSON.parse('{"hostname":"127.0.0.1","__proto__":{"port":1}}') as Record<string, unknown>,
    '.',
  );
  assert.ok('trouble' in polluted);
});
