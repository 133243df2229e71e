/**
 * PROXY headers before the whole gateway: the declared address is the one in Received, in the log and before filters, and
 * nothing else may declare one. Rows S21 and S22 of the reliability reference.
 */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeAuthority } from './support/certificates.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { frame, house, type House } from './support/house.ts';
import { arrived } from './support/maildir.ts';
import { ScriptedFilter } from './support/scripted-filter.ts';
import { proxyV2 } from './support/proxy-header.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { pause, until, within } from './support/wait.ts';

/** A filter that wants client address and port as macros at CONNECT. */
const ASKS_ADDRESS = frame(
  'O',
  '\0\0\0\x06\0\0\x01\xff\0\0\0\0\0\0\0\0{client_addr} {client_port} {daemon_addr}\0',
);

interface Scene {
  readonly h: House;
  readonly filter: ScriptedFilter;
}

async function scene(
  cleanup: Cleanup,
  listener: Readonly<Record<string, unknown>> = {},
  more = {},
): Promise<Scene> {
  const filter = await ScriptedFilter.start(cleanup, { O: ASKS_ADDRESS });
  const h = await house(cleanup, [{ port: filter.port, more: { stages: ['connect', 'data'] } }], {
    listeners: [
      {
        name: 'smtp',
        bind: '127.0.0.1:0',
        trustedProxies: ['127.0.0.1'],
        relay: { networks: ['127.0.0.0/8'], domains: ['in.test'] },
        ...listener,
      },
    ],
    ...more,
  });
  return { h, filter };
}

/** Writes each segment in a packet of its own. */
async function dripped(session: SmtpSession, segments: readonly string[]): Promise<void> {
  for (const segment of segments) {
    session.write(segment);
    await new Promise(setImmediate);
  }
}

/** CONNECT and its macros as the filter heard them on its newest connection. */
function heardAtConnect(filter: ScriptedFilter): string {
  const heard = filter.peers.at(-1)!.heard;
  const text = (code: string): string => heard.find((f) => f.code === code)?.payload ?? '';
  return (text('D') + ' / ' + text('C')).replaceAll('\0', '|');
}

const V4 = { source: '192.0.2.1', destination: '198.51.100.2' };
const V6 = { source: '2001:db8::1', destination: '2001:db8::2' };

const HEADERS: readonly (readonly [name: string, header: string, address: string])[] = [
  ['version 1, IPv4', `PROXY TCP4 ${V4.source} ${V4.destination} 4711 2525\r\n`, V4.source],
  ['version 1, IPv6', `PROXY TCP6 ${V6.source} ${V6.destination} 4711 2525\r\n`, V6.source],
  ['version 2, IPv4', proxyV2({ ...V4, extensions: 0 }), V4.source],
  ['version 2, IPv6', proxyV2({ ...V6, extensions: 3 }), V6.source],
];

for (const [name, header, address] of HEADERS)
  test(`S21: ${name}: the declared address is in Received, in the log and before the filter`, async (t) => {
    const { h, filter } = await scene(new Cleanup(t));
    for (const [i, segments] of [[header], header.split(''), [header + 'EHLO client.test\r\n']].entries()) {
      const session = SmtpSession.open(h.port);
      await dripped(session, segments);
      await session.expect(220, await session.reply());
      if (i === 2) await session.expect(250, await session.reply());
      else await session.expect(250, await session.command('EHLO client.test'));
      const subject = `Subject: ${i}\r\n\r\nx\r\n`;
      assert.equal((await session.transaction('a@out.test', ['b@in.test'], subject)).reply.code, 250);
      assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 250);
      assert.equal(
        (await session.command('RCPT TO:<b@ext.test>')).code,
        554,
        'no relay for the declared client',
      );
      await session.quit();
      const message = await arrived(h.mail, subject, (m) => m.field('Subject')[0] === String(i));
      const literal = address.includes(':') ? `[IPv6:${address}]` : `[${address}]`;
      assert.ok(message.field('Received')[0]!.includes(literal), message.header);
      assert.doesNotMatch(message.field('Received')[0]!, /127\.0\.0\.1/);
      const heard = heardAtConnect(filter);
      const spelled = address.includes(':') ? `IPv6:${address}` : address;
      assert.ok(heard.includes(`{client_addr}|${spelled}|{client_port}|4711|`), heard);
      assert.match(heard, new RegExp(`/ \\S+\\|[46]\\x12\\x67${address.replaceAll('.', '\\.')}\\|$`));
    }
    const accepted = h.heard.filter((n) => n.name === 'message.accepted');
    assert.deepEqual(
      accepted.map((n) => [n.fields['client'], n.fields['proxy']]),
      Array.from({ length: 3 }, () => [address, '127.0.0.1']),
    );
  });

test('S21: LOCAL and UNKNOWN are served as the proxy itself, which may not relay by that', async (t) => {
  const { h, filter } = await scene(new Cleanup(t));
  for (const header of ['PROXY UNKNOWN\r\n', proxyV2('local')]) {
    const session = SmtpSession.open(h.port);
    session.write(header);
    await session.expect(220, await session.reply());
    await session.expect(250, await session.command('EHLO proxy.test'));
    assert.match(heardAtConnect(filter), /127\.0\.0\.1\|$/);
    assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 250);
    assert.equal((await session.command('RCPT TO:<b@ext.test>')).code, 554);
    assert.equal((await session.command('RCPT TO:<b@in.test>')).code, 250);
    await session.quit();
  }
});

test('S21: the same bytes from who is not listed end the session, and declare nothing', async (t) => {
  const { h, filter } = await scene(new Cleanup(t), { trustedProxies: ['192.0.2.0/24'] });
  for (const [, header] of HEADERS) {
    const session = SmtpSession.open(h.port);
    session.write(header + 'EHLO client.test\r\nMAIL FROM:<a@out.test>\r\n');
    const codes: number[] = [];
    for (let code = 0; code !== 421; codes.push(code)) ({ code } = await session.reply());
    assert.match(codes.join(' '), /^220 (?:500 )*421$/);
    await assert.rejects(session.reply(), /closed/);
    assert.match(heardAtConnect(filter), /127\.0\.0\.1\|$/);
  }
  assert.ok(!filter.codes.includes('U') && !filter.codes.includes('H'));
  const log = JSON.stringify(h.heard);
  assert.ok(!log.includes('192.0.2.1') && !log.includes('2001:db8'), log);
  const plain = await h.open();
  assert.equal((await plain.transaction('a@out.test', ['b@in.test'], 'S: x\r\n\r\nx\r\n')).reply.code, 250);
  await plain.quit();
});

test('S21: a listed peer without a header gets no greeting and is closed in time', async (t) => {
  const { h } = await scene(new Cleanup(t), { limits: { proxyTimeout: '200ms' } });
  const session = SmtpSession.open(h.port);
  await assert.rejects(within('the end of it', 3_000, session.reply()), /closed/);
  const talks = SmtpSession.open(h.port);
  talks.write('EHLO client.test\r\n');
  await assert.rejects(within('the end of it', 3_000, talks.reply()), /closed/);
  assert.equal(h.heard.filter((n) => n.name === 'smtp.proxy-refused').length, 2);
});

test('S21: the header comes before TLS where a listener speaks TLS from the first byte', async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  const pair = await (await makeAuthority(cleanup)).selfSigned({ names: 'DNS:mx.test' });
  await writeFile(tls.certificate, pair.cert);
  await writeFile(tls.key, pair.key);
  const { h, filter } = await scene(cleanup, { tls: 'implicit' }, { tls });
  const session = SmtpSession.open(h.port);
  session.write(HEADERS[2]![1]);
  await session.secure();
  await session.expect(220, await session.reply());
  await session.expect(250, await session.command('EHLO client.test'));
  assert.ok(heardAtConnect(filter).includes('{client_addr}|192.0.2.1|'));
  await session.quit();
  const glued = SmtpSession.open(h.port);
  await dripped(glued, HEADERS[0]![1].split(''));
  await glued.secure();
  await glued.expect(220, await glued.reply());
  await glued.quit();
});

const line = (rest: string): string => `PROXY TCP4 192.0.2.1 198.51.100.2 ${rest}\r\n`;
const WRONG: readonly (readonly [name: string, bytes: string])[] = [
  ['a line of 108 bytes', `PROXY UNKNOWN ${'f'.repeat(92)}\r\n`],
  ['a line of 10 MB', `PROXY UNKNOWN ${'f'.repeat(10_000_000)}\r\n`],
  ['port 0', line('0 25')],
  ['port 65536', line('65536 25')],
  ['port -1', line('-1 25')],
  ['a bad family', 'PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n'],
  ['a length of 65 535', proxyV2({ ...V4, extensions: 20, length: 65_535 })],
  ['a length shorter than the addresses', proxyV2({ ...V4, extensions: 0, length: 8 })],
  ['version 3', proxyV2({ ...V4, extensions: 0 }).replace('\x21\x11', '\x31\x11')],
];

test('S22: wrong headers are closed within five seconds, without a word', async (t) => {
  const { h } = await scene(new Cleanup(t));
  for (const [name, bytes] of WRONG) {
    const session = SmtpSession.open(h.port);
    session.write(bytes);
    await assert.rejects(within(name, 5_000, session.reply()), /closed|ECONNRESET|EPIPE/, name);
  }
  const reasons = h.heard.filter((n) => n.name === 'smtp.proxy-refused');
  assert.equal(reasons.length, WRONG.length, JSON.stringify(reasons));
});

test('S22: 200 resets before, in and after the header leave nothing behind', async (t) => {
  const { h } = await scene(new Cleanup(t));
  const header = HEADERS[2]![1];
  const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
  await SmtpSession.open(h.port).quit();
  const before = await descriptors();
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  process.on('uncaughtExceptionMonitor', note);
  t.after(() => process.off('uncaughtExceptionMonitor', note));
  for (let round = 0; round < 10; round++)
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const session = SmtpSession.open(h.port);
        session.write(
          header.slice(0, Math.round((i * (header.length + 8)) / 19)) + (i > 17 ? 'EHLO x\r\n' : ''),
        );
        if (i % 2 === 0) await until('the connection', 2_000, () => session.localPort > 0 || undefined, 1);
        await pause(i % 3);
        session.reset();
      }),
    );
  await until('descriptors back to what they were', 5_000, async () => (await descriptors()) <= before);
  assert.deepEqual(uncaught, []);
  assert.ok(!h.heard.some((n) => n.name === 'smtp.internal-error'));
  const session = SmtpSession.open(h.port);
  session.write(header);
  await session.expect(220, await session.reply());
  await session.quit();
});
