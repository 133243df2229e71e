/**
 * The configuration of the specification, its two milters word for word, against a real Rspamd and a real ClamAV: spam is
 * refused in Rspamd's words, a virus in ClamAV's, and a clean message arrives with what both wrote into it.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { EICAR, startClamav } from './support/clamav.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { Gateway } from './support/gateway.ts';
import { arrived, readMaildir } from './support/maildir.ts';
import { claimPort, freePort } from './support/ports.ts';
import { skipWithout } from './support/processes.ts';
import { GTUBE, startRspamd } from './support/rspamd.ts';
import { SmtpSession } from './support/smtp-session.ts';

/** As the specification prints it. */
const MILTERS = `
[
{
"hostname": "127.0.0.1",
"port": 11332,
"stages": ["connect", "ehlo", "mail", "rcpt", "data"],
"enable": {
"match": [{"if": "listener == 'smtp'", "then": "true"}],
"else": "false"
},
"useTls": false,
"allowInvalidCerts": false
},
{
"hostname": "127.0.0.1",
"port": 15112,
"stages": ["data"],
"enable": {
"match": [{"if": "listener == 'smtp'", "then": "true"}],
"else": "false"
},
"useTls": false,
"allowInvalidCerts": false
}
]`;

test(
  "the specification's example runs as printed: Rspamd and ClamAV decide, clean mail arrives",
  { skip: skipWithout('rspamd', 'clamd', 'clamav-milter'), timeout: 180_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const folder = await tempFolder(cleanup);
    const mail = join(folder, 'mail');
    const [smtp, other] = [await freePort(), await freePort()];
    for (const port of [11332, 15112]) await claimPort(port);
    await Promise.all([startRspamd(cleanup, 11332), startClamav(cleanup, 15112)]);
    await Gateway.start(cleanup, {
      folder,
      ports: [smtp, other],
      configuration: `
hostname: gateway.test
stateDir: ${folder}/state
listeners:
  - { name: smtp, bind: "127.0.0.1:${smtp}", relay: { domains: [in.test] } }
  - { name: other, bind: "127.0.0.1:${other}", relay: { domains: [in.test] } }
delivery:
  routes:
    - { match: "true", via: maildir, to: ${mail} }
milters: ${MILTERS.replaceAll('\n', '\n  ')}
`,
    });
    const session = await SmtpSession.greeted(smtp);
    cleanup.after(() => session.drop());
    const send = (over: SmtpSession, subject: string, body: string) =>
      over.transaction('a@load.test', ['b@in.test'], message(subject, body));

    await t.test('GTUBE is refused at the final dot with the reply text of Rspamd', async () => {
      const { at, reply } = await send(session, 'spam', GTUBE);
      assert.deepEqual([at, reply.lines], ['end', ['554 5.7.1 Gtube pattern']]);
    });

    await t.test('EICAR is refused at the final dot with the reply text of ClamAV', async () => {
      const { at, reply } = await send(session, 'virus', EICAR);
      assert.deepEqual([at, reply.lines], ['end', ['550 5.7.1 infected: Eicar-Millrace.UNOFFICIAL']]);
    });

    await t.test('a clean message of the same session arrives with the fields of both filters', async () => {
      const { at, reply } = await send(session, 'clean', 'Good morning.');
      assert.equal(`${at} ${reply.code}`, 'end 250', reply.text);
      const stored = await arrived(mail, 'the clean message', (m) => m.field('Subject').includes('clean'));
      assert.equal(stored.field('X-Rspamd-Server').length, 1, stored.header);
      assert.equal(stored.field('X-Rspamd-Queue-Id').length, 1, stored.header);
      assert.match(stored.field('X-Spamd-Result')[0] ?? '', /default/);
      assert.deepEqual(stored.field('X-Virus-Status'), ['Clean'], stored.header);
      assert.match(stored.text, /\r?\n\r?\nGood morning\.\r?\n$/);
    });

    await t.test('a listener of another name has the filters off, as the expression says', async () => {
      const unfiltered = await SmtpSession.greeted(other);
      cleanup.after(() => unfiltered.drop());
      const { at, reply } = await send(unfiltered, 'passes', GTUBE);
      assert.equal(`${at} ${reply.code}`, 'end 250', reply.text);
      const stored = await arrived(mail, 'the message', (m) => m.field('Subject').includes('passes'));
      assert.deepEqual([stored.field('X-Rspamd-Server'), stored.field('X-Virus-Status')], [[], []]);
    });

    await t.test('what was refused is in no Maildir', async () => {
      const subjects = (await readMaildir(mail)).flatMap((m) => m.field('Subject'));
      assert.deepEqual(subjects.toSorted(), ['clean', 'passes']);
    });
  },
);

function message(subject: string, body: string): string {
  return (
    `From: a@load.test\r\nTo: b@in.test\r\nSubject: ${subject}\r\nDate: ${new Date().toUTCString()}\r\n` +
    `Message-ID: <${subject}.${process.pid}@load.test>\r\n\r\n${body}\r\n`
  );
}
