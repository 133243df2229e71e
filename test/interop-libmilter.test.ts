/**
 * A filter in C on libmilter: with and without each no-reply flag and each flag that leaves a step out, over TCP and over a
 * unix socket; and filters that let the library negotiate for them. What it is told, and what is delivered, are the same.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  ALL,
  ALL_NO,
  ALL_NR,
  delivered,
  expected,
  HDR_LEADSPC,
  RCPT_REJ,
  session,
  skip,
  SKIP,
  startEveryStep,
  STEPS,
} from './support/every-step.ts';
import { compiled, freePlace, guestAt, TRANSPORTS } from './support/filter-program.ts';
import { Cleanup } from './support/folders.ts';
import { house } from './support/house.ts';
import { sameBytes, startOutbox, withoutTrace } from './support/outbox.ts';
import { until } from './support/wait.ts';

const FLAGS: readonly (readonly [string, number])[] = [
  ['no flag', 0],
  ...Object.entries(STEPS).map(([step, [, nr]]) => [`no reply to ${step}`, nr] as const),
  ['no reply to anything', ALL_NR],
  ...Object.entries(STEPS).map(([step, [no]]) => [`no ${step}`, no] as const),
  ['no step at all but the end', ALL_NO],
  ['no step, and no reply to any', ALL_NO | ALL_NR],
  ['leading space of header values', HDR_LEADSPC],
  ['leading space, no replies, skip, refused recipients', HDR_LEADSPC | ALL_NR | SKIP | RCPT_REJ],
];

for (const transport of TRANSPORTS)
  test(
    `libmilter over ${transport}, flag by flag, is told the same of the same session`,
    { skip, timeout: 120_000 },
    async (t) => {
      const program = await compiled(new Cleanup(t), 'every-step');
      for (const [name, bits] of FLAGS)
        await t.test(name, async (t) => {
          const lines = await told(t, program, transport, bits, {});
          assert.deepEqual(lines, expected(bits));
        });
      for (const [name, bits] of [FLAGS[0]!, ['no reply to anything', ALL_NR]] as const) {
        await t.test(`${name}, asked step by step`, async (t) => {
          const lines = await told(t, program, transport, bits, { pipeline: false });
          assert.deepEqual(lines, expected(bits));
        });
        await t.test(`${name}, asked at data alone`, async (t) => {
          const lines = await told(t, program, transport, bits, { stages: ['data'] });
          const early = /^(?:mail <a@out.test>\|i|rcpt <b@in.test>|abort|unknown FOO bar)$/;
          // What was over before the first content is not told.
          const [offer, connect, helo, ...more] = expected(bits);
          const first = more.findIndex((line) => !early.test(line));
          assert.deepEqual(lines, [offer, connect, helo, ...more.slice(first)]);
        });
      }
    },
  );

/** What the filter wrote of the session, with these bits; what was delivered is compared here. */
async function told(
  t: TestContext,
  program: string,
  transport: (typeof TRANSPORTS)[number],
  bits: number,
  more: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  const cleanup = new Cleanup(t);
  const place = await freePlace(cleanup, transport);
  const peer = await startEveryStep(cleanup, program, place, ['-p', bits.toString(16)]);
  const outbox = await startOutbox(cleanup);
  const h = await house(cleanup, [guestAt(place, { ...ALL, ...more })], { delivery: outbox.delivery });
  await session(h);
  await until('the end of the conversation', 5000, () => peer.lines.at(-1) === 'close');
  await delivered(outbox, bits);
  assert.deepEqual(
    h.heard.filter((n) => n.name === 'milter.failed'),
    [],
  );
  return peer.lines;
}

/** Letters of the callbacks, by the word the filter writes. */
const LETTERS = {
  connect: 'c',
  helo: 'h',
  mail: 'm',
  rcpt: 'r',
  data: 't',
  header: 'l',
  eoh: 'n',
  body: 'b',
  unknown: 'u',
} as const;

test(
  'filters without a negotiation of their own: the library asks for what their callbacks need',
  { skip, timeout: 60_000 },
  async (t) => {
    const program = await compiled(new Cleanup(t), 'every-step');
    for (const letters of ['', 'c', 'b', 'mr', 'ln', 'hlb', 'cmrlnb', 'chmrtlnbu'])
      await t.test(letters || 'none but the end of the message', async (t) => {
        const cleanup = new Cleanup(t);
        const place = await freePlace(cleanup, 'tcp');
        const peer = await startEveryStep(cleanup, program, place, ['-l', letters]);
        const outbox = await startOutbox(cleanup);
        const h = await house(cleanup, [guestAt(place, ALL)], { delivery: outbox.delivery });
        await session(h);
        await until('the end of the conversation', 5000, () => peer.lines.at(-1) === 'close');
        let left = 0;
        for (const [step, letter] of Object.entries(LETTERS))
          if (!letters.includes(letter)) left |= STEPS[step as keyof typeof STEPS][0];
        assert.deepEqual(peer.lines, expected(left).slice(1));
        await delivered(outbox, 0);
      });
  },
);

test(
  'a filter that wants to know hears of recipients that the gateway refused, with the refusal',
  { skip, timeout: 60_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const program = await compiled(cleanup, 'every-step');
    for (const [bits, heard] of [
      [RCPT_REJ, ['rcpt <b@in.test>', 'rcpt <x@elsewhere.test>|5.7.1', 'rcpt <c@in.test>']],
      [0, ['rcpt <b@in.test>', 'rcpt <c@in.test>']],
    ] as const) {
      const place = await freePlace(cleanup, 'tcp');
      const peer = await startEveryStep(cleanup, program, place, ['-p', bits.toString(16)]);
      const listeners = [{ name: 'smtp', bind: '127.0.0.1:0', relay: { domains: ['in.test'] } }];
      const h = await house(cleanup, [guestAt(place, ALL)], { listeners });
      const client = await h.open();
      await client.command('MAIL FROM:<a@out.test>');
      assert.equal((await client.command('RCPT TO:<b@in.test>')).code, 250);
      assert.equal((await client.command('RCPT TO:<x@elsewhere.test>')).code, 554);
      assert.equal((await client.command('RCPT TO:<c@in.test>')).code, 250);
      await client.quit();
      await until('the end of the conversation', 5000, () => peer.lines.at(-1) === 'close');
      assert.deepEqual(
        peer.lines.filter((line) => line.startsWith('rcpt')),
        heard,
      );
    }
  },
);

test(
  'a field longer than a frame of libmilter may be: the message is refused, and the filter goes on',
  { skip, timeout: 60_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const program = await compiled(cleanup, 'every-step');
    const place = await freePlace(cleanup, 'unix');
    const peer = await startEveryStep(cleanup, program, place, []);
    const outbox = await startOutbox(cleanup);
    const h = await house(cleanup, [guestAt(place, ALL)], { delivery: outbox.delivery });
    const client = await h.open();
    // Name, value and their two NULs: within 65535 bytes, beyond, far beyond; and again within.
    let delivered = 0;
    for (const size of [65_500, 65_536, 100_000, 65_500]) {
      const value = ('y'.repeat(900) + '\n ').repeat(200).slice(0, size);
      const message = `X-Big: ${value.replaceAll('\n', '\r\n')}\r\nA: 1\r\n\r\nbody\r\n`;
      const { at, reply } = await client.transaction('a@out.test', ['b@in.test'], message);
      assert.equal(`${at} ${reply.code}`, size > 65_500 ? 'end 552' : 'end 250', reply.text);
      if (reply.code !== 250) continue;
      const expected = message.replace('\r\n\r\n', '\r\nX-Steps: all\r\n\r\n');
      sameBytes(withoutTrace((await outbox.message(++delivered)).content), `R\r\n${expected}`);
    }
    await client.quit();
    await until('the end of the conversation', 5000, () => peer.lines.at(-1) === 'close');
    assert.equal(peer.lines.filter((line) => line === 'header A|1').length, 4);
    assert.equal(peer.lines.filter((line) => line.startsWith('connect')).length, 1);
  },
);
