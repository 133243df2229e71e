/**
 * spamass-milter with SpamAssassin behind it, over TCP and over a unix socket, asked at every stage and at the content alone:
 * ham is marked, spam has its subject, its type and its body replaced, what is beyond doubt is refused; one session.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { freePlace, guestAt, TRANSPORTS, type Place } from './support/filter-program.ts';
import { Cleanup } from './support/folders.ts';
import { house } from './support/house.ts';
import { sameBytes, startOutbox, withoutTrace } from './support/outbox.ts';
import { skipWithout } from './support/processes.ts';
import { GTUBE } from './support/rspamd.ts';
import { SPAM_PHRASE, startSpamassassin } from './support/spamassassin.ts';

const EVERY = ['connect', 'ehlo', 'mail', 'rcpt', 'data'];

const STAGES = {
  'every stage': { stages: EVERY },
  'data alone': { stages: ['data'] },
  'every stage, protocol version 2': { stages: EVERY, protocolVersion: 'v2' },
} as const;

/** SpamAssassin takes its time on a loaded machine; that is not what is tested here. */
const PATIENT = { timeoutConnect: '10s', timeoutCommand: '10s', timeoutData: '30s' };

const head = (subject: string): string =>
  `From: <a@out.test>\r\nTo: <b@in.test>\r\nSubject: ${subject}\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n` +
  'Message-ID: <1@out.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n';

test(
  'spamass-milter marks, rewrites and refuses over both transports',
  { skip: skipWithout('spamd', 'spamc', 'spamass-milter'), timeout: 120_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const places = { tcp: await freePlace(cleanup, 'tcp'), unix: await freePlace(cleanup, 'unix') } as const;
    await startSpamassassin(cleanup, Object.values(places));
    for (const transport of TRANSPORTS)
      for (const [name, more] of Object.entries(STAGES))
        await t.test(`${transport}, ${name}`, (t) => session(t, places[transport], more));
  },
);

async function session(t: TestContext, place: Place, more: Readonly<Record<string, unknown>>): Promise<void> {
  const cleanup = new Cleanup(t);
  const outbox = await startOutbox(cleanup);
  const h = await house(cleanup, [guestAt(place, { ...more, ...PATIENT })], { delivery: outbox.delivery });
  const client = await h.open();
  const send = async (message: string): Promise<string> => {
    const { at, reply } = await client.transaction('a@out.test', ['b@in.test', 'c@in.test'], message);
    return `${at} ${reply.lines.join('|')}`;
  };
  const forged = 'X-Spam-Status: No, believe me\r\nX-Spam-Flag: NO\r\n';

  assert.match(await send(`${head('ham')}\r\nGood morning.\r\n`), /^end 250 /);
  assert.equal(await send(`${head('refused')}\r\n${GTUBE}\r\n`), 'end 550 5.7.1 Blocked by SpamAssassin');
  await client.command('MAIL FROM:<x@out.test>');
  await client.command('RCPT TO:<b@in.test>');
  assert.equal((await client.command('RSET')).code, 250);
  const spam = `${head('spam')}\r\nBuy ${SPAM_PHRASE}.\r\n.dot\r\n`;
  assert.match(await send(spam), /^end 250 /);
  assert.match(await send(`${forged}${head('forged')}\r\nGood evening.\r\n`), /^end 250 /);
  await client.quit();

  const [ham = '', marked = '', last = ''] = await Promise.all(
    [1, 2, 3].map(async (n) => withoutTrace((await outbox.message(n)).content)),
  );
  const own = /^X-Spam-[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*/gm;
  sameBytes(ham.replace(own, ''), `R\r\n${head('ham')}\r\nGood morning.\r\n`);
  assert.match(ham, /^X-Spam-Status: No, score=0\.0 required=5\.0/m);
  sameBytes(last.replace(own, ''), `R\r\n${head('forged')}\r\nGood evening.\r\n`);
  assert.doesNotMatch(last, /believe me/);
  assert.doesNotMatch(last, /^X-Spam-Flag/m);

  const [fields = '', ...body] = marked.split('\r\n\r\n');
  assert.match(fields, /^X-Spam-Flag: YES\r$/m);
  assert.match(fields, /^Subject: \[SPAM\] spam\r$/m);
  assert.match(fields, /^Content-Type: multipart\/mixed; boundary="/m);
  assert.equal(fields.match(/^Content-Type:/gim)?.length, 1);
  // The message as it came is an attachment of what SpamAssassin made of it.
  assert.ok(body.join('\r\n\r\n').includes(`Buy ${SPAM_PHRASE}.\r\n.dot\r\n`), marked);
  assert.match(body.join('\r\n\r\n'), /This looks like spam to the test\./);
  assert.equal(outbox.taken.length, 3);
  assert.deepEqual(
    h.heard.filter((n) => n.name === 'milter.failed'),
    [],
  );
}
