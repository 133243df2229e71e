/**
 * Signals under load (D12, D16): a gateway told to end finishes what is under way and ends with 0; one told to read its
 * configuration again loses nobody, whatever stands in the file.
 */
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { CONTENT } from './support/besieged.ts';
import type { LogLine } from './support/gateway.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { Trial } from './support/trial.ts';
import { pause, until } from './support/wait.ts';

const STOPS = 10;
const RELOADS = 100;

test(`D12: ${STOPS} times SIGTERM under load: every transaction ends with an answer, the exit code is 0, nothing is lost or doubled`, async (t) => {
  const trial = await Trial.start(t);
  trial.send({ sessions: 30 });
  let slowest = 0;
  for (let n = 0; n < STOPS; n++) {
    const before = trial.acknowledged;
    await until('mail to flow', 10_000, () => trial.acknowledged > before + 30);
    await pause(trial.random.between(0, 300));
    const began = performance.now();
    assert.equal(await trial.gateway.stop(20_000), 0);
    slowest = Math.max(slowest, performance.now() - began);
    await trial.gateway.start();
  }
  t.diagnostic(`slowest end: ${slowest.toFixed(0)} ms`);
  const findings = await trial.settle(STOPS * 30);
  assert.equal(findings.unknown, 0, 'whoever had sent a message was answered');
  assert.deepEqual(trial.refusals, [], 'nothing but 421');
});

for (const workers of [1, 2])
  test(`D12: clients that never finish and a next hop that says nothing: 421 when the time is over, and the exit code is 0 (workers: ${workers})`, async (t) => {
    const trial = await Trial.start(t, { more: { drain: '3s', workers } });
    await until('all workers', 20_000, () => trial.said('gateway.started').length > 0);
    trial.silent = true;
    trial.send({ sessions: 5 });
    const idle = await SmtpSession.greeted(trial.port);
    const waiting = await SmtpSession.greeted(trial.port);
    assert.equal((await waiting.command('MAIL FROM:<a@out.test>')).code, 250);
    const stuck = await SmtpSession.greeted(trial.port);
    assert.equal((await stuck.command('MAIL FROM:<a@out.test>')).code, 250);
    assert.equal((await stuck.command('RCPT TO:<b@in.test>')).code, 250);
    assert.equal((await stuck.command('DATA')).code, 354);
    stuck.write('Subject: half\r\n\r\nno end');
    await until('mail that waits for the next hop', 10_000, () => trial.acknowledged > 30);
    const began = performance.now();
    const since = (): number => performance.now() - began;
    const ended = trial.gateway.stop(15_000);
    assert.equal((await idle.reply()).code, 421);
    assert.ok(since() < 2000, `${since()} ms: who has nothing open is told at once`);
    for (const session of [waiting, stuck]) {
      assert.match((await session.reply()).lines.join(), /^421 4\.3\.2 /);
      assert.ok(since() > 2900, `${since()} ms: who has a transaction open has the whole time`);
    }
    assert.equal(await ended, 0);
    t.diagnostic(`ended after ${since().toFixed(0)} ms`);
    assert.ok(since() < 5500, `${since()} ms`);
    trial.silent = false;
    await trial.gateway.start();
    await trial.settle(30);
  });

test('D12: passed through to a next hop that says nothing: no word that may be wrong, and the exit code is 0', async (t) => {
  const trial = await Trial.start(t, { more: { drain: '2s' }, delivery: { mode: 'through' } });
  trial.silent = true;
  const session = await SmtpSession.greeted(trial.port);
  const lost = session.transaction('a@out.test', ['b@in.test'], CONTENT).then(
    ({ at, reply }) => `${at} ${reply.code}`,
    () => 'lost',
  );
  await until('the next hop to have it', 5000, () => trial.offered === 1);
  const began = performance.now();
  assert.equal(await trial.gateway.stop(15_000), 0);
  const took = performance.now() - began;
  assert.ok(took > 1900 && took < 5500, `${took} ms`);
  assert.equal(await lost, 'lost');
});

/** What stands in the file at the n-th reload; null: nothing that can be used. */
function variant(trial: Trial, n: number): { readonly text: string; readonly valid: boolean } {
  if (n % 5 !== 4) {
    const log = { level: n % 2 ? 'info' : 'debug', format: 'json' };
    return { text: trial.configuration({ hostname: `gateway${n}.test`, log }), valid: true };
  }
  const broken = [
    '{ listeners: [',
    trial.configuration({ lissteners: [] }),
    trial.configuration({ listeners: [{ name: 'smtp', bind: '127.0.0.1:99999' }] }),
    trial.configuration({ tls: { certificate: './none.pem', key: './none.key' } }),
  ];
  return { text: broken[Math.floor(n / 5) % broken.length]!, valid: false };
}

test(`D16: ${RELOADS} reloads under load, each fifth of them unusable: no session is dropped, no message refused`, async (t) => {
  const trial = await Trial.start(t);
  const wanted = new AbortController();
  let sent = 0;
  // Sessions that must not break: each stays open over many reloads.
  const sessions = Array.from({ length: 10 }, async (_, s) => {
    const session = await SmtpSession.greeted(trial.port);
    while (!wanted.signal.aborted) {
      const { at, reply } = await session.transaction('a@out.test', [`r${s}@in.test`], CONTENT);
      assert.equal(`${at} ${reply.code}`, 'end 250');
      sent++;
    }
    await session.quit();
  });
  const load = Promise.all(sessions).then(() => undefined);
  trial.send({ sessions: 10 });
  const lastAnswer = (): LogLine | undefined =>
    trial.gateway.log.findLast(({ event }) => /^gateway\.reload/.test(String(event)));
  for (let n = 0; n < RELOADS; n++) {
    const { text, valid } = variant(trial, n);
    // In one step, as editors do: a file half written is not what is tested.
    await writeFile(`${trial.gateway.configFile}.new`, text);
    await rename(`${trial.gateway.configFile}.new`, trial.gateway.configFile);
    const before = lastAnswer();
    trial.gateway.process.signal('SIGHUP');
    const answered = until(`reload ${n} to be answered`, 10_000, () => {
      const answer = lastAnswer();
      return answer !== before && answer;
    });
    const answer = await Promise.race([answered, load]);
    assert.ok(answer, 'a session broke off');
    assert.equal(answer['event'], valid ? 'gateway.reloaded' : 'gateway.reload-refused', `reload ${n}`);
    if (!valid) assert.ok(String(answer['reason']).length > 10);
    const fresh = await SmtpSession.open(trial.port).reply();
    assert.equal(fresh.code, 220, 'the listener is open');
    await pause(50);
  }
  wanted.abort();
  await load;
  await writeFile(trial.gateway.configFile, trial.configuration());
  const findings = await trial.settle(100);
  t.diagnostic(`${sent} messages over sessions that stayed`);
  assert.deepEqual([findings.refused, findings.unknown], [0, 0]);
  assert.deepEqual(trial.refusals, []);
});
