import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { createSmtpServer } from '#smtp/server';
import { cipherBits } from './facts.ts';
import { Client, codeOf, realClock, Recorder, rig } from './rig.cases.ts';

const folder = mkdtempSync(join(tmpdir(), 'tls-'));
const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
execFileSync(
  'openssl',
  [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=mx.test',
    '-keyout',
    keyFile,
    '-out',
    certFile,
  ],
  { stdio: 'ignore' },
);
const pair = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
rmSync(folder, { recursive: true });
const secureContext = (): ReturnType<typeof createSecureContext> => createSecureContext(pair);

/** Puts TLS on the client's side. */
async function upgrade(client: Client): Promise<void> {
  const { socket } = client;
  socket.removeAllListeners('data');
  const secured = connectTls({ socket, rejectUnauthorized: false, servername: 'mx.test' });
  await once(secured, 'secureConnect');
  client.listen(secured);
}

test('STARTTLS: offered, taken, and everything before it forgotten', async () => {
  const r = await rig({ tls: 'starttls', secureContext });
  const client = await r.client();
  await client.reply();
  assert.match(await client.ask('EHLO plain.test'), /250-STARTTLS/);
  await client.ask('MAIL FROM:<a@in.test>');
  assert.equal(codeOf(await client.ask('STARTTLS now')), '501 5.5.4');
  assert.equal(codeOf(await client.ask('STARTTLS')), '220 2.0.0');
  await upgrade(client);
  assert.equal(codeOf(await client.ask('RCPT TO:<b@in.test>')), '503 5.5.1');
  assert.equal(codeOf(await client.ask('MAIL FROM:<a@in.test>')), '503 5.5.1');
  const offered = await client.ask('EHLO tls.test');
  assert.ok(!offered.includes('STARTTLS'));
  assert.equal(codeOf(await client.ask('STARTTLS')), '503 5.5.1');
  client.send('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nsecret\r\n.\r\nQUIT\r\n');
  assert.deepEqual(await client.codes(5), ['250 2.1.0', '250 2.1.0', '354', '250 2.0.0', '221 2.0.0']);
  const handler = r.handlers[0]!;
  assert.deepEqual(handler.calls.slice(0, 5), [
    'connect',
    'EHLO plain.test',
    'mail <a@in.test>',
    'reset STARTTLS',
    'EHLO tls.test',
  ]);
  assert.deepEqual(handler.contents, ['secret\r\n']);
  const { tls } = handler.origin!;
  assert.equal(tls?.version, 'TLSv1.3');
  assert.equal(tls?.sni, 'mx.test');
  assert.match(tls?.cipher ?? '', /^TLS_/);
  assert.ok(tls?.bits === 256 || tls?.bits === 128);
  await r.stop();
});

test('S06: commands sent along with STARTTLS are never run', async () => {
  const r = await rig({ tls: 'starttls', secureContext });
  const client = await (await r.client()).hello();
  client.send('STARTTLS\r\nMAIL FROM:<x@ext.test>\r\nRCPT TO:<v@in.test>\r\nDATA\r\n');
  assert.equal(codeOf(await client.reply()), '421 4.7.0');
  assert.equal(await client.rest(), '');
  await r.closed();
  assert.deepEqual(r.handlers[0]!.calls, ['connect', 'EHLO client.test', 'close']);
  assert.ok(r.notices.some((notice) => notice.startsWith('smtp.starttls-injection')));
  await r.stop();
});

test('S06: plain text behind the answer to STARTTLS fails the handshake and is never run', async () => {
  const r = await rig({ tls: 'starttls', secureContext });
  const client = await (await r.client()).hello();
  assert.equal(codeOf(await client.ask('STARTTLS')), '220 2.0.0');
  client.send('MAIL FROM:<x@ext.test>\r\nRCPT TO:<v@in.test>\r\nDATA\r\n');
  await client.rest();
  await r.closed();
  assert.deepEqual(r.handlers[0]!.calls, ['connect', 'EHLO client.test', 'close']);
  assert.ok(r.notices.some((notice) => notice.startsWith('smtp.tls-failed')));
  await r.stop();
});

test('TLS required: no mail without it', async () => {
  const r = await rig({ tls: 'require', secureContext });
  const client = await (await r.client()).hello();
  for (const line of ['MAIL FROM:<a@in.test>', 'RCPT TO:<a@in.test>', 'DATA', 'VRFY x', 'AUTH PLAIN x'])
    assert.equal(codeOf(await client.ask(line)), '530 5.7.0');
  assert.equal(codeOf(await client.ask('NOOP')), '250 2.0.0');
  assert.equal(codeOf(await client.ask('STARTTLS')), '220 2.0.0');
  await upgrade(client);
  await client.ask('EHLO tls.test');
  assert.equal(codeOf(await client.ask('MAIL FROM:<a@in.test>')), '250 2.1.0');
  await r.stop();
});

test('implicit TLS: greets inside TLS, knows it at connect, does not offer STARTTLS', async () => {
  const r = await rig({ tls: 'implicit', secureContext });
  const client = await r.client();
  await upgrade(client);
  assert.match(await client.reply(), /^220 /);
  assert.ok(r.handlers[0]!.origin?.tls);
  assert.ok(!(await client.ask('EHLO x.test')).includes('STARTTLS'));
  assert.equal(codeOf(await client.ask('STARTTLS')), '503 5.5.1');
  assert.equal(codeOf(await client.ask('QUIT')), '221 2.0.0');
  await r.stop();
});

test('S19: plain text on an implicit TLS port reaches no handler', async () => {
  const r = await rig({ tls: 'implicit', secureContext });
  const client = await r.client();
  client.send('POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\n');
  await client.rest();
  while (r.server.sessions > 0) await new Promise(setImmediate);
  assert.equal(r.handlers.length, 0);
  await r.stop();
});

test('a handshake that does not come is given up', async () => {
  const r = await rig({ tls: 'implicit', secureContext, limits: { tlsTimeout: 30 } });
  const client = await r.client();
  await client.rest();
  assert.equal(r.handlers.length, 0);
  await r.stop();
});

test('a certificate that cannot be used is 454, and the session goes on in plain text', async () => {
  let broken = true;
  const r = await rig({
    tls: 'starttls',
    secureContext: () => {
      if (broken) throw new Error('no such file');
      return secureContext();
    },
  });
  const client = await (await r.client()).hello();
  assert.equal(codeOf(await client.ask('STARTTLS')), '454 4.7.0');
  assert.equal(codeOf(await client.ask('NOOP')), '250 2.0.0');
  broken = false;
  assert.equal(codeOf(await client.ask('STARTTLS')), '220 2.0.0');
  await upgrade(client);
  assert.equal(codeOf(await client.ask('NOOP')), '250 2.0.0');
  await r.stop();
});

test('TLS without a certificate is refused at once', () => {
  const options = {
    hostname: 'mx.test',
    listener: 't',
    clock: realClock,
    notices: () => {},
    makeHandler: () => new Recorder(),
  };
  assert.throws(() => createSmtpServer({ ...options, tls: 'starttls' }), { code: 'SMTP_NO_CERTIFICATE' });
});

test('key bits are read from suite names', () => {
  const names: [string, number][] = [
    ['TLS_AES_256_GCM_SHA384', 256],
    ['TLS_AES_128_GCM_SHA256', 128],
    ['TLS_CHACHA20_POLY1305_SHA256', 256],
    ['ECDHE-RSA-AES256-GCM-SHA384', 256],
    ['ECDHE-RSA-AES128-SHA', 128],
    ['NULL', 0],
  ];
  for (const [name, bits] of names) assert.equal(cipherBits(name), bits, name);
});
