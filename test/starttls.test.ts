// TLS at the gateway's listeners: injection, order, names, reload, client certificates, versions, tickets. Real sockets and clients.
import assert from 'node:assert/strict';
import { cp, writeFile } from 'node:fs/promises';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { loadConfig, type Config } from '#gateway/config';
import { makeAuthority, type KeyPair } from './support/certificates.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { program, run } from './support/processes.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { pause, until, within } from './support/wait.ts';

const RELAY = { networks: ['127.0.0.0/8'], domains: ['in.test'] };
const MESSAGE = 'Subject: one\r\n\r\nbody\r\n';

interface Wishes {
  /** Per listener besides `smtp` (which is the first), its keys. */
  readonly listeners?: Readonly<Record<string, object>>;
  readonly tls?: object;
  /** Authorities of clients. */
  readonly clientCa?: boolean;
}

/** A gateway with TLS: the pairs `mx` (default) and `other` lie in a folder of their own. */
async function gatewayWithTls(t: TestContext, { listeners = { smtp: {} }, tls, clientCa }: Wishes = {}) {
  const cleanup = new Cleanup(t);
  const authority = await makeAuthority(cleanup);
  const folder = await tempFolder(cleanup);
  const put = async (name: string, pair: KeyPair): Promise<void> => {
    await writeFile(join(folder, `${name}.pem`), pair.cert);
    await writeFile(join(folder, `${name}.key`), pair.key);
  };
  await put('mx', await authority.sign({ names: 'DNS:mx.test' }));
  await put('other', await authority.sign({ names: 'DNS:other.test,DNS:*.wild.test' }));
  await cp(authority.file, join(folder, 'ca.pem'));
  const files = (name: string) => ({
    certificate: join(folder, `${name}.pem`),
    key: join(folder, `${name}.key`),
  });
  const configuration = {
    listeners: Object.entries(listeners).map(([name, keys]) => ({
      name,
      bind: '127.0.0.1:0',
      tls: 'starttls',
      relay: RELAY,
      ...keys,
    })),
    tls: {
      ...files('mx'),
      certificates: [files('other')],
      ...(clientCa && { clientCa: join(folder, 'ca.pem') }),
      ...tls,
    },
  };
  const h = await house(cleanup, [], configuration);
  const port = (name: string): number => Number(h.gateway.addresses.get(name)![0]!.split(':').at(-1));
  return { h, port, put, authority, folder, cleanup, files, configuration };
}

/** The names in the certificate that a client was shown. */
const namesOf = (socket: TLSSocket): string => String(socket.getPeerX509Certificate()?.subjectAltName);

const accepted = (h: House): number => h.heard.filter((n) => n.name === 'message.accepted').length;

/** What a client of implicit TLS gets for some lines sent at once, and what it saw of the handshake. */
async function converse(port: number, options: ConnectionOptions, lines: readonly string[]) {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  let said = '';
  let ticket: Buffer | undefined;
  let resumed = false;
  socket.on('session', (given: Buffer) => (ticket = given));
  socket.once('secureConnect', () => (resumed = socket.isSessionReused()));
  socket.on('data', (bytes: Buffer) => (said += bytes.toString('latin1')));
  socket.write(['EHLO c.test', ...lines, 'QUIT', ''].join('\r\n'));
  const end = new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
  await within('the end of the conversation', 10_000, end);
  return { codes: [...said.matchAll(/^(\d{3}) /gm)].map(([, code]) => Number(code)), said, ticket, resumed };
}

const MAIL = ['MAIL FROM:<a@out.test>'];

/** What openssl's client shows of a STARTTLS listener; `code` other than 0: no handshake. */
async function sClient(port: number, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const at = ['s_client', '-starttls', 'smtp', '-connect', `127.0.0.1:${port}`, '-brief', ...args];
  const { code, output } = await run('openssl', program('openssl') ?? 'openssl', at);
  return { code, output };
}

test('S06: what comes along with STARTTLS is never run, however it is cut', async (t) => {
  const { h } = await gatewayWithTls(t);
  const bytes = 'STARTTLS\r\nMAIL FROM:<x@ext.test>\r\nRCPT TO:<v@in.test>\r\nDATA\r\nevil\r\n.\r\n';
  for (let cut = 0; cut <= bytes.length; cut++) {
    const session = await h.open();
    session.write(bytes.slice(0, cut));
    if (cut > 0 && cut < bytes.length) await new Promise(setImmediate);
    session.write(bytes.slice(cut));
    const first = await session.reply();
    assert.ok(first.code === 421 || first.code === 220, `cut at ${cut}: ${first.code}`);
    await assert.rejects(session.reply(), 'nothing is said behind it');
  }
  const session = await h.open();
  session.write(bytes);
  assert.equal((await session.reply()).code, 421, 'in one segment');
  assert.equal(accepted(h), 0);
  assert.ok(h.heard.some((n) => n.name === 'smtp.starttls-injection'));
});

test('S06: what comes 5 ms behind STARTTLS in plain text is never run, inside TLS neither', async (t) => {
  const { h } = await gatewayWithTls(t);
  const plain = connectPlain(h.port, '127.0.0.1');
  let said = '';
  const reads = (bytes: Buffer): void => void (said += bytes.toString('latin1'));
  plain.on('data', reads).on('error', () => {});
  await until('the greeting', 5000, () => said.includes('220 '));
  plain.write('EHLO c.test\r\n');
  await until('the answer', 5000, () => said.includes('250 '));
  said = '';
  plain.write('STARTTLS\r\n');
  await pause(5);
  plain.write('MAIL FROM:<x@ext.test>\r\nRCPT TO:<v@in.test>\r\n');
  await until('the answer', 5000, () => said.includes('\r\n'));
  assert.match(said, /^(?:220|421) [^\r\n]*\r\n$/);
  plain.off('data', reads);
  // Either we were hung up on already, or TLS does not come about.
  if (!plain.readableEnded && !plain.destroyed) {
    const secured = connect({ socket: plain, rejectUnauthorized: false });
    const end = new Promise<void>((resolve) => secured.once('close', () => resolve()));
    secured.on('error', () => {});
    secured.once('secureConnect', () => assert.fail('TLS began behind the injected bytes'));
    await within('the end', 5000, end);
  }
  assert.equal(accepted(h), 0);
  const noticed = () =>
    h.heard.some((n) => n.name === 'smtp.tls-failed' || n.name === 'smtp.starttls-injection');
  await until('the notice', 5000, noticed);
});

test('S07: what was said before STARTTLS is forgotten; STARTTLS has no parameter and comes once', async (t) => {
  const { h } = await gatewayWithTls(t);
  const session = await h.open();
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 250);
  assert.equal((await session.command('STARTTLS now')).code, 501);
  assert.equal((await session.command('STARTTLS')).code, 220);
  await session.secure();
  const rcpt = await session.command('RCPT TO:<b@in.test>');
  assert.equal(rcpt.code, 503);
  assert.match(rcpt.text, /^5\.5\.1 /);
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 503, 'no EHLO yet');
  assert.ok(!(await session.command('EHLO c.test')).text.includes('STARTTLS'));
  assert.equal((await session.command('STARTTLS')).code, 503);
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  await session.quit();
});

test('S07: with TLS from the first byte STARTTLS is neither offered nor taken', async (t) => {
  const { port } = await gatewayWithTls(t, { listeners: { smtp: {}, smtps: { tls: 'implicit' } } });
  const { codes, said } = await converse(port('smtps'), {}, ['STARTTLS', ...MAIL, 'RCPT TO:<b@in.test>']);
  assert.deepEqual(codes, [220, 250, 503, 250, 250, 221]);
  assert.ok(!said.includes('STARTTLS'));
});

test('a client is shown the certificate for the name it asks for', async (t) => {
  const { h, authority } = await gatewayWithTls(t);
  const names = async (...args: string[]): Promise<string> => {
    const session = await h.open();
    await session.command('STARTTLS');
    const socket = await session.secure(args[0] === undefined ? {} : { servername: args[0] });
    const shown = namesOf(socket);
    await session.command('EHLO c.test');
    await session.quit();
    return shown;
  };
  assert.equal(await names(), 'DNS:mx.test');
  assert.equal(await names('mx.test'), 'DNS:mx.test');
  assert.equal(await names('OTHER.test'), 'DNS:other.test, DNS:*.wild.test');
  assert.equal(await names('a.wild.test'), 'DNS:other.test, DNS:*.wild.test');
  assert.equal(await names('a.b.wild.test'), 'DNS:mx.test');
  assert.equal(await names('nobody.test'), 'DNS:mx.test');
  const verify = ['-verify_return_error', '-CAfile', authority.file, '-verify_hostname', 'a.wild.test'];
  const { code, output } = await sClient(h.port, '-servername', 'a.wild.test', ...verify);
  assert.equal(code, 0, output);
  assert.match(output, /Verified peername: \*\.wild\.test/);
});

test('a certificate that changes counts for the next client; nobody under way is disturbed, nothing is refused', async (t) => {
  const { h, put, authority } = await gatewayWithTls(t);
  const shown = async (): Promise<string> => {
    const session = await h.open();
    await session.command('STARTTLS');
    const socket = await session.secure();
    const names = namesOf(socket);
    assert.equal((await session.command('EHLO c.test')).code, 250);
    await session.quit();
    return names;
  };
  const steady = await h.open();
  await steady.command('STARTTLS');
  await steady.secure();
  await steady.command('EHLO c.test');
  let sent = 0;
  const over = new AbortController();
  const traffic = (async () => {
    for (; !over.signal.aborted; sent++)
      assert.equal((await steady.transaction('a@out.test', ['b@in.test'], MESSAGE)).reply.code, 250);
  })();
  const pair = await authority.sign({ names: 'DNS:renewed.test' });
  assert.equal(await shown(), 'DNS:mx.test');
  await put('mx', pair);
  const before = sent;
  await until('the new certificate', 10_000, async () => (await shown()) === 'DNS:renewed.test');
  await until('more mail on the session of before', 10_000, () => sent > before + 2);
  // A key that does not fit: what was read before stays.
  const stray = await authority.sign({ names: 'DNS:stray.test' });
  await put('mx', { cert: stray.cert, key: pair.key });
  await until('the refusal', 10_000, () => h.heard.some((n) => n.name === 'gateway.certificate-refused'));
  assert.equal(await shown(), 'DNS:renewed.test');
  over.abort();
  await traffic;
  assert.equal(accepted(h), sent);
  assert.ok(!h.heard.some((n) => n.name === 'smtp.tls-unavailable' || n.name === 'smtp.tls-failed'));
  await steady.quit();
});

test('a certificate without its key: no start, and no reload', async (t) => {
  const { h, cleanup, folder, files, configuration } = await gatewayWithTls(t);
  const wrong = { ...configuration, tls: { ...files('mx'), key: join(folder, 'other.key') } };
  await assert.rejects(house(cleanup, [], wrong), {
    code: 'certificate_key_mismatch',
    message: /other\.key/,
  });
  const loaded = loadConfig({ text: JSON.stringify({ stateDir: folder, ...wrong }), name: 'test' });
  assert.ok(loaded.ok);
  // What stays as it is while a gateway runs.
  const { stateDir, spool, journal } = h.config;
  const config: Config = { ...loaded.config, stateDir, spool, journal };
  await assert.rejects(h.gateway.reload(config), { code: 'certificate_key_mismatch' });
  assert.equal((await sClient(h.port)).code, 0);
});

test('client certificates: off, asked for, required', async (t) => {
  const listeners = {
    smtp: { tls: 'implicit', clientCertificates: 'off' },
    ask: { tls: 'implicit', clientCertificates: 'ask' },
    default: { tls: 'implicit' },
    require: { tls: 'implicit', clientCertificates: 'require' },
  };
  const { port, authority } = await gatewayWithTls(t, { listeners, clientCa: true });
  const ours = await authority.sign({ names: 'DNS:client.test' });
  const stranger = await authority.selfSigned({ names: 'DNS:client.test' });
  const ended = await authority.sign({ names: 'DNS:client.test', days: -1 });
  for (const [name, answers] of [
    ['smtp', [250, 250, 250, 250]],
    ['ask', [250, 250, 250, 250]],
    ['default', [250, 250, 250, 250]],
    ['require', [530, 530, 530, 250]],
  ] as const)
    for (const [i, pair] of [{}, stranger, ended, ours].entries())
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        const { codes } = await converse(port(name), { ...pair, maxVersion }, [...MAIL, 'NOOP']);
        assert.deepEqual(codes, [220, 250, answers[i], 250, 221], `${name} ${i} ${maxVersion}`);
      }
});

test('a session of one listener is resumed there, and not where a certificate is required', async (t) => {
  const listeners = {
    smtp: { tls: 'implicit', clientCertificates: 'ask' },
    require: { tls: 'implicit', clientCertificates: 'require' },
  };
  const { h, port, authority } = await gatewayWithTls(t, { listeners, clientCa: true });
  const ours = await authority.sign({ names: 'DNS:client.test' });
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
    for (const pair of [ours, {}]) {
      const first = await converse(port('smtp'), { ...pair, maxVersion }, MAIL);
      assert.ok(first.ticket && !first.resumed);
      const session = first.ticket;
      const again = await converse(port('smtp'), { maxVersion, session }, MAIL);
      assert.deepEqual([again.resumed, ...again.codes], [true, 220, 250, 250, 221], maxVersion);
      const there = await converse(port('require'), { maxVersion, session }, MAIL);
      assert.deepEqual([there.resumed, ...there.codes], [false, 220, 250, 530, 221], maxVersion);
    }
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const first = await converse(port('require'), { ...ours, maxVersion }, MAIL);
    const again = await converse(port('require'), { maxVersion, session: first.ticket! }, MAIL);
    assert.deepEqual(
      [again.resumed, ...again.codes],
      [true, 220, 250, 250, 221],
      'known by its first handshake',
    );
  }
  assert.ok(!h.heard.some((n) => n.name === 'smtp.tls-failed'));
});

const OLD = ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'];

test('versions: 1.2 and 1.3 by default, with forward secrecy; nothing older', async (t) => {
  const { h } = await gatewayWithTls(t);
  const { output, code } = await sClient(h.port, '-tls1_2');
  assert.equal(code, 0, output);
  assert.match(output, /Ciphersuite: ECDHE-ECDSA-(?:AES\d+-GCM|CHACHA20)/);
  assert.equal((await sClient(h.port, '-tls1_3')).code, 0);
  assert.notEqual((await sClient(h.port, ...OLD)).code, 0);
  const weak = await sClient(h.port, '-tls1_2', '-cipher', 'AES256-SHA:AES128-GCM-SHA256:NULL:@SECLEVEL=0');
  assert.notEqual(weak.code, 0, 'no forward secrecy, no encryption');
});

test('minVersion TLSv1.3: nothing older', async (t) => {
  const { h } = await gatewayWithTls(t, { tls: { minVersion: 'TLSv1.3' } });
  assert.equal((await sClient(h.port, '-tls1_3')).code, 0);
  assert.notEqual((await sClient(h.port, '-tls1_2')).code, 0);
  await until('the notices', 5000, () => h.heard.some((n) => n.name === 'smtp.tls-failed'));
  const session = await SmtpSession.greeted(h.port);
  assert.equal((await session.command('STARTTLS')).code, 220);
  assert.equal((await session.secure()).getProtocol(), 'TLSv1.3');
  await session.quit();
});

test('a certificate that ends soon is told at start', async (t) => {
  const { h, files } = await gatewayWithTls(t);
  const told = h.heard.filter((n) => n.name === 'gateway.certificate-expires');
  assert.deepEqual(
    told.map(({ fields }) => [fields['file'], fields['days']]),
    [
      [files('mx').certificate, 1],
      [files('other').certificate, 1],
    ],
  );
});
