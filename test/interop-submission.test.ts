/** swaks and nodemailer as submission clients: STARTTLS, TLS from the first byte, AUTH with each mechanism they know, pipelining. */
import assert from 'node:assert/strict';
import { randomBytes, scryptSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTransport } from 'nodemailer';
import { passwordHashText } from '#gateway/config';
import { makeAuthority } from './support/certificates.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { arrived } from './support/maildir.ts';
import { program, run, skipWithout } from './support/processes.ts';

const USER = { user: 'ann@in.test', pass: 'Blåbär & "jam" 7' };

function hashOf(password: string): string {
  const salt = randomBytes(16);
  const hash = scryptSync(password, salt, 32, { N: 2 ** 10, r: 8, p: 1 });
  return passwordHashText({ kind: 'scrypt', ln: 10, r: 8, p: 1, salt, hash });
}

describe('submission', { skip: skipWithout('openssl', 'swaks'), timeout: 120_000 }, () => {
  const cleanup = new Cleanup();
  let h: House;
  let authority = '';
  after(() => cleanup.run());

  before(async () => {
    const folder = await tempFolder(cleanup);
    const issuer = await makeAuthority(cleanup);
    const { cert, key } = await issuer.sign({ names: 'DNS:mx.test' });
    authority = issuer.file;
    const [certificate, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    await writeFile(certificate, cert);
    await writeFile(keyFile, key);
    const common = { bind: '127.0.0.1:0', auth: 'required', relay: { networks: [], domains: [] } };
    h = await house(cleanup, [], {
      tls: { certificate, key: keyFile },
      users: [{ name: USER.user, password: hashOf(USER.pass) }],
      listeners: [
        { name: 'smtp', bind: '127.0.0.1:0', relay: { networks: ['127.0.0.0/8'] } },
        { name: 'submission', tls: 'require', ...common },
        { name: 'submissions', tls: 'implicit', ...common },
      ],
    });
  });

  const portOf = (listener: string): number =>
    Number(h.gateway.addresses.get(listener)![0]!.split(':').at(-1));

  /** The message as it was delivered: who sent it with which protocol word. */
  async function delivered(subject: string, word: string): Promise<void> {
    const message = await arrived(h.mail, subject, (m) => m.field('Subject')[0] === subject);
    assert.ok(message.field('Received')[0]!.includes(` with ${word} `), message.header);
  }

  async function swaks(listener: string, subject: string, options: readonly string[]): Promise<string> {
    const common = ['--server', '127.0.0.1', '--port', String(portOf(listener)), '--helo', 'swaks.test'];
    const envelope = ['--from', 'ann@in.test', '--to', 'b@far.test', '--header', `Subject: ${subject}`];
    const { code, output } = await run('swaks', program('swaks')!, [
      ...common,
      ...envelope,
      ...['--body', 'x', '--timeout', '10'],
      ...options,
    ]);
    assert.equal(code, 0, output);
    return output;
  }

  const login = ['--auth-user', USER.user, '--auth-password', USER.pass];

  for (const mechanism of ['PLAIN', 'LOGIN'])
    test(`swaks --tls --auth ${mechanism}`, async () => {
      const subject = `swaks ${mechanism}`;
      const said = await swaks('submission', subject, ['--tls', '--auth', mechanism, ...login]);
      assert.match(said, /<~\s+235 2\.7\.0/);
      await delivered(subject, 'ESMTPSA');
    });

  test('swaks --tls-on-connect', async () => {
    await swaks('submissions', 'swaks implicit', ['--tls-on-connect', '--auth', 'PLAIN', ...login]);
    await delivered('swaks implicit', 'ESMTPSA');
  });

  test('swaks --pipeline sends its commands in one go', async () => {
    const said = await swaks('smtp', 'swaks pipelined', ['--pipeline', '--to', 'b@far.test,c@far.test']);
    assert.match(said, /-> MAIL [^\n]*\n[^<]*-> RCPT [^\n]*\n[^<]*-> RCPT [^\n]*\n[^<]*-> DATA/);
    await delivered('swaks pipelined', 'ESMTP');
  });

  test('swaks gets 530 without AUTH, and no AUTH without TLS', async () => {
    const { code, output } = await run('swaks', program('swaks')!, [
      ...['--server', '127.0.0.1', '--port', String(portOf('submission')), '--timeout', '10'],
      ...['--from', 'ann@in.test', '--to', 'b@far.test', '--auth', 'PLAIN', ...login],
    ]);
    assert.equal(code, 28, output); // authentication: not offered
    const bare = await run('swaks', program('swaks')!, [
      ...['--server', '127.0.0.1', '--port', String(portOf('submission')), '--timeout', '10', '--tls'],
      ...['--from', 'ann@in.test', '--to', 'b@far.test'],
    ]);
    assert.equal(bare.code, 23, bare.output); // MAIL
    assert.match(bare.output, /530 5\.7\.0/);
  });

  for (const [name, listener, method] of [
    ['STARTTLS and PLAIN', 'submission', 'PLAIN'],
    ['STARTTLS and LOGIN', 'submission', 'LOGIN'],
    ['TLS from the first byte', 'submissions', 'PLAIN'],
  ] as const)
    test(`nodemailer with ${name}`, async () => {
      const transport = createTransport({
        host: '127.0.0.1',
        port: portOf(listener),
        secure: listener === 'submissions',
        requireTLS: listener === 'submission',
        name: 'client.test',
        tls: { ca: await readFile(authority, 'utf8'), servername: 'mx.test' },
        auth: { type: 'login', method, ...USER },
      });
      cleanup.after(() => transport.close());
      const subject = `nodemailer ${name}`;
      const sent = await transport.sendMail({
        from: '"Ann" <ann@in.test>',
        to: ['b@far.test', 'c@far.test'],
        subject,
        text: 'Grüße\n.\n..x\n',
        attachments: [{ filename: 'a.bin', content: randomBytes(100_000) }],
      });
      assert.match(sent.response, /^250 2\.0\.0/);
      assert.deepEqual(sent.accepted, ['b@far.test', 'c@far.test']);
      await delivered(subject, 'ESMTPSA');
    });

  test('nodemailer is told of a wrong password', async () => {
    const transport = createTransport({
      host: '127.0.0.1',
      port: portOf('submissions'),
      secure: true,
      tls: { ca: await readFile(authority, 'utf8'), servername: 'mx.test' },
      auth: { ...USER, pass: 'wrong' },
    });
    cleanup.after(() => transport.close());
    await assert.rejects(transport.verify(), { code: 'EAUTH', responseCode: 535 });
  });
});
