import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { connect as connectPlain, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect, TLSSocket, type SecureContext } from 'node:tls';
import { ManualClock, type Clock } from '#clock';
import type { TlsConfig } from '#gateway/config';
import type { NoticeFields } from '#notices';
import { Certificates, type CertificateSet } from './certificates.ts';
import { systemClock } from './clock.ts';
import { readAuthorities, readPair } from './key-pair.ts';
import { materialOf, pairFor } from './tls-contexts.ts';

const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
after(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]): string => join(folder, ...names);

/** Makes a pair NAME.pem, NAME.key in the folder. */
function make(name: string, dnsNames: string, more: readonly string[] = ['-nodes']): void {
  const text = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 20 -subj /CN=${name}.test`;
  const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
  const names = ['-addext', `subjectAltName=${dnsNames}`];
  execFileSync('openssl', [...text.split(' '), ...names, ...more, ...files], { stdio: 'ignore' });
}
make('one', 'DNS:mx.one.test,IP:127.0.0.1,DNS:*.One.test');
make('two', 'DNS:mx.two.test,DNS:mx.one.test');
make('locked', 'DNS:locked.test', ['-passout', 'pass:x']);
const legacy = ['ec', '-in', at('one.key'), '-aes128', '-passout', 'pass:x', '-out', at('legacy.key')];
execFileSync('openssl', legacy, { stdio: 'ignore' });
writeFileSync(at('text.pem'), 'no PEM\n');
const DAYS = 86_400_000;
const oneExpires = readPair({ certificate: at('one.pem'), key: at('one.key') }).expires;

interface Heard {
  readonly name: string;
  readonly fields: NoticeFields;
}

/** A folder of its own with pairs in it by name, and a set that watches them. */
function rig(clock: Clock, pairs: Readonly<Record<string, string>>, more: Partial<TlsConfig> = {}) {
  const own = mkdtempSync(at('rig-'));
  const path = (name: string): string => join(own, name);
  const put = (name: string, from: string): void => {
    for (const kind of ['pem', 'key']) cpSync(at(`${from}.${kind}`), path(`${name}.${kind}`));
  };
  for (const [name, from] of Object.entries(pairs)) put(name, from);
  const files = Object.keys(pairs).map((n) => ({ certificate: path(`${n}.pem`), key: path(`${n}.key`) }));
  const heard: Heard[] = [];
  const waiting: (() => void)[] = [];
  const certificates = new Certificates({
    clock,
    notices: (name, fields) => {
      heard.push({ name, fields });
      for (const go of waiting.splice(0)) go();
    },
  });
  const tls: TlsConfig = {
    ...files[0]!,
    certificates: files.slice(1),
    clientCa: '',
    minVersion: 'TLSv1.2',
    ...more,
  };
  return {
    path,
    put,
    heard,
    tls,
    certificates,
    names: () => heard.map((h) => h.name.replace('gateway.certificate-', '')),
    /** Once the notice is there. */
    async hears(name: string): Promise<Heard> {
      const held = setInterval(() => {}, 1000); // neither watches nor the clock keep the process alive
      try {
        for (;;) {
          const found = heard.find((h) => h.name === `gateway.certificate-${name}`);
          if (found) return found;
          await new Promise<void>((resolve) => waiting.push(resolve));
        }
      } finally {
        clearInterval(held);
      }
    },
  };
}

/** What a client sees that asks for `servername`: the certificate's common name, and whether its session was resumed. */
async function seen(set: Contexts, servername = 'x.test', session?: Buffer) {
  const server = createServer((plain) => {
    new TLSSocket(plain, {
      isServer: true,
      secureContext: set.secureContext(),
      SNICallback: (name, answer) => answer(null, set.secureContextFor?.(name)),
    })
      .on('error', () => {})
      .end('x');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const plain = connectPlain((server.address() as AddressInfo).port, '127.0.0.1');
  const client = connect({
    socket: plain,
    servername,
    rejectUnauthorized: false,
    ...(session && { session }),
  });
  let ticket: Buffer | undefined;
  client.on('session', (given: Buffer) => (ticket = given));
  let name = '';
  let resumed = false;
  client.once('secureConnect', () => {
    name = String(client.getPeerX509Certificate()?.subject);
    resumed = client.isSessionReused();
  });
  client.resume();
  await new Promise<void>((resolve, reject) => client.once('error', reject).once('close', () => resolve()));
  server.close();
  return { name, resumed, ticket };
}

interface Contexts {
  secureContext(): SecureContext;
  secureContextFor?(name: string): SecureContext | undefined;
}

const open = (set: CertificateSet | null, listener = 'smtp'): Contexts =>
  set!.contextsFor({ listener, clientCertificates: 'off' });

test('a pair is read with its names, and the common name is not one of them', () => {
  const pair = readPair({ certificate: at('one.pem'), key: at('one.key') });
  assert.deepEqual(pair.names, ['mx.one.test', '*.one.test']);
  assert.ok(Math.abs(pair.expires - Date.now() - 20 * DAYS) < DAYS);
});

test('what cannot be used is refused with its file, its code and a remedy, and without a byte of the key', () => {
  const one = { certificate: at('one.pem'), key: at('one.key') };
  const cases: [typeof one, string, string][] = [
    [{ ...one, key: at('two.key') }, 'certificate_key_mismatch', at('two.key')],
    [{ ...one, key: at('none.key') }, 'certificate_unreadable', at('none.key')],
    [{ ...one, certificate: folder }, 'certificate_unreadable', folder],
    [{ ...one, certificate: at('text.pem') }, 'certificate_malformed', at('text.pem')],
    [{ ...one, key: at('text.pem') }, 'certificate_malformed', at('text.pem')],
    [{ certificate: at('locked.pem'), key: at('locked.key') }, 'certificate_key_encrypted', at('locked.key')],
    [{ ...one, key: at('legacy.key') }, 'certificate_key_encrypted', at('legacy.key')],
  ];
  for (const [files, code, file] of cases)
    assert.throws(
      () => readPair(files),
      (error: Error & { file?: string; remedy?: string }) => {
        assert.equal((error as NodeJS.ErrnoException).code, code);
        assert.equal(error.file, file);
        assert.ok(error.message.startsWith(`${file} `) && error.message.endsWith(error.remedy!));
        return true;
      },
    );
});

test('PEM files are read up to their bound', () => {
  const file = at('big.pem');
  cpSync(at('one.pem'), file);
  truncateSync(file, 1024 * 1024);
  assert.ok(readPair({ certificate: file, key: at('one.key') }));
  truncateSync(file, 1024 * 1024 + 1);
  assert.throws(() => readPair({ certificate: file, key: at('one.key') }), {
    code: 'certificate_unreadable',
  });
  truncateSync(file, 0);
  assert.throws(() => readPair({ certificate: file, key: at('one.key') }), { code: 'certificate_malformed' });
});

test('authorities: one sound certificate at least, and no other', () => {
  assert.ok(readAuthorities(at('one.pem')).length > 0);
  assert.throws(() => readAuthorities(at('text.pem')), { code: 'certificate_malformed' });
  assert.throws(() => readAuthorities(at('one.key')), { code: 'certificate_malformed' });
});

test('the first certificate that has the name is shown; a wildcard stands for one whole label', () => {
  const pair = (...names: string[]) => ({ names, cert: Buffer.of(), key: Buffer.of(), expires: 0 });
  const material = materialOf(
    [pair('a.test'), pair('*.b.test', 'b.test', 'c.test'), pair('mx.b.test', '*.c.test'), pair('*.b.test')],
    null,
  );
  const cases: [string, number][] = [
    ['a.test', 0],
    ['b.test', 1],
    ['B.TEST.', 1],
    ['mx.b.test', 1], // the wildcard comes first
    ['x.c.test', 2],
    ['c.test', 1],
    ['x.y.c.test', 0],
    ['.c.test', 0],
    ['test', 0],
    ['*.c.test', 2],
    ['', 0],
  ];
  for (const [name, index] of cases) assert.equal(pairFor(material, name), index, name);
});

test('a client is shown the certificate of the name it asks for', async (t) => {
  const r = rig(systemClock, { a: 'one', b: 'two' });
  t.after(() => r.certificates.close());
  const contexts = open(r.certificates.of(r.tls));
  assert.equal((await seen(contexts, 'mx.two.test')).name, 'CN=two.test');
  assert.equal((await seen(contexts, 'mx.one.test')).name, 'CN=one.test');
  assert.equal((await seen(contexts, 'other.test')).name, 'CN=one.test');
  assert.equal(contexts.secureContext(), contexts.secureContext(), 'made once');
});

test('a session is resumed at its own listener and at no other', async (t) => {
  const r = rig(systemClock, { a: 'one' });
  t.after(() => r.certificates.close());
  const set = r.certificates.of(r.tls);
  const [here, there] = [open(set, 'here'), open(set, 'there')];
  const first = await seen(here);
  assert.ok(first.ticket && !first.resumed);
  assert.ok((await seen(here, 'x.test', first.ticket)).resumed);
  assert.ok(!(await seen(there, 'x.test', first.ticket)).resumed);
});

test('changed files count from the next handshake on, within a second and for every listener', async (t) => {
  const r = rig(systemClock, { a: 'one' });
  t.after(() => r.certificates.close());
  const set = r.certificates.of(r.tls);
  const listeners = [open(set, 'a'), open(set, 'b')];
  r.certificates.settle();
  const { ticket } = await seen(listeners[0]!);
  r.put('a', 'two');
  const { fields } = await r.hears('renewed');
  assert.deepEqual(fields['files'], [r.path('a.pem'), r.path('a.key')]);
  for (const listener of listeners) assert.equal((await seen(listener)).name, 'CN=two.test');
  assert.ok(!(await seen(listeners[0]!, 'x.test', ticket)).resumed, 'no session of the old certificate');
});

test('links that are turned to other files are followed', async (t) => {
  const r = rig(systemClock, {});
  for (const name of ['one', 'two']) {
    mkdirSync(r.path(name));
    for (const kind of ['pem', 'key']) cpSync(at(`${name}.${kind}`), r.path(join(name, `a.${kind}`)));
  }
  symlinkSync('one', r.path('now'));
  mkdirSync(r.path('live'));
  for (const kind of ['pem', 'key']) symlinkSync(`../now/a.${kind}`, r.path(`live/a.${kind}`));
  const clock = new ManualClock(oneExpires - 15 * DAYS);
  const certificates = new Certificates({ clock, notices: (name) => heard.push(name) });
  const heard: string[] = [];
  const files = { certificate: r.path('live/a.pem'), key: r.path('live/a.key') };
  const set = certificates.of({ ...files, certificates: [], clientCa: '', minVersion: 'TLSv1.2' });
  certificates.settle();
  t.after(() => certificates.close());
  symlinkSync('two', r.path('next'));
  renameSync(r.path('next'), r.path('now')); // nothing happens in the folder that is watched
  clock.advance(60_000);
  while (!heard.includes('gateway.certificate-renewed')) await new Promise(setImmediate);
  assert.equal((await seen(open(set))).name, 'CN=two.test');
});

test('a pair that does not fit leaves the last good one in use, is said once, and does not hold up another', async (t) => {
  const r = rig(systemClock, { a: 'one', b: 'one' });
  t.after(() => r.certificates.close());
  const set = r.certificates.of(r.tls);
  const contexts = open(set);
  r.certificates.settle();
  cpSync(at('two.pem'), r.path('a.pem'));
  r.put('b', 'two');
  const { fields } = await r.hears('refused');
  assert.equal(fields['file'], r.path('a.key'));
  assert.equal(fields['code'], 'certificate_key_mismatch');
  assert.match(String(fields['reason']), /a\.key is not the key of .*a\.pem — put /);
  await r.hears('renewed');
  assert.equal((await seen(contexts, 'other.test')).name, 'CN=one.test');
  assert.equal((await seen(contexts, 'mx.two.test')).name, 'CN=two.test');
  writeFileSync(r.path('unrelated'), '');
  r.heard.splice(0, Infinity, ...r.heard.filter((h) => h.name.endsWith('refused')));
  cpSync(at('two.key'), r.path('a.key'));
  await r.hears('renewed');
  assert.deepEqual(r.names(), ['refused', 'renewed']);
  assert.equal((await seen(contexts, 'other.test')).name, 'CN=two.test');
});

test('at start a pair that cannot be used is an error, and the set in use stays', (t) => {
  const r = rig(systemClock, { a: 'one' });
  t.after(() => r.certificates.close());
  const set = r.certificates.of(r.tls);
  r.certificates.settle();
  assert.throws(() => r.certificates.of({ ...r.tls, key: at('two.key') }), {
    code: 'certificate_key_mismatch',
  });
  assert.ok(open(set).secureContext());
});

test('a certificate with less than 14 days left is warned of when it is read, and once a day', () => {
  for (const [left, says] of [
    [14 * DAYS, []],
    [14 * DAYS - 1, [13]],
    [0, [0]],
    [-1, [-1]],
  ] as const) {
    const r = rig(new ManualClock(oneExpires - left), { a: 'one' });
    r.certificates.of(r.tls);
    assert.deepEqual(r.heard, [], 'not while it is not in use');
    r.certificates.settle();
    r.certificates.close();
    assert.deepEqual(
      r.heard.map(({ fields }) => fields['days']),
      says,
      `${left} ms`,
    );
  }
});

test('ticket keys are replaced after a day: older sessions are not resumed', async (t) => {
  const clock = new ManualClock(oneExpires - 14.5 * DAYS);
  const r = rig(clock, { a: 'one' });
  t.after(() => r.certificates.close());
  const contexts = open(r.certificates.of(r.tls));
  r.certificates.settle();
  const { ticket } = await seen(contexts);
  clock.advance(DAYS - 60_000);
  await new Promise(setImmediate);
  assert.ok((await seen(contexts, 'x.test', ticket)).resumed);
  clock.advance(120_000);
  await r.hears('expires'); // said after the keys were replaced
  assert.ok(!(await seen(contexts, 'x.test', ticket)).resumed);
});
