/**
 * clamav-milter, over TCP and over a unix socket, asked at every stage and at the content alone: several messages in one
 * session, a virus wherever it lies, forged result fields replaced, and mail put off while the scanner is away.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { EICAR, startClamav } from './support/clamav.ts';
import { guestAt, TRANSPORTS, type Place } from './support/filter-program.ts';
import { Cleanup } from './support/folders.ts';
import { house } from './support/house.ts';
import { sameBytes, startOutbox, withoutTrace } from './support/outbox.ts';
import { freePort } from './support/ports.ts';
import { skipWithout } from './support/processes.ts';

const EVERY = ['connect', 'ehlo', 'mail', 'rcpt', 'data'];

const STAGES = {
  'every stage': { stages: EVERY },
  'data alone': { stages: ['data'] },
  'every stage, protocol version 2': { stages: EVERY, protocolVersion: 'v2' },
  // What the specification prints.
  'every stage, flags 255 and 66': { stages: EVERY, flagsAction: 255, flagsProtocol: 66 },
} as const;

/** A loaded machine is not what is tested here. */
const PATIENT = { timeoutConnect: '10s', timeoutCommand: '10s', timeoutData: '20s' };

const INFECTED = 'end 550 5.7.1 infected: Eicar-Millrace.UNOFFICIAL';

const headOf = (subject: string): string =>
  `From: <a@out.test>\r\nTo: <b@in.test>\r\nSubject: ${subject}\r\nMIME-Version: 1.0\r\n`;

/** A text and an attachment in base64, as a mail program would send it. */
function withAttachment(content: string): string {
  return (
    'Content-Type: multipart/mixed; boundary="cut"\r\n\r\n--cut\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n' +
    '--cut\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n' +
    `Content-Disposition: attachment; filename=a.bin\r\n\r\n${Buffer.from(content, 'latin1')
      .toString('base64')
      .replace(/.{76}/g, '$&\r\n')}\r\n--cut--\r\n`
  );
}

test(
  'clamav-milter decides over both transports, and puts mail off when clamd is away',
  { skip: skipWithout('clamd', 'clamav-milter'), timeout: 120_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const port = await freePort();
    const { socket, clamd } = await startClamav(cleanup, port, 'milter.sock');
    const places = { tcp: port, unix: socket } as const;
    for (const transport of TRANSPORTS)
      for (const [name, more] of Object.entries(STAGES))
        await t.test(`${transport}, ${name}: good and bad in turns, resets between, one session`, (t) =>
          severalMessages(t, places[transport], more),
        );
    await t.test('with clamd gone the message is put off with 451, at the final dot', async (t) => {
      const own = new Cleanup(t);
      const h = await house(own, [guestAt(port, { stages: EVERY, ...PATIENT })]);
      const session = await h.open();
      await clamd.end();
      const { at, reply } = await session.transaction(
        'a@out.test',
        ['b@in.test'],
        `${headOf('late')}\r\nbody\r\n`,
      );
      assert.deepEqual([at, reply.code], ['end', 451], reply.text);
      assert.deepEqual(
        h.heard.filter((n) => n.name === 'milter.failed'),
        [],
      );
      await session.quit();
    });
  },
);

async function severalMessages(
  t: TestContext,
  place: Place,
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  const cleanup = new Cleanup(t);
  const outbox = await startOutbox(cleanup);
  const h = await house(cleanup, [guestAt(place, { ...more, ...PATIENT })], { delivery: outbox.delivery });
  const session = await h.open();
  const send = async (content: string): Promise<string> => {
    const { at, reply } = await session.transaction('a@out.test', ['b@in.test', 'c@in.test'], content);
    return `${at} ${reply.lines.join('|')}`;
  };
  /** What is to be delivered: R is the gateway's own field; clamav-milter appends its two. */
  const scanned = (head: string, body: string): string =>
    `R\r\n${head}X-Virus-Scanned: clamav-milter VERSION on scanner.test\r\nX-Virus-Status: Clean\r\n${body}`;
  const delivered = async (n: number): Promise<string> =>
    withoutTrace((await outbox.message(n)).content).replace(
      /^X-Virus-Scanned: clamav-milter \S+ (?:at|on) (\S+)/m,
      'X-Virus-Scanned: clamav-milter VERSION on $1',
    );

  assert.match(await send(`${headOf('one')}\r\nGood morning.\r\n`), /^end 250 /);
  assert.equal(await send(`${headOf('virus')}\r\n${EICAR}\r\n`), INFECTED);
  assert.equal(await send(headOf('attached') + withAttachment(EICAR)), INFECTED);
  await session.command('MAIL FROM:<x@out.test>');
  await session.command('RCPT TO:<b@in.test>');
  assert.equal((await session.command('RSET')).code, 250);
  // Larger than a chunk; then the virus behind the first chunk, and cut by the border of two.
  const lines = 'A line that no scanner minds, over and over.\r\n'.repeat(4000);
  assert.match(await send(`${headOf('two')}\r\n${lines}`), /^end 250 /);
  assert.equal(await send(`${headOf('behind')}\r\n${lines}${EICAR}\r\n`), INFECTED);
  assert.equal(await send(`${headOf('cut')}\r\n${'x'.repeat(65_500)}\r\n${EICAR}\r\n`), INFECTED);
  await session.command('MAIL FROM:<y@out.test>');
  assert.equal((await session.command('EHLO again.test')).code, 250);
  const forged = 'X-Virus-Status: Clean, believe me\r\nX-Virus-Scanned: by nobody\r\n';
  assert.match(
    await send(`${forged}${headOf('three')}${forged.toLowerCase()}Reply-To: <c@out.test>\r\n\r\nbody\r\n`),
    /^end 250 /,
  );
  await session.quit();

  const body1 = '\r\nGood morning.\r\n';
  sameBytes(await delivered(1), scanned(headOf('one'), body1));
  sameBytes(await delivered(2), scanned(headOf('two'), `\r\n${lines}`));
  sameBytes(await delivered(3), scanned(`${headOf('three')}Reply-To: <c@out.test>\r\n`, '\r\nbody\r\n'));
  assert.equal(outbox.taken.length, 3);
  assert.deepEqual(
    h.heard.filter((n) => n.name === 'milter.failed'),
    [],
  );
}
