// Clients' certificates at the server: what is found of them, also in resumed sessions, and who is refused for lack of one.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectPlain, type AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { Client, codeOf, rig, type Rig } from './rig.cases.ts';

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const folder = mkdtempSync(join(tmpdir(), 'client-certificate-'));
const at = (name: string): string => join(folder, name);
const openssl = (...args: string[]): void =>
  void execFileSync('openssl', args, { stdio: 'ignore', cwd: folder });
const KEY = 'req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'.split(' ');
function selfSigned(name: string): Pair {
  openssl(
    ...KEY,
    '-x509',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
  );
  return { cert: readFileSync(at(`${name}.pem`)), key: readFileSync(at(`${name}.key`)) };
}
/** Signed by `ca`; days below 0: it has ended. */
function signed(name: string, days: number, usage = 'clientAuth'): Pair {
  openssl(...KEY, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
  writeFileSync(at('ext'), `extendedKeyUsage=${usage}\n`);
  const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', String(days)];
  openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-extfile', 'ext', '-out', `${name}.pem`);
  return { cert: readFileSync(at(`${name}.pem`)), key: readFileSync(at(`${name}.key`)) };
}
const authority = selfSigned('ca');
const ours = selfSigned('mx.test');
const clients = {
  good: signed('good', 2),
  ended: signed('ended', -1),
  wrongUse: signed('wrong-use', 2, 'serverAuth'),
  stranger: selfSigned('stranger'),
};
rmSync(folder, { recursive: true });

const SERVER = { ...ours, ca: authority.cert, sessionIdContext: 'test' };
const context = createSecureContext(SERVER);
const secureContext = () => context;

/** Connects with implicit TLS, as the client whose certificate it is, or with a session of before. */
async function enter(
  r: Rig,
  more: object,
): Promise<{ client: Client; socket: TLSSocket; ticket: Promise<Buffer> }> {
  const plain = connectPlain(r.port, '127.0.0.1');
  const socket = connect({ socket: plain, rejectUnauthorized: false, ...more });
  const ticket = once(socket, 'session').then(([given]) => given as Buffer);
  const client = new Client(socket);
  await client.reply();
  return { client, socket, ticket };
}

test('what is found of a certificate is what the TLS server of the platform finds', async () => {
  const r = await rig({ tls: 'implicit', secureContext, clientCertificates: 'ask' });
  const reference = createServer({ ...SERVER, requestCert: true, rejectUnauthorized: false }, (socket) =>
    socket.on('error', () => {}).end(String(socket.authorized)),
  );
  reference.listen(0, '127.0.0.1');
  await once(reference, 'listening');
  const { port } = reference.address() as AddressInfo;
  let found = '';
  for (const [name, pair] of Object.entries(clients)) {
    const { socket } = await enter(r, pair);
    const facts = r.handlers.at(-1)!.origin!.tls!;
    socket.destroy();
    const other = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...pair });
    const [said] = (await once(other, 'data')) as [Buffer];
    assert.equal(facts.certCheck === 'OK', said.toString() === 'true', name);
    assert.equal(facts.certSubject, facts.certCheck === 'OK' ? `/CN=${name}` : '', name);
    other.destroy();
    found += ` ${name} ${facts.certCheck}`;
  }
  assert.equal(found, ' good OK ended FAIL wrongUse FAIL stranger FAIL');
  reference.close();
  await r.stop();
});

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`${maxVersion}: a resumed session still knows what was found of the certificate`, async () => {
    const r = await rig({ tls: 'implicit', secureContext, clientCertificates: 'require' });
    for (const [pair, check] of [
      [clients.good, 'OK'],
      [clients.stranger, 'FAIL'],
    ] as const) {
      const first = await enter(r, { ...pair, maxVersion });
      const session = await first.ticket;
      first.socket.destroy();
      const { client, socket } = await enter(r, { maxVersion, session }); // shows no certificate itself
      assert.ok(socket.isSessionReused());
      const facts = r.handlers.at(-1)!.origin!.tls!;
      assert.equal(facts.certCheck, check);
      assert.equal(facts.certSubject, check === 'OK' ? '/CN=good' : '');
      assert.equal(facts.certIssuer, check === 'OK' ? '/CN=ca' : '');
      await client.ask('EHLO c.test');
      assert.equal(
        codeOf(await client.ask('MAIL FROM:<a@in.test>')),
        check === 'OK' ? '250 2.1.0' : '530 5.7.0',
      );
    }
    await r.stop();
  });

test('certificate required, STARTTLS: no mail in plain text either, and all else may be asked', async () => {
  const r = await rig({ tls: 'starttls', secureContext, clientCertificates: 'require' });
  const client = await (await r.client()).hello();
  assert.match(await client.ask('MAIL FROM:<a@in.test>'), /^530 5\.7\.0 Must issue STARTTLS first/);
  assert.equal(codeOf(await client.ask('STARTTLS')), '220 2.0.0');
  client.socket.removeAllListeners('data');
  const secured = connect({ socket: client.socket, rejectUnauthorized: false });
  await once(secured, 'secureConnect');
  client.listen(secured);
  await client.ask('EHLO tls.test');
  for (const line of ['MAIL FROM:<a@in.test>', 'RCPT TO:<a@in.test>', 'DATA', 'VRFY x', 'AUTH PLAIN x'])
    assert.match(await client.ask(line), /^530 5\.7\.0 A valid client certificate is required/, line);
  for (const line of ['NOOP', 'RSET']) assert.equal(codeOf(await client.ask(line)), '250 2.0.0');
  assert.equal(codeOf(await client.ask('QUIT')), '221 2.0.0');
  assert.ok(!r.handlers[0]!.calls.some((call) => call.startsWith('mail')));
  await r.stop();
});

test('certificates off: nobody is asked, and one that would be shown is not looked at', async () => {
  const r = await rig({ tls: 'implicit', secureContext });
  const { client } = await enter(r, clients.good);
  assert.equal(r.handlers[0]!.origin!.tls!.certCheck, 'NOT');
  await client.ask('EHLO c.test');
  assert.equal(codeOf(await client.ask('MAIL FROM:<a@in.test>')), '250 2.1.0');
  await r.stop();
});

test('the name a client asks for chooses the certificate; a choice that throws ends that handshake alone', async () => {
  const other = createSecureContext(clients.stranger);
  const secureContextFor = (name: string) => {
    if (name === 'broken.test') throw new Error('cannot choose');
    return name === 'other.test' ? other : undefined;
  };
  const r = await rig({ tls: 'implicit', secureContext, secureContextFor });
  for (const [servername, subject] of [
    ['other.test', 'CN=stranger'],
    ['mx.test', 'CN=mx.test'],
  ] as const) {
    const { socket } = await enter(r, { servername });
    assert.equal(socket.getPeerX509Certificate()!.subject, subject);
    assert.equal(r.handlers.at(-1)!.origin!.tls!.sni, servername);
  }
  const refused = connect({
    port: r.port,
    host: '127.0.0.1',
    servername: 'broken.test',
    rejectUnauthorized: false,
  });
  await assert.rejects(once(refused, 'secureConnect'));
  const { socket } = await enter(r, {});
  assert.ok(socket.encrypted);
  assert.equal(r.handlers.length, 3);
  await r.stop();
});

for (const tls of ['implicit', 'starttls'] as const)
  test(`R02: ${tls}: a handshake that trickles in is given up after tlsTimeout in all`, async () => {
    const tlsTimeout = 150;
    const r = await rig({ tls, secureContext, limits: { tlsTimeout } });
    const client = await r.client();
    if (tls === 'starttls') {
      await client.reply();
      await client.ask('EHLO c.test');
      await client.ask('STARTTLS');
    }
    const began = performance.now();
    // The head of a TLS record that promises 512 bytes of ClientHello, which come one at a time.
    client.socket.write(Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]));
    const drip = setInterval(() => client.socket.write('x'), 10);
    await client.rest();
    clearInterval(drip);
    const took = performance.now() - began;
    assert.ok(took > tlsTimeout - 50 && took < tlsTimeout + 2000, `${took} ms`);
    assert.ok(r.notices.some((notice) => notice.startsWith('smtp.timeout')));
    await r.stop();
  });
