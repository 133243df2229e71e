/** The support bundle tells what helps, and neither a secret of the configuration nor anything of the mail. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashPassword } from '#gateway';
import { Cleanup, tempFolder } from './support/folders.ts';
import { millraceWith } from './support/operator.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { ADMIN, administered, ask, TOKEN, tokenOf } from './support/web.ts';

const IN_TEXT = 'hop-password-in-the-text';
const IN_FILE = 'hop-password-in-a-file';
const IN_ENV = 'hop-password-"of\\the environment';

interface Bundle {
  readonly version: string;
  readonly ready: { readonly ready: boolean };
  readonly settings: { readonly hostname: string; readonly admin: { readonly token: string } };
  readonly configuration: { readonly findings: readonly unknown[]; readonly history: readonly unknown[] };
  readonly milters: readonly { readonly name: string; readonly lastError: string }[];
  readonly queue: { readonly messages: number };
  readonly troubles: readonly { readonly text: string }[];
  readonly metrics: readonly string[];
}

test('no secret and no mail is in the bundle, by whatever way they could come', async (t) => {
  const cleanup = new Cleanup(t);
  const elsewhere = join(await tempFolder(cleanup), 'hop-password');
  await writeFile(elsewhere, `${IN_FILE}\n`);
  const hash = await hashPassword('a password of eva');
  const scram = `$scram-sha-256$i=65536$c2FsdHNhbHRzYWx0c2FsdA$${'A'.repeat(43)}$${'B'.repeat(42)}A`;
  const hop = (auth: unknown, port: number) => ({
    match: `rcpt_domain == 'd${port}.test'`,
    via: 'smtp',
    to: `127.0.0.1:${port}`,
    auth,
  });
  const started = await administered(
    cleanup,
    {
      users: [
        { name: 'eva@example.org', password: hash },
        { name: 'otto@example.org', password: `${hash} ${scram}` },
      ],
      // Nobody is there: the trouble is told, with the name of the filter, which is a secret's text here.
      milters: [{ name: IN_TEXT, hostname: '127.0.0.1', port: 9, stages: ['mail'], onError: 'accept' }],
      delivery: {
        routes: [
          hop({ user: 'u', password: IN_TEXT }, 3),
          hop({ user: 'u', password: { file: elsewhere } }, 5),
          hop({ user: 'u', password: { env: 'HOP_PASSWORD' } }, 7),
          { match: 'true', via: 'maildir', to: './mail' },
        ],
      },
    },
    { HOP_PASSWORD: IN_ENV },
  );
  const { admin, folder, smtp, gateway } = started;
  const session = await SmtpSession.greeted(smtp);
  const message = 'Subject: a-subject-of-a-mail\r\n\r\nthe-text-of-a-mail\r\n';
  assert.equal((await session.transaction('a@out.test', ['b@in.test'], message)).reply.code, 250);
  await session.quit();
  const token = await tokenOf(admin, 'made', 'operator');
  const refused = { headers: { authorization: `Bearer ${token}` } };
  assert.equal((await ask(admin, 'GET', '/api/v1/support-bundle', refused)).status, 403);

  const answer = await ask(admin, 'GET', '/api/v1/support-bundle', { headers: ADMIN });
  assert.equal(answer.status, 200);
  assert.match(
    String(answer.headers['content-disposition']),
    /^attachment; filename="millrace-support-[\d-]+\.json"$/,
  );
  const printed = await millraceWith(folder, { HOP_PASSWORD: IN_ENV }, 'support', '-c', gateway.configFile);
  assert.equal(printed.code, 0, printed.errors);
  const tokens = await readFile(join(folder, 'state', 'tokens.json'), 'utf8');
  const { digest } = (JSON.parse(tokens) as { tokens: { digest: string }[] }).tokens[0]!;
  for (const text of [answer.text, printed.out.join('\n')]) {
    for (const secret of [hash, ...hash.split('$').slice(-2), scram, TOKEN, token, digest])
      assert.ok(!text.includes(secret), secret);
    for (const secret of [IN_TEXT, IN_FILE, IN_ENV, JSON.stringify(IN_ENV).slice(1, -1)])
      assert.ok(!text.includes(secret), secret);
    for (const content of ['a-subject-of-a-mail', 'the-text-of-a-mail']) assert.ok(!text.includes(content));
    const bundle = JSON.parse(text) as Bundle;
    assert.equal(bundle.ready.ready, true);
    assert.equal(bundle.settings.hostname, 'mx.test');
    assert.equal(bundle.settings.admin.token, '********');
    assert.equal(bundle.milters[0]!.name, '********');
    assert.notEqual(bundle.milters[0]!.lastError, '');
    assert.ok(bundle.troubles.length > 0);
    assert.equal(typeof bundle.queue.messages, 'number');
    assert.ok(bundle.metrics.some((line) => line.startsWith('millrace_smtp_messages_total')));
  }
});
