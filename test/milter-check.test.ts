/**
 * Test connection against the real thing: Rspamd at its right port and at that of its web interface, clamav-milter, and clamd in its
 * place. By the command line as an operator runs it, without a gateway.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CheckReport } from '#gateway';
import { readText, tablesIn } from './support/documents.ts';
import { sourceFiles } from './support/sources.ts';
import { startClamav } from './support/clamav.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { ensureProgram } from './support/gateway.ts';
import { json, millrace } from './support/operator.ts';
import { freePorts } from './support/ports.ts';
import { skipWithout } from './support/processes.ts';
import { startRspamd } from './support/rspamd.ts';

const folderWith = async (cleanup: Cleanup, milters: readonly object[]): Promise<string> => {
  const folder = await tempFolder(cleanup);
  await ensureProgram();
  await writeFile(join(folder, 'millrace.yaml'), JSON.stringify({ stateDir: './state', milters }));
  return folder;
};

async function check(folder: string, ...args: readonly string[]) {
  const made = await millrace(folder, 'milter', 'check', ...args, '--json');
  const reports = json<CheckReport & { name: string }>(made.out);
  return { code: made.code, reports, report: reports[0]! };
}

test(
  'rspamd: its milter port, its web interface in place of it, GTUBE',
  { skip: skipWithout('rspamd') },
  async (t) => {
    const cleanup = new Cleanup(t);
    const [port = 0, controller = 0] = await freePorts(2);
    await startRspamd(cleanup, port, { controller });
    const folder = await folderWith(cleanup, [{ name: 'rspamd', hostname: '127.0.0.1', port }]);
    const good = await check(folder, `inet:${port}@127.0.0.1`);
    assert.equal(good.code, 0);
    assert.deepEqual(
      good.report.steps.map(({ step, ok }) => [step, ok]),
      ['resolve', 'connect', 'negotiate', 'flags', 'quit'].map((step) => [step, true]),
    );
    assert.match(
      good.report.says,
      /^it is a milter and can be used: milter version 6; it may add header fields/,
    );
    const spam = await check(folder, 'rspamd', '--probe', 'gtube');
    assert.equal(spam.code, 0, 'a verdict is no failure of the check');
    assert.match(spam.report.says, /rejects the spam test GTUBE at end of message, as it should/);
    const web = await check(folder, `127.0.0.1:${controller}`);
    assert.equal(web.code, 32);
    assert.match(
      web.report.says,
      /an HTTP server answered, not a milter; the milter port of Rspamd is that of its proxy worker/,
    );
    const human = await millrace(folder, 'milter', 'check', '--all', '--probe', 'clean');
    assert.equal(human.code, 0);
    assert.match(human.out.join('\n'), /^rspamd \(127\.0\.0\.1:\d+\)\n {2}ok {3}resolve .*\n[^]*lets pass/);
  },
);

test(
  'clamav-milter rejects EICAR; clamd in its place is recognised within two seconds',
  { skip: skipWithout('clamd', 'clamav-milter') },
  async (t) => {
    const cleanup = new Cleanup(t);
    const [port = 0] = await freePorts(1);
    const { clamdPort, socket } = await startClamav(cleanup, port, 'milter.sock');
    const folder = await folderWith(cleanup, [
      { name: 'clamav', socket },
      { name: 'mistaken', hostname: '127.0.0.1', port: clamdPort },
    ]);
    const virus = await check(folder, 'clamav', '--probe', 'eicar');
    assert.equal(virus.code, 0);
    assert.match(virus.report.says, /rejects the virus test EICAR at end of message, as it should/);
    assert.match(
      (await check(folder, `127.0.0.1:${port}`, '--probe', 'clean')).report.says,
      /lets pass .*a clean message|lets pass/,
    );
    const wrong = await check(folder, `127.0.0.1:${clamdPort}`);
    assert.equal(wrong.code, 32);
    assert.match(
      wrong.report.says,
      /this is clamd \(usually port 3310\), not a milter; clamav-milter is another program/,
    );
    assert.ok(wrong.report.steps.reduce((sum, { ms }) => sum + ms, 0) < 2000);
    const both = await check(folder, '--all');
    assert.equal(both.code, 6);
    assert.deepEqual(
      both.reports.map(({ name, ok }) => [name, ok]),
      [
        ['clamav', true],
        ['mistaken', false],
      ],
    );
  },
);

test('what cannot be reached, and what cannot be meant', async (t) => {
  const cleanup = new Cleanup(t);
  const [port = 0] = await freePorts(1);
  const folder = await folderWith(cleanup, []);
  assert.equal((await check(folder, `127.0.0.1:${port}`)).code, 30);
  assert.equal((await check(folder, join(folder, 'none.sock'))).code, 30);
  const said = await millrace(folder, 'milter', 'check', 'nobody');
  assert.equal(said.code, 4);
  assert.match(said.errors, /^error: there is no filter nobody — milters — /m);
  assert.equal((await millrace(folder, 'milter', 'check')).code, 2);
  assert.equal((await millrace(folder, 'milter', 'check', '127.0.0.1:99999')).code, 2);
  assert.equal((await millrace(folder, 'milter', 'check', '--all')).code, 4);
  const wrong = await millrace(folder, 'milter', 'check', `127.0.0.1:${port}`);
  assert.match(wrong.errors, /^error: cannot connect to the filter at .* — 127\.0\.0\.1:\d+ — /m);
  assert.equal((await millrace(folder, 'expr', 'check', "rcpt == 'x'")).code, 0);
  const caret = await millrace(folder, 'expr', 'check', 'rcpt == nope');
  assert.equal(caret.code, 1);
  assert.match(caret.errors, /error: there is no variable `nope`.*\n {2}rcpt == nope\n {10}\^\^\^\^\n/);
  const value = await millrace(folder, 'expr', 'eval', 'count(recipients)', '-v', 'recipients=["a","b"]');
  assert.deepEqual([value.code, value.out.at(-1)], [0, '2']);
});

test('every sentence of docs/milter-check.md is one that the check can say', () => {
  const client = ['dial.ts', 'link.ts'].map((file) => `src/milter/client/${file}`);
  const protocol = ['negotiation.ts', 'strangers.ts'].map((file) => `src/milter/protocol/${file}`);
  const said = [...sourceFiles('src/gateway/check'), ...client, ...protocol].map(readText).join('\n');
  const documented = tablesIn(readText('docs/milter-check.md'))
    .filter(({ mark }) => mark === 'sentences')
    .flatMap(({ rows }) => rows.map(([sentence = '']) => sentence));
  assert.ok(documented.length >= 30, `${documented.length}`);
  for (const sentence of documented)
    for (const piece of sentence.split('…').map((p) => p.trim()))
      assert.ok(said.includes(piece), `nobody says: ${piece}`);
});
