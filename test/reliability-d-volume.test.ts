/**
 * Volumes that end (D07, D08): no room, no inodes, too few descriptors, a spool that may not be read. New mail is told to come
 * back, mail in the queue leaves, and all is well again when the cause is gone.
 */
import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { addressOf, honest } from './support/besieged.ts';
import { Crowd, processorTimeOf } from './support/crowd.ts';
import { Cleanup } from './support/folders.ts';
import { Ext4Volume, must, smallVolume } from './support/machine-faults.ts';
import { needsRoot, run } from './support/processes.ts';
import type { TakenMessage } from './support/next-hop.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { Trial } from './support/trial.ts';
import { pause, until } from './support/wait.ts';

const skip = needsRoot('a file system of its own');

const served = (port: number): Promise<boolean> =>
  honest(port).then(
    () => true,
    () => false,
  );
const wellAgain = (port: number): Promise<boolean> => until('normal service', 10_000, () => served(port));

/** Fills a volume with a file of somebody else's, to the last byte. */
async function foreignFile(volume: string): Promise<string> {
  const path = join(volume, 'foreign');
  const { code } = await run('dd', 'dd', ['if=/dev/zero', `of=${path}`, 'bs=64k']);
  assert.equal(code, 1, 'the volume got full');
  return path;
}

/** What MAIL is answered on a new connection. */
async function answerToMail(port: number, parameters = ''): Promise<string> {
  const session = await SmtpSession.greeted(port);
  const { lines } = await session.command(`MAIL FROM:<a@out.test>${parameters}`);
  await session.quit();
  return lines.at(-1)!;
}

test(
  'D07: a volume of 16 MB filled by mail and by others: 452, the queue leaves and so do bounces, and mail is taken when there is room',
  { skip },
  async (t) => {
    const cleanup = new Cleanup(t);
    const volume = await smallVolume(cleanup, 'size=16m');
    const trial = await Trial.start(t, { stateDir: join(volume, 'state') }, cleanup);
    trial.answer = '451 4.3.0 not now';
    assert.match(await answerToMail(trial.port, ' SIZE=10000000'), /^250 /);
    assert.match(
      await answerToMail(trial.port, ' SIZE=15500000'),
      /^452 4\.3\.1 /,
      'larger than what is free',
    );
    const senders = trial.send({ sessions: 10, size: [20_000, 200_000] });
    await until('the volume to be full of mail', 15_000, () => senders.surprises.length >= 20);
    await senders.stop();
    for (const refusal of trial.refusals) assert.match(refusal, /^452 4\.3\.1 /);
    const foreign = await foreignFile(volume);
    // What the store has set aside for itself takes small mail for a while.
    const small = trial.send({ sessions: 2, size: [1000, 20_000] });
    await until('452 at MAIL', 15_000, async () => /^452 4\.3\.1 /.test(await answerToMail(trial.port)));
    await small.stop();
    await until('the log to say so', 3000, () => trial.said('spool.low').length > 0);
    trial.judge(20, await trial.pending());

    const refused = ({ sender }: TakenMessage): boolean => /^m\d*[02468]x/.test(sender);
    trial.answer = (message) => (refused(message) ? '550 5.2.2 that one not' : null);
    await until(
      'the queue and its bounces to leave a full disk',
      15_000,
      async () => (await trial.pending()).length === 0,
      250,
    );
    trial.judge(20, []);
    assert.ok(trial.bounced.length >= 5, 'senders were told');
    assert.ok(trial.said('delivery.failed').length === trial.bounced.length, 'each once');
    trial.answer = null;
    await rm(foreign);
    await wellAgain(trial.port);
    await until('the log to say so', 3000, () => trial.said('spool.spaceBack').length > 0);
    await trial.settle(20);
    assert.deepEqual(await readdir(join(trial.stateDir, 'spool', 'incoming')), [], 'no partial file');
    await until('bodies to be removed', 5000, async () => {
      return (await readdir(join(trial.stateDir, 'spool', 'bodies'))).length === 0;
    });
  },
);

test(
  'D08: without inodes small mail goes on and large mail is 452, with few descriptors clients are 421; both heal',
  { skip },
  async (t) => {
    const cleanup = new Cleanup(t);
    const volume = await smallVolume(cleanup, 'size=64m,nr_inodes=60');
    const trial = await Trial.start(t, { stateDir: join(volume, 'state') }, cleanup);
    const { pid } = trial.gateway.process;
    await must('prlimit', '--pid', String(pid), '--nofile=64');
    let made = 0;
    try {
      for (;;) await writeFile(join(volume, `f${made}`), '').then(() => made++);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
    const senders = trial.send({ sessions: 4, size: [2000, 150_000] });
    await until('mail with and without files', 10_000, () => {
      return senders.surprises.length >= 5 && trial.acknowledged > 20;
    });
    const crowd = new Crowd(cleanup, trial.port);
    const greetings = (await crowd.come(100, addressOf)).map(([, greeting]) => greeting.slice(0, 3));
    assert.ok(greetings.includes('421') || greetings.includes(''), 'there are not descriptors for all');
    const used = await processorTimeOf(pid);
    await senders.stop();
    await pause(1000);
    assert.ok((await processorTimeOf(pid)) - used < 1, 'it does not spin');
    crowd.leave();
    for (let i = 0; i < made; i++) await rm(join(volume, `f${i}`));
    await wellAgain(trial.port);
    await trial.settle(20);
    assert.equal(trial.gateway.process.ended, false);
    for (const refusal of trial.refusals) assert.match(refusal, /^45[12] 4\.3\.[01]/);
  },
);

test(
  'D08: folders of the spool that may not be used for a while cost a 451 for what needs them',
  { skip },
  async (t) => {
    const cleanup = new Cleanup(t);
    const volume = await smallVolume(cleanup, 'size=64m');
    const state = join(volume, 'state');
    await mkdir(state);
    await chown(state, 65_534, 65_534);
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const trial = await Trial.start(
      t,
      { stateDir: state, wrap: (command) => [...nobody, ...command] },
      cleanup,
    );
    const senders = trial.send({ sessions: 4, size: [2000, 150_000] });
    await until('mail to flow', 5000, () => trial.acknowledged > 20);
    const spool = join(state, 'spool');
    assert.equal((await stat(spool)).uid, 65_534, 'it does not run as root');
    await chmod(spool, 0);
    await until('refusals', 10_000, () => senders.surprises.length >= 5);
    await pause(500);
    await chmod(spool, 0o700);
    const before = trial.acknowledged;
    await until('mail to flow again', 10_000, () => trial.acknowledged > before + 50);
    await trial.settle(50);
    assert.equal(trial.gateway.process.ended, false);
    for (const refusal of trial.refusals) assert.match(refusal, /^45[12] 4\.3\.[01]/);
  },
);

test(
  'D08: a file system that the kernel has made read-only costs each message a 451, and no message once it is mounted again',
  { skip },
  async (t) => {
    const cleanup = new Cleanup(t);
    const volume = await Ext4Volume.make(cleanup, '64m');
    const terms = { stateDir: join(volume.path, 'state'), delivery: { retry: ['4s'] } };
    const trial = await Trial.start(t, terms, cleanup);
    trial.answer = '451 4.3.0 not now';
    const senders = trial.send({ sessions: 4, size: [2000, 20_000] });
    await until('mail to flow', 5000, () => trial.acknowledged > 50);
    await senders.stop();
    // Nothing is being written at that very moment.
    await until('first attempts', 5000, () => trial.said('delivery.deferred').length >= trial.acknowledged);
    await volume.fail();
    const felt = trial.send({ sessions: 4, size: [2000, 20_000] });
    await until('refusals', 10_000, () => felt.surprises.length >= 50);
    await felt.stop();
    assert.equal(trial.gateway.process.ended, false);
    for (const refusal of trial.refusals) assert.match(refusal, /^45[12] 4\.3\.[01]/);
    await trial.gateway.stop();
    await volume.unmount();
    await volume.mount();
    trial.answer = null;
    await trial.gateway.start();
    await wellAgain(trial.port);
    await trial.settle(50);
  },
);

test(
  'D08: a file system that the kernel makes read-only in the middle of load: 451 from then on, nothing lost, nothing refused delivered',
  { skip },
  async (t) => {
    const cleanup = new Cleanup(t);
    const volume = await Ext4Volume.make(cleanup, '64m');
    const terms = { stateDir: join(volume.path, 'state'), more: { drain: '6s' } };
    const trial = await Trial.start(t, terms, cleanup);
    const senders = trial.send({ sessions: 12, size: [2000, 100_000] });
    await until('mail to flow', 10_000, () => trial.acknowledged > 100);
    await pause(trial.random.between(0, 500));
    const from = performance.now();
    await volume.fail();
    // LMDB may end the process when a page is refused in mid-write (docs/durability.md): then no answer is given any more.
    const { process: gateway } = trial.gateway;
    const refused = (count: number) => (): boolean => senders.surprises.length >= count || gateway.ended;
    await until('refusals', 10_000, refused(50));
    const acknowledged = trial.acknowledged;
    await until('more of them', 10_000, refused(200));
    assert.equal(trial.acknowledged, acknowledged, 'who was told 250 was told before');
    for (const refusal of trial.refusals) assert.match(refusal, /^451 4\.3\.0 /);
    await until('the log to say so', 3000, () => trial.said('message.not-stored').length > 0);
    await senders.stop();
    t.diagnostic(`${senders.surprises.length} refusals${gateway.ended ? '; LMDB ended the process' : ''}`);
    if (gateway.ended) assert.match(gateway.output, /Write error: Read-only file system/);
    else assert.equal(await trial.gateway.stop(), 0, 'it ends in order, though results cannot be written');
    // What was delivered and could not be written down is delivered once more, as after a kill.
    await trial.ledger.killed({ from, to: performance.now() });
    await volume.unmount();
    await volume.mount();
    await trial.gateway.start();
    await wellAgain(trial.port);
    await trial.settle(100);
  },
);
