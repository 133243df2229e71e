/**
 * A filter that is stopped and comes back, seen from an SMTP session that stays open all the time.
 *
 * With tempFailOnError the sender is told 451 4.7.1 and nothing passes unfiltered; without it the message passes unfiltered.
 * Either way nothing is lost, the session goes on, and once the filter is back the mail is filtered again.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Cleanup, tempFolder } from './support/folders.ts';
import { Gateway } from './support/gateway.ts';
import { arrived, readMaildir, type StoredMessage } from './support/maildir.ts';
import { startMarkerFilter } from './support/marker-filter.ts';
import { freePorts } from './support/ports.ts';
import type { Running } from './support/processes.ts';
import { SmtpSession, type Answered } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const EVERY_STAGE = ['connect', 'ehlo', 'mail', 'rcpt', 'data'];

interface Scene {
  readonly session: SmtpSession;
  readonly mail: string;
  readonly filter: Running;
  /** Sends a message with this subject in the open session. */
  send(subject: string): Promise<Answered>;
  /** The message with this subject, once it is in the Maildir. */
  stored(subject: string): Promise<StoredMessage>;
  filterAgain(): Promise<Running>;
}

for (const stages of [EVERY_STAGE, ['data']]) {
  const asked = `a filter asked at ${stages.length === 1 ? 'data only' : 'every stage'}`;

  test(`${asked}, stopped with tempFailOnError: 451 4.7.1, and filtered again in the same session when it is back`, async (t) => {
    const scene = await setUp(t, stages, true);
    accepted(await scene.send('one'));
    assert.deepEqual((await scene.stored('one')).field('X-Filter-Marker'), ['first']);

    await scene.filter.kill();
    for (const subject of ['two', 'three']) {
      const { reply } = await scene.send(subject);
      assert.equal(reply.code, 451, reply.text);
      assert.match(reply.text, /^4\.7\.1 /);
    }

    await scene.filterAgain();
    let tries = 0;
    await until('a message to be accepted again', 15_000, async () => {
      tries += 1;
      const { reply } = await scene.send(`four ${tries}`);
      if (reply.code === 250) return true;
      assert.equal(reply.code, 451, reply.text);
      return false;
    });
    assert.deepEqual((await scene.stored(`four ${tries}`)).field('X-Filter-Marker'), ['second']);

    // The session is in step: the next command gets its own reply and nothing else is waiting.
    assert.equal((await scene.session.command('NOOP')).code, 250);
    const subjects = (await readMaildir(scene.mail)).flatMap((m) => m.field('Subject'));
    assert.deepEqual(subjects.toSorted(), [`four ${tries}`, 'one'].toSorted(), 'what was refused is nowhere');
  });

  test(`${asked}, stopped without tempFailOnError: accepted unfiltered, and filtered again when it is back`, async (t) => {
    const scene = await setUp(t, stages, false);
    accepted(await scene.send('one'));
    await scene.filter.kill();
    accepted(await scene.send('two'));
    accepted(await scene.send('three'));

    await scene.filterAgain();
    const sent = ['one', 'two', 'three'];
    const back = await until('a message to be filtered again', 15_000, async () => {
      const subject = `four ${sent.length}`;
      sent.push(subject);
      accepted(await scene.send(subject));
      return (await scene.stored(subject)).field('X-Filter-Marker').length > 0 ? subject : false;
    });
    assert.deepEqual((await scene.stored(back)).field('X-Filter-Marker'), ['second']);
    assert.deepEqual((await scene.stored('one')).field('X-Filter-Marker'), ['first']);
    for (const subject of ['two', 'three']) {
      assert.deepEqual((await scene.stored(subject)).field('X-Filter-Marker'), []);
    }
    assert.equal((await scene.session.command('NOOP')).code, 250);
    const subjects = (await readMaildir(scene.mail)).flatMap((m) => m.field('Subject'));
    assert.deepEqual(subjects.toSorted(), sent.toSorted(), 'everything accepted is there, once');
  });
}

test('a filter that is down when the client connects: 451 4.7.1 with tempFailOnError, never a hang or a silent pass', async (t) => {
  const scene = await setUp(t, EVERY_STAGE, true);
  await scene.filter.kill();
  const late = await SmtpSession.greeted(scene.session.port);
  t.after(() => late.drop());
  const { reply } = await late.transaction('a@load.test', ['b@in.test'], message('late'));
  assert.equal(reply.code, 451, reply.text);
  assert.match(reply.text, /^4\.7\.1 /);
  assert.equal((await late.command('NOOP')).code, 250);
  assert.deepEqual(await readMaildir(scene.mail), []);
});

function accepted({ at, reply }: Answered): void {
  assert.equal(`${at} ${reply.code}`, 'end 250', reply.text);
}

function message(subject: string): string {
  return `From: a@load.test\r\nTo: b@in.test\r\nSubject: ${subject}\r\n\r\nHello.\r\n`;
}

async function setUp(t: TestContext, stages: readonly string[], tempFailOnError: boolean): Promise<Scene> {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const mail = join(folder, 'mail');
  const [smtp = 0, port = 0] = await freePorts(2);
  const filter = await startMarkerFilter(cleanup, port, 'first');
  await Gateway.start(cleanup, {
    folder,
    ports: [smtp],
    configuration: JSON.stringify({
      hostname: 'gateway.test',
      stateDir: join(folder, 'state'),
      listeners: [{ name: 'smtp', bind: `127.0.0.1:${smtp}`, relay: { domains: ['in.test'] } }],
      milters: [{ name: 'marker', hostname: '127.0.0.1', port, stages, tempFailOnError }],
      delivery: { routes: [{ match: 'true', via: 'maildir', to: mail }] },
    }),
  });
  const session = await SmtpSession.greeted(smtp);
  cleanup.after(() => session.drop());
  return {
    session,
    mail,
    filter,
    send: (subject) => session.transaction('a@load.test', ['b@in.test'], message(subject)),
    stored: (subject) => arrived(mail, `'${subject}'`, (m) => m.field('Subject').includes(subject)),
    filterAgain: () => startMarkerFilter(cleanup, port, 'second'),
  };
}
