/** A message is found by every recipient it has, not only by the first ones: in the history and in conversations, live and afterwards. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import type { ConversationLine, HistoryRow } from '#journal';
import { Cleanup } from './support/folders.ts';
import { gatewayCommand } from './support/gateway.ts';
import { json, millrace, relaying, TAKES } from './support/operator.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const TO = Array.from({ length: 25 }, (_, n) => `u${n}@in.test`);
const CONTENT = 'Subject: many\r\n\r\nbody\r\n';

test('by its last of 25 recipients a message is found in the history and in conversations, and followed live', async (t) => {
  const cleanup = new Cleanup(t);
  const at = await relaying(cleanup, { journal: true });
  at.hop.answer = TAKES;
  const [program = '', ...before] = gatewayCommand();
  const args = [...before, 'trace', '--rcpt', 'u24@*', '--terse', '--only-one', '--json'];
  const live = spawn(program, args, { cwd: at.folder, stdio: ['ignore', 'pipe', 'inherit'] });
  cleanup.after(() => void live.kill('SIGKILL'));
  let said = '';
  live.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  // Whatever was over before the follower came is not told to it; so it is sent until it has heard of one.
  let over = false;
  void once(live, 'close').then(() => (over = true));
  const send = async (to: readonly string[]): Promise<void> => {
    const session = await SmtpSession.greeted(at.port);
    assert.equal((await session.transaction('a@out.test', to, CONTENT)).reply.code, 250);
    await session.quit();
  };
  await send(['other@in.test']);
  await until('the follower to end after one message', 20_000, async () => {
    await send(TO);
    return over;
  });
  assert.deepEqual(
    json<ConversationLine>(said.split('\n')).map((l) => [l.rcpt, l.open]),
    [['u0@in.test', false]],
  );

  const list = async (...words: string[]): Promise<string[]> =>
    [...(await millrace(at.folder, ...words, '--json')).out].filter((line) => line.startsWith('{'));
  const rows = json<HistoryRow>(await list('history', 'list', '--where', 'rcpt=u24@in.test'));
  assert.ok(rows.length > 0);
  for (const row of rows) assert.deepEqual([row.to, row.recipients], [TO.slice(0, 20), 25]);
  const lines = json<ConversationLine>(await list('trace', 'list', '--rcpt', 'u24@in.test'));
  assert.deepEqual(
    lines.map((l) => l.id),
    rows.map((row) => row.id),
  );
  assert.deepEqual(await list('trace', 'list', '--rcpt', 'u25@in.test'), []);
});
