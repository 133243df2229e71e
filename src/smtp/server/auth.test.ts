import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { ManualClock } from '#clock';
import { status } from '#message';
import type { Authenticator, PasswordAttempt, SmtpServerOptions, Verification } from '#smtp/server';
import { codeOf, rig, type Client, type Recorder, type Rig } from './rig.cases.ts';

const b64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const PLAIN = `AUTH PLAIN ${b64('\0tim\0tanstaaf')}`;
const WRONG = `AUTH PLAIN ${b64('\0tim\0guess')}`;

const salted = pbkdf2Sync('tanstaaf', 'saltsalt', 4096, 32, 'sha256');
const mac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** Knows tim, password tanstaaf. */
class Tim implements Authenticator {
  readonly attempts: PasswordAttempt[] = [];
  answer: ((attempt: PasswordAttempt) => Promise<Verification>) | null = null;
  remembered = 0;

  mechanisms() {
    return ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'] as const;
  }
  verify(attempt: PasswordAttempt): Promise<Verification> {
    this.attempts.push(attempt);
    if (this.answer) return this.answer(attempt);
    const { name, password } = attempt;
    if (name === 'tim' && password === 'tanstaaf') return Promise.resolve({ kind: 'right' });
    return Promise.resolve({ kind: 'wrong', known: name === 'tim' });
  }
  scram(name: string) {
    const storedKey = createHash('sha256').update(mac(salted, 'Client Key')).digest();
    const serverKey = mac(salted, 'Server Key');
    return { salt: Buffer.from('saltsalt'), iterations: 4096, storedKey, serverKey, known: name === 'tim' };
  }
  failed(): number {
    return ++this.remembered;
  }
}

const FAST = { authDelay: 1, maxAuthDelay: 3 };

describe('AUTH in the conversation', () => {
  const rigs: Rig[] = [];
  after(() => Promise.all(rigs.map((r) => r.stop())));

  async function start(
    more: Partial<SmtpServerOptions> = {},
    make?: (handler: Recorder) => Recorder,
    auth: Partial<NonNullable<SmtpServerOptions['auth']>> = {},
  ): Promise<{ r: Rig; tim: Tim; client: Client }> {
    const tim = new Tim();
    const r = await rig(
      { limits: FAST, auth: { required: false, insecure: true, authenticator: tim, ...auth }, ...more },
      make,
    );
    rigs.push(r);
    return { r, tim, client: await (await r.client()).hello() };
  }

  const ask = async (client: Client, line: string): Promise<string> => codeOf(await client.ask(line));

  test('EHLO lists the mechanisms until somebody has authenticated', async () => {
    const { client, r } = await start();
    const ehlo = (): Promise<string> => client.ask('EHLO client.test');
    assert.match(await ehlo(), /\|250-AUTH SCRAM-SHA-256 PLAIN LOGIN\|/);
    assert.equal(await client.ask(PLAIN), '235 2.7.0 Authentication successful');
    assert.doesNotMatch(await ehlo(), /AUTH/);
    assert.deepEqual(r.handlers[0]!.calls, [
      'connect',
      'EHLO client.test',
      'EHLO client.test',
      'auth',
      'EHLO client.test',
    ]);
    assert.equal(r.handlers[0]!.origin!.user, 'tim');
    assert.equal(r.handlers[0]!.origin!.authMethod, 'PLAIN');
  });

  test('each mechanism leads to success, with and without an initial response', async () => {
    const { client: a } = await start();
    assert.equal(await a.ask('AUTH PLAIN'), '334');
    assert.ok(a.received.endsWith('334 \r\n'));
    assert.equal(await ask(a, b64('tim\0tim\0tanstaaf')), '235 2.7.0');
    const { client: b } = await start();
    assert.equal(await b.ask('auth login'), `334 ${b64('Username:')}`);
    assert.equal(await b.ask(b64('tim')), `334 ${b64('Password:')}`);
    assert.equal(await ask(b, b64('tanstaaf')), '235 2.7.0');
    const { client: c, r } = await start();
    const bare = 'n=tim,r=abc';
    const challenge = (await c.ask(`AUTH SCRAM-SHA-256 ${b64('n,,' + bare)}`)).slice(4);
    const first = Buffer.from(challenge, 'base64').toString();
    const without = `c=biws,r=${/r=([^,]+)/.exec(first)![1]}`;
    const said = `${bare},${first},${without}`;
    const key = mac(salted, 'Client Key');
    const signature = mac(createHash('sha256').update(key).digest(), said);
    const proof = Buffer.from(key.map((byte, i) => byte ^ signature[i]!)).toString('base64');
    const answer = await c.ask(b64(`${without},p=${proof}`));
    assert.equal(answer, `334 ${b64('v=' + mac(mac(salted, 'Server Key'), said).toString('base64'))}`);
    assert.equal(await ask(c, ''), '235 2.7.0');
    await c.ask('EHLO again');
    assert.equal(r.handlers[0]!.origin!.authMethod, 'SCRAM-SHA-256');
  });

  test('answers of LOGIN may come in one packet with the command and with what follows', async () => {
    const { client, r } = await start();
    client.send(`AUTH LOGIN\r\n${b64('tim')}\r\n${b64('tanstaaf')}\r\nMAIL FROM:<a@in.test>\r\n`);
    assert.deepEqual(await client.codes(4), ['334', '334', '235 2.7.0', '250 2.1.0']);
    assert.deepEqual(r.handlers[0]!.calls.slice(2), ['auth', 'mail <a@in.test>']);
  });

  test('out of order: before EHLO, after HELO, twice, in a transaction', async () => {
    const { r } = await start();
    const client = await r.client();
    await client.reply();
    assert.equal(await ask(client, PLAIN), '503 5.5.1');
    await client.ask('HELO client.test');
    assert.equal(await ask(client, PLAIN), '503 5.5.1');
    await client.ask('EHLO client.test');
    await client.ask('MAIL FROM:<a@in.test>');
    assert.equal(await ask(client, PLAIN), '503 5.5.1');
    await client.ask('RSET');
    assert.equal(await ask(client, PLAIN), '235 2.7.0');
    assert.equal(await ask(client, PLAIN), '503 5.5.1');
  });

  test('abort, bad Base64, malformed responses, unknown mechanisms and arguments too many', async () => {
    const { client, tim } = await start();
    const cases: [string, string][] = [
      ['AUTH', '501 5.5.4'],
      ['AUTH CRAM-MD5', '504 5.5.4'],
      [`${PLAIN} x`, '501 5.5.4'],
      ['AUTH PLAIN !!!!', '501 5.5.2'],
      ['AUTH PLAIN AAA', '501 5.5.2'],
      ['AUTH PLAIN =', '501 5.5.2'],
      [`AUTH PLAIN ${b64('tim')}`, '501 5.5.2'],
      [`AUTH SCRAM-SHA-256 ${b64('p=tls-exporter,,n=tim,r=abc')}`, '501 5.5.2'],
    ];
    for (const [line, code] of cases) assert.equal(await ask(client, line), code, line);
    for (const [line, code] of [
      ['*', '501 5.7.0'],
      ['not base64', '501 5.5.2'],
      ['=', '501 5.5.2'],
      ['\x80\x00', '501 5.5.2'],
      ['a\nb', '501 5.5.2'],
    ] as const) {
      assert.equal(await ask(client, 'AUTH LOGIN'), '334');
      assert.equal(await ask(client, line), code, JSON.stringify(line));
    }
    assert.equal(tim.attempts.length, 0);
    assert.equal(await ask(client, PLAIN), '235 2.7.0');
  });

  test('a response may have 12288 octets, whatever the length of commands', async () => {
    const { client, tim } = await start();
    const most = b64('\0tim\0'.padEnd(9216, 'x'));
    assert.equal(most.length, 12_288);
    assert.equal(await ask(client, `AUTH PLAIN ${most}`), '535 5.7.8');
    await client.ask('AUTH PLAIN');
    assert.equal(await ask(client, most), '535 5.7.8');
    assert.equal(tim.attempts.length, 2);
    assert.equal(await ask(client, `AUTH PLAIN ${most}AAAA`), '500 5.5.6');
    for (const line of [`${most}AAAA`, most + most]) {
      assert.equal(await ask(client, 'AUTH PLAIN'), '334');
      assert.equal(await ask(client, line), '500 5.5.6');
    }
    assert.equal(await ask(client, `NOOP ${'x'.repeat(2041)}`), '250 2.0.0');
    assert.equal(await ask(client, `NOOP ${'x'.repeat(2042)}`), '500 5.5.2');
    assert.equal(await ask(client, PLAIN), '235 2.7.0');
    assert.equal(tim.attempts.length, 3);
  });

  test('without TLS it is not listed and 538, unless insecure; after STARTTLS who authenticated before is nobody', async () => {
    const context = createSecureContext(certificate());
    const tls = { tls: 'starttls', secureContext: () => context } as const;
    const { client, tim, r } = await start(tls, undefined, { insecure: false });
    assert.doesNotMatch(await client.ask('EHLO client.test'), /AUTH/);
    assert.equal(await ask(client, PLAIN), '538 5.7.11');
    assert.equal(tim.attempts.length, 0);
    assert.ok(!r.notices.join('').includes('tanstaaf'));
    assert.equal(await ask(client, b64('tanstaaf')), '500 5.5.1');
    assert.ok(!r.handlers[0]!.calls.some((call) => call.startsWith('unknown')));

    const { client: open, r: second } = await start(tls);
    assert.equal(await ask(open, PLAIN), '235 2.7.0');
    await open.ask('STARTTLS');
    open.socket.removeAllListeners('data');
    const socket = connectTls({ socket: open.socket, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    open.listen(socket);
    assert.match(await open.ask('EHLO client.test'), /AUTH SCRAM-SHA-256 PLAIN LOGIN/);
    assert.equal(second.handlers[0]!.origin!.user, '');
    assert.equal(await ask(open, PLAIN), '235 2.7.0');
  });

  test('a listener without authentication does not know it; one that requires it takes no MAIL before', async () => {
    const plain = await rig();
    rigs.push(plain);
    const client = await (await plain.client()).hello();
    assert.equal(await ask(client, PLAIN), '502 5.5.1');
    assert.equal(await ask(client, 'MAIL FROM:<a@in.test> AUTH=<>'), '555 5.5.4');
    const { client: strict } = await start({}, undefined, { required: true });
    assert.equal(await ask(strict, 'MAIL FROM:<a@in.test>'), '530 5.7.0');
    assert.equal(await ask(strict, 'NOOP'), '250 2.0.0');
    assert.equal(await ask(strict, PLAIN), '235 2.7.0');
    assert.equal(await ask(strict, 'MAIL FROM:<a@in.test> AUTH=a+2Bb@in.test'), '250 2.1.0');
  });

  test('who wants to act as somebody else is refused like one with a wrong password, without asking', async () => {
    const { client, tim } = await start();
    assert.equal(await ask(client, `AUTH PLAIN ${b64('root\0tim\0tanstaaf')}`), '535 5.7.8');
    assert.equal(tim.attempts.length, 0);
    assert.equal(tim.remembered, 1);
  });

  test('failures are answered late, each later, up to the last one, which ends the session', async () => {
    const clock = new ManualClock();
    const { client, r, tim } = await start({ clock, limits: {} });
    for (const delay of [1000, 2000, 3000, 4000]) {
      const answer = client.ask(WRONG);
      await until(() => r.notices.filter((n) => n.startsWith('smtp.auth-failed')).length === delay / 1000);
      clock.advance(delay - 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal(client.received.split('535').length, delay / 1000);
      clock.advance(1);
      assert.equal(codeOf(await answer), '535 5.7.8');
    }
    const last = client.ask(WRONG);
    await until(() => r.notices.filter((n) => n.startsWith('smtp.auth-failed')).length === 5);
    clock.advance(5000);
    assert.equal(codeOf(await last), '421 4.7.0');
    assert.deepEqual(
      tim.attempts.map(({ failures }) => failures),
      [0, 1, 2, 3, 4],
    );
    assert.match(r.notices.at(-1)!, /smtp\.session-cut .*"kind":"auth"/);
    assert.ok(!r.notices.join('').includes('guess'));
    assert.match(r.notices.join(''), /"user":"tim"/);
  });

  test('no limit allows more than ten failures in one session; what is remembered of an address makes later', async () => {
    const { client, tim } = await start({ limits: { ...FAST, maxAuthFailures: 1000 } });
    for (let i = 1; i < 10; i++) assert.equal(await ask(client, WRONG), '535 5.7.8');
    assert.equal(await ask(client, WRONG), '421 4.7.0');
    assert.equal(tim.remembered, 10);
    const clock = new ManualClock();
    const { client: other, tim: known, r } = await start({ clock, limits: {} });
    known.remembered = 3;
    const answer = other.ask(WRONG);
    await until(() => r.notices.some((n) => n.startsWith('smtp.auth-failed')));
    clock.advance(3999);
    assert.equal(other.received.includes('535'), false);
    clock.advance(1);
    assert.equal(codeOf(await answer), '535 5.7.8');
  });

  test('the name of a user who does not exist is not noted: it may be a password', async () => {
    const { client, r } = await start();
    assert.equal(await ask(client, `AUTH PLAIN ${b64('\0secret\0tim')}`), '535 5.7.8');
    assert.match(r.notices.at(-1)!, /smtp\.auth-failed .*"user":""/);
    assert.ok(!r.notices.join('').includes('secret'));
  });

  test('whom a filter refuses has not authenticated', async () => {
    const { client, r } = await start({}, (handler) => {
      handler.auth = () => status(550, '5.7.1', 'Not you');
      return handler;
    });
    assert.equal(await client.ask(PLAIN), '550 5.7.1 Not you');
    assert.match(await client.ask('EHLO client.test'), /AUTH/);
    assert.equal(r.handlers[0]!.origin!.user, '');
  });

  test('when the password cannot be checked now that is no failure', async () => {
    const { client, tim } = await start();
    tim.answer = () => Promise.resolve({ kind: 'busy' });
    assert.equal(await ask(client, PLAIN), '454 4.7.0');
    assert.equal(tim.remembered, 0);
    tim.answer = null;
    assert.equal(await ask(client, PLAIN), '235 2.7.0');
  });

  test('a client that goes away gives up its check and its wait', async () => {
    const { client, tim, r } = await start();
    const asked = new Promise<void>((resolve) => {
      tim.answer = ({ signal }) =>
        new Promise((answer) => {
          signal.addEventListener('abort', () => answer({ kind: 'busy' }));
          resolve();
        });
    });
    client.send(PLAIN + '\r\n');
    await asked;
    client.socket.resetAndDestroy();
    await r.closed();
    const { client: late, r: slow } = await start({ clock: new ManualClock(), limits: {} });
    late.send(WRONG + '\r\n');
    await until(() => slow.notices.some((n) => n.startsWith('smtp.auth-failed')));
    late.socket.resetAndDestroy();
    await slow.closed();
  });
});

/** A key and a certificate that nobody checks. */
function certificate(): { key: Buffer; cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-auth-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=mx.test';
  execFileSync('openssl', [...made.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const pair = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
  return pair;
}

/** Waits until the event loop has brought it about. */
async function until(there: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !there(); i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(there());
}
