/**
 * Every verdict that a filter on libmilter can give, at every step where it can give it: what the client reads, what becomes
 * of the message and of the session, and that the filter is in step afterwards.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL, BODY, LONG, skip, SKIP, startEveryStep, summed, type Peer } from './support/every-step.ts';
import { compiled, freePlace, guestAt } from './support/filter-program.ts';
import { Cleanup } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { startOutbox } from './support/outbox.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const LATER = '451 4.7.1 Service unavailable - try again later';

/** Verdicts that refuse, and their words for the client; '' in `reject` where the step decides. */
const REFUSALS: Readonly<Record<string, readonly string[]>> = {
  reject: ['5.7.1 Command rejected'],
  tempfail: [LATER],
  one5: ['550 5.7.9 One line, 100% sure'],
  one4: ['452 4.2.2 Later'],
  bare: ['553 No enhanced code'],
  many5: ['554-5.7.2 First line', '554-5.7.2 second line', '554 5.7.2   third, indented'],
  many4: ['450-4.0.0 Not now', '450 4.0.0 and not soon'],
  gone: ['421 4.3.2 Closing'],
  manygone: ['421-4.3.2 Closing', '421 4.3.2 for good'],
};

/** What the client must read: the words, for a bare reject with the code that Postfix and Sendmail use at the step. */
function wordsFor(verdict: string, reject: string): readonly string[] {
  const [first = '', ...more] = REFUSALS[verdict]!;
  return verdict === 'reject' ? [`${reject} ${first}`] : [first, ...more];
}

const closes = (verdict: string): boolean => verdict.endsWith('gone');

type Session = Awaited<ReturnType<House['open']>>;

/** A message that names itself in its subject. */
const named = (subject: string): string => `From: <a@out.test>\r\nSubject: ${subject}\r\n\r\n${BODY}`;

/** The session is in step: another message goes through, and the filter hears it to the end. */
async function goesOn(client: Session, peer: Peer, subject: string): Promise<void> {
  peer.lines.length = 0;
  const { at, reply } = await client.transaction('a@out.test', ['b@in.test'], named(`after ${subject}`));
  assert.equal(`${at} ${reply.code}`, 'end 250', `${subject}: ${reply.text}`);
  await until(`the message after ${subject} to be heard`, 5000, () =>
    peer.lines.includes(`end ${summed(BODY)}|i`),
  );
}

async function isClosed(client: Session, subject: string): Promise<void> {
  await assert.rejects(client.command('NOOP'), subject);
}

test('every verdict of libmilter at every step of a message', { skip, timeout: 120_000 }, async (t) => {
  const cleanup = new Cleanup(t);
  const program = await compiled(cleanup, 'every-step');
  const place = await freePlace(cleanup, 'tcp');
  const peer = await startEveryStep(cleanup, program, place, ['-p', SKIP.toString(16)]);
  const outbox = await startOutbox(cleanup);
  const h = await house(cleanup, [guestAt(place, ALL)], { delivery: outbox.delivery });
  const discarded = (): number => h.heard.filter((n) => n.name === 'message.discarded').length;
  const came = (subject: string): string | undefined =>
    outbox.taken.find(({ content }) => content.includes(`Subject: ${subject}\r\n`))?.content;

  for (const [step, at, reject] of [
    ['mail', 'mail', '550'],
    ['rcpt', 'rcpt', '550'],
    ['data', 'data', '550'],
    ['header', 'end', '55[04]'],
    ['eoh', 'end', '55[04]'],
    ['body', 'end', '554'],
    ['end', 'end', '554'],
  ] as const) {
    for (const verdict of Object.keys(REFUSALS))
      await t.test(`${verdict} at ${step}`, async () => {
        const subject = `${step}.${verdict}`;
        const client = await h.open();
        const answered = await client.transaction(`${subject}@out.test`, ['no@in.test'], named(subject));
        assert.equal(answered.at, at);
        const words = wordsFor(verdict, reject);
        if (verdict === 'reject')
          assert.match(answered.reply.lines.join('|'), new RegExp(`^${words.join('')}$`));
        else assert.deepEqual(answered.reply.lines, words);
        if (closes(verdict)) await isClosed(client, subject);
        else await goesOn(client, peer, subject);
        assert.equal(came(subject), undefined);
        await client.quit();
      });
    await t.test(
      `accept at ${step}: delivered, and the filter is asked no more of this message`,
      async () => {
        const subject = `${step}.accept`;
        const client = await h.open();
        peer.lines.length = 0;
        const { reply } = await client.transaction(
          `${subject}@out.test`,
          ['no@in.test', 'yes@in.test'],
          named(subject),
        );
        assert.equal(reply.code, 250);
        const content = await until(`${subject} to arrive`, 5000, () => came(subject));
        assert.equal(/^X-Steps: all\r$/m.test(content), step === 'end');
        assert.equal(peer.lines.filter((line) => line.startsWith('end')).length, step === 'end' ? 1 : 0);
        await goesOn(client, peer, subject);
        await client.quit();
      },
    );
    await t.test(`discard at ${step}: the client hears 250, nothing is delivered`, async () => {
      const subject = `${step}.discard`;
      const before = discarded();
      const client = await h.open();
      const { at, reply } = await client.transaction(
        `${subject}@out.test`,
        ['no@in.test', 'yes@in.test'],
        named(subject),
      );
      assert.equal(`${at} ${reply.code}`, 'end 250');
      assert.equal(discarded(), before + 1);
      await goesOn(client, peer, subject);
      await until('the message behind it', 5000, () => came(`after ${subject}`));
      assert.equal(came(subject), undefined);
      await client.quit();
    });
  }

  await t.test('one recipient refused: the message goes to the others', async () => {
    for (const verdict of Object.keys(REFUSALS).filter((name) => !closes(name))) {
      const subject = `rcpt.${verdict}`;
      const client = await h.open();
      await client.command(`MAIL FROM:<${subject}@out.test>`);
      assert.equal((await client.command('RCPT TO:<yes@in.test>')).code, 250);
      assert.deepEqual((await client.command('RCPT TO:<no@in.test>')).lines, wordsFor(verdict, '550'));
      assert.equal((await client.command('RCPT TO:<you@in.test>')).code, 250);
      await client.command('DATA');
      client.write(`${named(`kept ${verdict}`)}.\r\n`.replace('\r\n.dot', '\r\n..dot'));
      assert.equal((await client.reply()).code, 250);
      await until('the message', 5000, () => came(`kept ${verdict}`));
      const { recipients } = outbox.taken.find(({ content }) => content.includes(`kept ${verdict}`))!;
      assert.deepEqual(recipients, ['yes@in.test', 'you@in.test']);
      await client.quit();
    }
  });

  await t.test('skip at body: no more of the body, the rest as ever', async () => {
    const client = await h.open();
    peer.lines.length = 0;
    const { reply } = await client.transaction(
      'body.skip@out.test',
      ['b@in.test'],
      named('body.skip') + LONG.repeat(10),
    );
    assert.equal(reply.code, 250);
    await until('the end', 5000, () => peer.lines.some((line) => line.startsWith('end')));
    assert.match(await until('it to arrive', 5000, () => came('body.skip')), /^X-Steps: all\r$/m);
    await goesOn(client, peer, 'body.skip');
    await client.quit();
  });

  await t.test('unknown commands: refused in the words of the filter, otherwise in ours', async () => {
    for (const verdict of ['continue', 'accept', 'discard', ...Object.keys(REFUSALS)]) {
      const client = await h.open();
      const { lines } = await client.command(`BAD ${verdict}`);
      if (verdict in REFUSALS) assert.deepEqual(lines, wordsFor(verdict, '550'));
      else assert.match(lines.join('|'), /^500 5\.5\.1 /);
      if (closes(verdict)) await isClosed(client, verdict);
      else await goesOn(client, peer, `unknown ${verdict}`);
      await client.quit();
    }
  });

  await t.test('at HELO: a refusal is told and stays, accept ends the asking', async () => {
    for (const verdict of ['accept', ...Object.keys(REFUSALS)]) {
      const client = await h.open();
      peer.lines.length = 0;
      const hello = await client.command(`EHLO helo.${verdict}.test`);
      if (closes(verdict)) {
        assert.deepEqual(hello.lines, REFUSALS[verdict]);
        await isClosed(client, verdict);
        continue;
      }
      // A better name does not help: the refusal was about the connection.
      await client.command('EHLO good.test');
      const mail = await client.command('MAIL FROM:<a@out.test>');
      if (verdict === 'accept') assert.equal(mail.code, 250);
      else assert.deepEqual(mail.lines, wordsFor(verdict, '550'));
      assert.deepEqual(
        peer.lines.filter((line) => /^(?:mail|helo good)/.test(line)),
        [],
      );
      await client.quit();
    }
  });
  assert.deepEqual(
    h.heard.filter((n) => n.name === 'milter.failed'),
    [],
  );
});

test('every verdict of libmilter at connect', { skip, timeout: 60_000 }, async (t) => {
  const program = await compiled(new Cleanup(t), 'every-step');
  for (const verdict of ['accept', ...Object.keys(REFUSALS)])
    await t.test(verdict, async (t) => {
      const cleanup = new Cleanup(t);
      const place = await freePlace(cleanup, 'unix');
      const peer = await startEveryStep(cleanup, program, place, ['-c', verdict]);
      const h = await house(cleanup, [guestAt(place, ALL)]);
      const client = SmtpSession.open(h.port);
      cleanup.after(() => client.drop());
      const greeting = await client.reply();
      if (verdict === 'accept') {
        assert.equal(greeting.code, 220);
        await client.command('EHLO x.test');
        assert.equal((await client.transaction('a@out.test', ['b@in.test'], named('a'))).reply.code, 250);
        // The filter tells of its end when it comes to it.
        await until('the filter to be let go', 5000, () => peer.lines.at(-1) === 'close');
        assert.deepEqual(peer.lines, ['offer 1ff 1fffff', 'connect NAME|127.0.0.1', 'close']);
        return;
      }
      if (closes(verdict)) {
        assert.deepEqual(greeting.lines, REFUSALS[verdict]);
        return isClosed(client, verdict);
      }
      // A refusal for good is the greeting; one for now is told at MAIL.
      const words = wordsFor(verdict, '554');
      if (words[0]!.startsWith('5')) {
        assert.deepEqual(greeting.lines, words);
        assert.equal((await client.command('EHLO x.test')).code, 503);
      } else {
        assert.equal(greeting.code, 220);
        assert.equal((await client.command('EHLO x.test')).code, 250);
        assert.deepEqual((await client.command('MAIL FROM:<a@out.test>')).lines, words);
      }
      assert.equal((await client.command('QUIT')).code, 221);
    });
});
