/**
 * A wall clock that jumps under a gateway with mail it cannot deliver yet (D22): no crash, no tight loop, nothing bounced by a jump,
 * and no retry that comes a day late, across a restart too. libfaketime moves the clock; real time passes as it does.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processorTimeOf } from './support/crowd.ts';
import { fakeClock, withoutFakeClock } from './support/fake-clock.ts';
import { Cleanup } from './support/folders.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { Trial } from './support/trial.ts';
import { pause, until } from './support/wait.ts';

/** Wait between two attempts, in seconds. */
const RETRY = 3;

test(
  'D22: +1 h, +10 d and -1 d, running and across a restart: retries go on, nothing is bounced, nothing spins',
  { skip: withoutFakeClock },
  async (t) => {
    const cleanup = new Cleanup(t);
    const { env, jump } = await fakeClock(cleanup);
    const trial = await Trial.start(
      t,
      {
        delivery: { retry: [`${RETRY}s`], expire: '5d' },
        env,
      },
      cleanup,
    );
    trial.answer = '451 4.3.0 not now';
    const send = async (): Promise<void> => {
      const session = await SmtpSession.greeted(trial.port);
      const { reply } = await session.transaction(
        's@load.test',
        ['r@in.test'],
        'Subject: clock\r\n\r\nx\r\n',
      );
      assert.equal(reply.code, 250);
      await session.quit();
    };
    const attempts = (): number => trial.said('delivery.deferred').length;
    /** Within twice the interval every message that waits is tried again, and no more often than the interval allows. */
    const retried = async (messages: number): Promise<void> => {
      const before = attempts();
      const used = await processorTimeOf(trial.gateway.process.pid);
      await until('retries', 2 * RETRY * 1000, () => attempts() >= before + messages);
      await pause(1000);
      assert.ok(attempts() <= before + 4 * messages, `${attempts() - before} attempts`);
      assert.ok((await processorTimeOf(trial.gateway.process.pid)) - used < 2, 'it does not spin');
    };
    await send();
    await until('the first attempt', 5000, () => attempts() >= 1);
    await jump('+3600');
    await retried(1);
    await jump('+10d');
    await retried(1);
    await send();
    await until('its first attempt', 5000, () => attempts() >= 3);
    await jump('-1d');
    await retried(2);
    assert.ok(trial.said('delivery.hastened').length > 0, 'the jump back was noticed');
    await jump('+9d');
    await until('an attempt by the clock ahead', 2 * RETRY * 1000, () => attempts() >= 6);
    assert.equal(await trial.gateway.stop(), 0);
    await jump('+0');
    const restarted = attempts();
    await trial.gateway.start();
    await until('retries after the restart', 2 * RETRY * 1000, () => attempts() >= restarted + 2);
    assert.deepEqual([...trial.said('delivery.expired'), ...trial.said('delivery.notice-made')], []);
    trial.answer = '250 2.0.0 taken';
    await until(
      'the queue to be empty',
      3 * RETRY * 1000,
      async () => (await trial.pending()).length === 0,
      250,
    );
    await until('the log to say so', 3000, () => trial.said('delivery.delivered').length >= 2);
    assert.equal(trial.said('delivery.delivered').length, 2);
    assert.deepEqual(trial.said('gateway.fault'), []);
  },
);
