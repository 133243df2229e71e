/**
 * OpenDKIM signs, another gateway's OpenDKIM verifies, and OpenDMARC behind it judges by what the verifier wrote: a chained
 * filter sees what the filters before it made of the message, and what is delivered is byte for byte what was signed.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { defineMilter } from '#milter/filter';
import { dkimFault } from './support/dkim.ts';
import { freePlace, guestAt, TRANSPORTS } from './support/filter-program.ts';
import { Cleanup } from './support/folders.ts';
import { house, type Guest, type House } from './support/house.ts';
import { dkimKey, startSigner, startVerifier, type DkimKey } from './support/opendkim.ts';
import { startOpendmarc } from './support/opendmarc.ts';
import { sameBytes, startOutbox, withoutTrace, type Outbox } from './support/outbox.ts';
import { skipWithout } from './support/processes.ts';

/** A loaded machine is not what is tested here. */
const PATIENT = { timeoutConnect: '10s', timeoutCommand: '10s', timeoutData: '20s' };

/** Everything that a careless gateway changes: spacing, folding, case, 8-bit bytes, ends of lines and of the body. */
const odd = (domain: string): string =>
  `From: "A, B"   <a@${domain}>\r\nto:<b@in.test>\r\nSubject:\t tabs\tand   spaces \r\n` +
  'X-Folded: one\r\n\ttwo\r\n     three \r\nDATE:Thu, 01 Jan 2026 00:00:00 +0000\r\n' +
  'Message-Id:\r\n <folded@out.test>\r\nX-Empty:\r\nX-Empty: \r\nX-Eight: gr\xfc\xdfe \xc3\xa9\r\nMIME-Version: 1.0\r\n' +
  'Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n' +
  '\r\n\r\n.dot\r\n..two dots\r\ntrailing  \t\r\n  leading\r\ngr\xfc\xdfe\r\n \r\n\r\n\r\n\r\n';

const plain = (domain: string, subject: string): string =>
  `From: <a@${domain}>\r\nTo: <b@in.test>\r\nSubject: ${subject}\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\nbody\r\n`;

const skip = skipWithout('opendkim', 'opendmarc', 'gcc');

for (const canonicalization of ['simple/simple', 'relaxed/relaxed'])
  for (const transport of TRANSPORTS)
    test(
      `what OpenDKIM signed ${canonicalization} over ${transport} is what is delivered`,
      { skip, timeout: 60_000 },
      async (t) => {
        const cleanup = new Cleanup(t);
        const key = dkimKey('signed.test');
        const place = await freePlace(cleanup, transport);
        await startSigner(cleanup, place, key, canonicalization);
        const { h, outbox } = await behind(cleanup, [guestAt(place, { stages: ['data'], ...PATIENT })]);
        const session = await h.open();
        const messages = [
          odd('signed.test'),
          plain('signed.test', 'two'),
          odd('signed.test').split('\r\n\r\n')[0]! + '\r\n\r\n',
        ];
        for (const [n, message] of messages.entries()) {
          await accepted(session, 'a@signed.test', message);
          const { content } = await outbox.message(n + 1);
          assert.match(content, new RegExp(`DKIM-Signature:[^]*c=${canonicalization};`));
          assert.equal(dkimFault(content, key.public), '');
          // The check can fail: a byte more is noticed where it matters.
          assert.notEqual(dkimFault(content.replace('a@signed.test', 'b@signed.test'), key.public), '');
          assert.notEqual(dkimFault(content.replace('\r\n\r\n', '\r\n\r\nmore\r\n'), key.public), '');
          // The signature stands where OpenDKIM asks for it, on top of all; nothing else is touched.
          sameBytes(
            withoutTrace(content).replace(/^DKIM-Signature:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*/, ''),
            `R\r\n${message}`,
          );
        }
        // Mail of another domain is none of its business.
        await accepted(session, 'a@other.test', odd('other.test'));
        sameBytes(withoutTrace((await outbox.message(4)).content), `R\r\n${odd('other.test')}`);
        await session.quit();
      },
    );

test(
  'a signer behind a filter that edits signs what that filter made',
  { skip, timeout: 60_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const key = dkimKey('signed.test');
    const place = await freePlace(cleanup, 'tcp');
    await startSigner(cleanup, place, key, 'simple/simple');
    const editor = defineMilter({
      name: 'editor',
      needs: ['addHeaders', 'changeHeaders', 'replaceBody'],
      onMessage(_session, _envelope, m) {
        m.headers.set('Subject', 'another one');
        m.headers.remove('X-Folded');
        m.headers.add('Reply-To', '<c@signed.test>');
        m.replaceBody('another body  \r\n\r\nwith an end\r\n\r\n');
      },
    });
    const { h, outbox } = await behind(cleanup, [
      { filter: editor, more: { stages: ['data'], ...PATIENT } },
      guestAt(place, { stages: ['data'], ...PATIENT }),
    ]);
    const session = await h.open();
    await accepted(session, 'a@signed.test', odd('signed.test'));
    const { content } = await outbox.message(1);
    assert.equal(dkimFault(content, key.public), '');
    assert.match(content, /\r\nSubject: another one\r\n/);
    assert.match(content, /h=[^;]*Reply-To/i);
    assert.match(content, /h=[^;]*X-Empty/i);
    assert.ok(content.endsWith('\r\n\r\nanother body  \r\n\r\nwith an end\r\n\r\n'));
    await session.quit();
  },
);

test('OpenDMARC judges by what OpenDKIM before it wrote', { skip, timeout: 60_000 }, async (t) => {
  const cleanup = new Cleanup(t);
  const keys = ['reject.test', 'hold.test'].map(dkimKey);
  const [dkim, dmarc, alone] = [
    await freePlace(cleanup, 'unix'),
    await freePlace(cleanup, 'tcp'),
    await freePlace(cleanup, 'unix'),
  ];
  await startVerifier(cleanup, dkim, keys);
  const policies = { 'reject.test': 'v=DMARC1; p=reject; adkim=s', 'hold.test': 'v=DMARC1; p=quarantine' };
  for (const place of [dmarc, alone]) await startOpendmarc(cleanup, place, 'mx.test', policies);
  const stages = ['connect', 'ehlo', 'mail', 'rcpt', 'data'];
  const { h, outbox } = await behind(cleanup, [
    guestAt(dkim, { name: 'dkim', stages, ...PATIENT }),
    guestAt(dmarc, { stages, ...PATIENT }),
  ]);
  const session = await h.open();
  let delivered = 0;

  await t.test('signed by a second gateway and unchanged on its way: both pass', async (t) => {
    for (const [canonicalization, key] of [
      ['simple/simple', keys[0]!],
      ['relaxed/simple', keys[1]!],
    ] as const) {
      await sendSigned(t, h, key, canonicalization);
      const { content } = await outbox.message(++delivered);
      const results = content.match(/^Authentication-Results:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*/gm) ?? [];
      assert.equal(results.length, 2, content);
      assert.match(results.join(''), /^Authentication-Results: mx\.test; dmarc=pass /m);
      assert.match(
        results.join(''),
        new RegExp(`^Authentication-Results: mx\\.test;\\s+dkim=pass [^]*header\\.d=${key.domain}`, 'm'),
      );
      // Still what was signed, after two hops and four filters.
      assert.equal(dkimFault(content, key.public), '');
    }
  });

  await t.test('no signature: refused in the words of OpenDMARC, and the session goes on', async () => {
    const { at, reply } = await session.transaction(
      'a@reject.test',
      ['b@in.test'],
      plain('reject.test', 'fake'),
    );
    assert.deepEqual([at, reply.lines], ['end', ['550 5.7.1 rejected by DMARC policy for reject.test']]);
  });

  await t.test('policy quarantine: held with the reason of OpenDMARC', async () => {
    await accepted(session, 'a@hold.test', plain('hold.test', 'fake'));
    const held = h.heard.findLast((n) => n.name === 'message.accepted')?.fields['held'];
    assert.match(String(held), /DMARC/);
  });

  await t.test('no policy: delivered with both results', async () => {
    await accepted(session, 'a@free.test', plain('free.test', 'unsigned'));
    const { content } = await outbox.message(++delivered);
    assert.match(content, /^Authentication-Results: mx\.test; dmarc=(?:none|permerror) /m);
  });

  await t.test(
    'a forged result of ours in the message is removed by the one filter and not believed by the other',
    async () => {
      const forged = 'Authentication-Results: mx.test; dkim=pass header.d=reject.test\r\n';
      const { reply } = await session.transaction(
        'a@reject.test',
        ['b@in.test'],
        forged + plain('reject.test', 'forged'),
      );
      assert.deepEqual(reply.lines, ['550 5.7.1 rejected by DMARC policy for reject.test']);
    },
  );

  await t.test(
    'on the original it cannot see the result and refuses: the chain is what makes it work',
    async (t) => {
      const own = new Cleanup(t);
      const { h } = await behind(own, [
        guestAt(dkim, { name: 'dkim', stages, ...PATIENT }),
        guestAt(alone, { name: 'dmarc', stages, input: 'original', ...PATIENT }),
      ]);
      await assert.rejects(
        sendSigned(t, h, keys[0]!, 'simple/simple'),
        /550 5\.7\.1 rejected by DMARC policy/,
      );
    },
  );
  assert.equal(outbox.taken.length, delivered);
  await session.quit();
});

/** A gateway with these filters in front of an outbox. */
async function behind(cleanup: Cleanup, guests: readonly Guest[]): Promise<{ h: House; outbox: Outbox }> {
  const outbox = await startOutbox(cleanup);
  return { h: await house(cleanup, guests, { delivery: outbox.delivery }), outbox };
}

type Session = Awaited<ReturnType<House['open']>>;

async function accepted(session: Session, sender: string, message: string): Promise<void> {
  const { at, reply } = await session.transaction(sender, ['b@in.test'], message);
  if (at !== 'end' || reply.code !== 250) throw new Error(`${at} ${reply.lines.join('|')}`);
}

/** Has a gateway of its own sign an odd message and hands what that delivered to another, which must accept it. */
async function sendSigned(t: TestContext, to: House, key: DkimKey, canonicalization: string): Promise<void> {
  const cleanup = new Cleanup(t);
  const place = await freePlace(cleanup, 'tcp');
  await startSigner(cleanup, place, key, canonicalization);
  const { h, outbox } = await behind(cleanup, [guestAt(place, { stages: ['data'], ...PATIENT })]);
  const session = await h.open();
  await accepted(session, `a@${key.domain}`, odd(key.domain));
  const { content } = await outbox.message(1);
  await session.quit();
  const second = await to.open();
  await accepted(second, `a@${key.domain}`, content);
  await second.quit();
}
