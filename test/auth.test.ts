/**
 * AUTH before the whole gateway, in a process of its own: S24 and S26 of the reliability tests, users from the list and from the
 * file, and whom they may send as. S26 is shortened to some seconds.
 */
import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { after, before, describe, test } from 'node:test';
import { passwordHashText } from '#gateway/config';
import { makeAuthority } from './support/certificates.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { Gateway } from './support/gateway.ts';
import { freePorts } from './support/ports.ts';
import { skipWithout } from './support/processes.ts';
import { SmtpSession, type Reply } from './support/smtp-session.ts';
import { pause, until } from './support/wait.ts';

const PASSWORD = 'tanstaaf-7d1';
const GUESS = 'guess-9f3';
/** The failures of these tests wait less than the default of 1 s to 5 s. */
const DELAY = 150;
const MAX_DELAY = 600;

const b64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const plain = (name: string, password: string): string => `AUTH PLAIN ${b64(`\0${name}\0${password}`)}`;
const codeOf = ({ code, text }: Reply): string => `${code} ${/^\d\.\d+\.\d+/.exec(text)?.[0] ?? ''}`.trim();

/** What `millrace user hash` would print: 32 MiB and some 80 ms for each check. */
function expensive(password: string): string {
  const salt = Buffer.from('0123456789abcdef');
  const hash = scryptSync(password, salt, 32, { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 });
  return passwordHashText({ kind: 'scrypt', ln: 15, r: 8, p: 1, salt, hash });
}

describe('AUTH', { skip: skipWithout('openssl') }, () => {
  const cleanup = new Cleanup();
  let gateway: Gateway;
  let [submission, open]: number[] = [];
  let usersFile = '';
  /** Users whose password was never checked before; each logs in once. */
  const fresh = Array.from({ length: 300 }, (_, i) => `u${i}@in.test`);
  let next = 0;
  after(() => cleanup.run());

  before(async () => {
    const folder = await tempFolder(cleanup);
    const { cert, key } = await (await makeAuthority(cleanup)).sign({ names: 'DNS:mx.test' });
    await writeFile(join(folder, 'cert.pem'), cert);
    await writeFile(join(folder, 'key.pem'), key);
    usersFile = join(folder, 'users');
    await writeFile(usersFile, `# name:hash:senders\nann:${expensive(PASSWORD)}:ann@in.test,@out.test\n`);
    [submission = 0, open = 0] = await freePorts(2);
    const hash = expensive(PASSWORD);
    const common = {
      auth: 'required',
      relay: { networks: [], domains: ['in.test'] },
      maxConnectionsPerClient: 500,
    };
    const configuration = {
      hostname: 'mx.test',
      stateDir: join(folder, 'state'),
      tls: { certificate: 'cert.pem', key: 'key.pem' },
      users: ['tim@in.test', ...fresh].map((name) => ({ name, password: hash })),
      usersFile: 'users',
      listeners: [
        {
          ...common,
          name: 'submission',
          bind: `127.0.0.1:${submission}`,
          tls: 'starttls',
          limits: { authDelay: DELAY, maxAuthDelay: MAX_DELAY, maxConnectionRate: 100_000 },
        },
        {
          ...common,
          name: 'open',
          bind: `127.0.0.1:${open}`,
          insecureAuth: true,
          limits: { maxConnectionRate: 100_000 },
        },
      ],
      delivery: { routes: [{ match: 'true', via: 'discard' }] },
    };
    gateway = await Gateway.start(cleanup, {
      folder,
      configuration: JSON.stringify(configuration),
      ports: [submission, open],
    });
  });

  /** A session with TLS that has said EHLO; what EHLO lists. */
  async function secured(): Promise<{ session: SmtpSession; ehlo: Reply }> {
    const session = await SmtpSession.greeted(submission!);
    await session.expect(220, await session.command('STARTTLS'));
    await session.secure();
    return { session, ehlo: await session.command('EHLO client.test') };
  }

  /** Somebody new logs in on a connection of his own; the milliseconds that AUTH took. */
  async function login(port: number): Promise<number> {
    const session = port === submission ? (await secured()).session : await SmtpSession.greeted(port);
    const began = performance.now();
    await session.expect(235, await session.command(plain(fresh[next++]!, PASSWORD)));
    const took = performance.now() - began;
    await session.quit();
    return took;
  }

  /** Wrong passwords until the session is closed; each answer with the milliseconds it took. */
  async function guessing(session: SmtpSession, times: number): Promise<[string, number][]> {
    const answers: [string, number][] = [];
    for (let i = 0; i < times; i++) {
      const began = performance.now();
      const name = i % 2 === 0 ? 'tim@in.test' : `nobody${i}`;
      const reply = await session.command(plain(name, GUESS));
      answers.push([codeOf(reply), performance.now() - began]);
      if (reply.code === 421) break;
    }
    session.drop();
    return answers;
  }

  test('S24: without TLS it is not listed and refused, and nothing of it gets into the log', async () => {
    const session = await SmtpSession.greeted(submission!);
    const ehlo = await session.command('EHLO client.test');
    assert.ok(!ehlo.text.includes('AUTH') && ehlo.text.includes('STARTTLS'));
    assert.equal(codeOf(await session.command(plain('tim@in.test', PASSWORD))), '538 5.7.11');
    assert.equal(codeOf(await session.command('AUTH LOGIN')), '538 5.7.11');
    assert.equal(codeOf(await session.command(b64(PASSWORD))), '500 5.5.1');
    assert.equal(codeOf(await session.command('MAIL FROM:<tim@in.test>')), '530 5.7.0');
    await session.quit();
  });

  test('S24: with TLS each failure is answered late and the last one ends the session', async () => {
    const { session, ehlo } = await secured();
    assert.match(ehlo.text, /^AUTH PLAIN LOGIN$/m);
    const answers = await guessing(session, 30);
    assert.deepEqual(
      answers.map(([code]) => code),
      ['535 5.7.8', '535 5.7.8', '535 5.7.8', '535 5.7.8', '421 4.7.0'],
    );
    for (const [i, [, took]] of answers.entries())
      assert.ok(took >= Math.min(MAX_DELAY, DELAY * (i + 1)) - 5, `failure ${i + 1} after ${took} ms`);
  });

  test('S24: while ten sessions fail at once, others log in within 2 s', async () => {
    const rushing = { over: false };
    const rush = Promise.all(
      Array.from({ length: 10 }, async () => guessing((await secured()).session, 3)),
    ).finally(() => (rushing.over = true));
    const waits: number[] = [];
    while (!rushing.over) {
      waits.push(await login(submission!));
      await pause(50);
    }
    const wrong = (await rush).flat().map(([code]) => code);
    assert.deepEqual([...new Set(wrong), wrong.length], ['535 5.7.8', 30]);
    assert.ok(waits.length >= 3, `${waits.length} logins`);
    assert.ok(Math.max(...waits) < 2000, `${Math.max(...waits)} ms`);
  });

  test('S24: abort, bad Base64, a response of 12 kB, twice, in a transaction, pipelined LOGIN', async () => {
    const { session } = await secured();
    const say = async (line: string): Promise<string> => codeOf(await session.command(line));
    assert.equal(await say('AUTH LOGIN'), '334');
    assert.equal(await say('*'), '501 5.7.0');
    assert.equal(await say('AUTH PLAIN'), '334');
    assert.equal(await say('%%%%'), '501 5.5.2');
    assert.equal(await say('AUTH PLAIN'), '334');
    assert.equal(await say(b64('\0tim@in.test\0'.padEnd(9216, 'x'))), '535 5.7.8');
    assert.equal(await say('AUTH PLAIN'), '334');
    assert.equal(await say('A'.repeat(12_292)), '500 5.5.6');
    assert.equal(await say('AUTH KERBEROS_V4'), '504 5.5.4');
    session.write(`AUTH LOGIN\r\n${b64('tim@in.test')}\r\n${b64(PASSWORD)}\r\nNOOP\r\n`);
    const answers = [
      await session.reply(),
      await session.reply(),
      await session.reply(),
      await session.reply(),
    ];
    assert.deepEqual(answers.map(codeOf), ['334', '334', '235 2.7.0', '250 2.0.0']);
    assert.equal(await say(plain('tim@in.test', PASSWORD)), '503 5.5.1');
    assert.doesNotMatch((await session.command('EHLO client.test')).text, /AUTH/);
    const { at, reply } = await session.transaction('x@any.test', ['y@ext.test'], 'Subject: x\r\n\r\nx\r\n');
    assert.equal(at, 'end', reply.text);
    assert.equal(reply.code, 250);
    await session.quit();
    const { session: other } = await secured();
    assert.equal(codeOf(await other.command(plain('ann', PASSWORD))), '235 2.7.0');
    assert.equal(codeOf(await other.command('MAIL FROM:<ann@in.test>')), '250 2.1.0');
    assert.equal(codeOf(await other.command(plain('ann', PASSWORD))), '503 5.5.1');
    await other.quit();
  });

  test('a user sends as whom the file allows; the file is read again when it changes', async () => {
    const { session } = await secured();
    await session.expect(235, await session.command(plain('ann', PASSWORD)));
    for (const [sender, code] of [
      ['ann@in.test', '250 2.1.0'],
      ['Ann@IN.test', '250 2.1.0'],
      ['any@out.test', '250 2.1.0'],
      ['', '250 2.1.0'],
      ['tim@in.test', '550 5.7.1'],
      ['ann@sub.out.test', '550 5.7.1'],
    ] as const) {
      assert.equal(codeOf(await session.command(`MAIL FROM:<${sender}>`)), code, sender);
      await session.command('RSET');
    }
    await writeFile(usersFile, `ann:${expensive('another')}\nzoe:nonsense\n`);
    await until('the new password', 5000, async () => {
      const { session: again } = await secured();
      const { code } = await again.command(plain('ann', 'another'));
      again.drop();
      return code === 235;
    });
    assert.equal(codeOf(await session.command('MAIL FROM:<tim@in.test>')), '250 2.1.0');
    await session.quit();
    const bad = await until('the bad line', 2000, () =>
      gateway.log.find((l) => l['event'] === 'gateway.users-line'),
    );
    assert.equal(bad['line'], 2);
  });

  test('S26: 40 clients with wrong passwords do not make ten honest senders wait', async () => {
    const now = { phase: 'quiet' as 'quiet' | 'rush' | 'over' };
    const waits = { quiet: [] as number[], rush: [] as number[], over: [] as number[] };
    const sent: number[] = [];
    const honest = Array.from({ length: 10 }, async (_, i) => {
      const session = await SmtpSession.greeted(open!);
      await session.expect(235, await session.command(plain('tim@in.test', PASSWORD)));
      while (now.phase !== 'over') {
        await session.expect(250, await session.command('MAIL FROM:<tim@in.test>'));
        await session.expect(250, await session.command('RCPT TO:<y@ext.test>'));
        await session.expect(354, await session.command('DATA'));
        const began = performance.now();
        session.write('Subject: x\r\n\r\nx\r\n.\r\n');
        await session.expect(250, await session.reply());
        waits[now.phase].push(performance.now() - began);
        if (now.phase === 'rush') sent[i] = (sent[i] ?? 0) + 1;
        await pause(40);
      }
      await session.quit();
    });
    await pause(2500);
    now.phase = 'rush';
    let refused = 0;
    const guessers = new Set<SmtpSession>();
    const bad = Array.from({ length: 40 }, async () => {
      while (now.phase === 'rush') {
        const session = await SmtpSession.greeted(open!);
        guessers.add(session);
        let code = 535;
        while (now.phase === 'rush' && code !== 421) {
          const reply = await session.command(plain('tim@in.test', GUESS)).catch(() => undefined);
          if (reply) refused++;
          code = reply?.code ?? 421;
        }
        guessers.delete(session);
        session.drop();
      }
    });
    const logins: number[] = [];
    // A rush of eight seconds, longer on a machine that is slow to check passwords.
    const began = performance.now();
    const goesOn = (): boolean => {
      const lasted = performance.now() - began;
      return lasted < 8000 || (refused < 40 && lasted < 40_000);
    };
    while (goesOn()) {
      logins.push(await login(open!));
      await pause(200);
    }
    now.phase = 'over';
    for (const session of guessers) session.drop(); // their next answers are late
    await Promise.all([...honest, ...bad]);
    const quiet = quantile(waits.quiet, 0.99);
    const rush = quantile(waits.rush, 0.99);
    const said = `p99 ${quiet} ms quiet, ${rush} ms in the rush, longest log-in ${Math.max(...logins)} ms`;
    // Below 100 ms it is the machine that is measured, shared as it is.
    assert.ok(rush <= Math.max(3 * quiet, 100) && rush < 2000, said);
    assert.ok(Math.max(...logins) < 2000, said);
    assert.ok(refused >= 40, `${refused} failures`);
    assert.ok(sent.length === 10 && Math.min(...sent) >= 20, `sent ${sent.join()}`);
  });

  test('S24: no password is in the log, and the log says who came and who did not', () => {
    const log = JSON.stringify(gateway.log);
    for (const secret of [PASSWORD, GUESS, 'another', b64(PASSWORD), b64(GUESS)].flatMap((s) => [s, b64(s)]))
      assert.ok(!log.includes(secret), secret);
    assert.deepEqual(gateway.strayLines, []);
    const failed = gateway.log.filter((l) => l['event'] === 'smtp.auth-failed');
    assert.ok(failed.some((l) => l['user'] === 'tim@in.test') && failed.some((l) => l['user'] === ''));
    assert.ok(gateway.log.some((l) => l['event'] === 'smtp.auth-succeeded' && l['method'] === 'LOGIN'));
  });
});

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Infinity;
}
