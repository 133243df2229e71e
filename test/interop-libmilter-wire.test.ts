/**
 * A filter in C on libmilter and what happens below its callbacks: acknowledgements while it answers in parts, conversations
 * handed to the next client, an offer that is too small for it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectMilter } from '#milter/client';
import { systemClock } from '#gateway';
import { bytesOf, makeField } from '#message';
import { SMFIF, SMFIP, makeOffer } from '#milter/protocol';
import { ALL, BODY, skip, startEveryStep, summed } from './support/every-step.ts';
import { compiled, freePlace, guestAt } from './support/filter-program.ts';
import { Cleanup } from './support/folders.ts';
import { house } from './support/house.ts';
import { startOutbox } from './support/outbox.ts';
import { until } from './support/wait.ts';

/** Milliseconds for which a receiver may hold an acknowledgement back. */
const STALL = 40;

test(
  'an answer in parts over TCP is not held back: macros that say nothing carry the acknowledgement',
  { skip, timeout: 60_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const program = await compiled(cleanup, 'every-step');
    const place = (await freePlace(cleanup, 'tcp')) as number;
    const peer = await startEveryStep(cleanup, program, place, []);
    const sent: string[] = [];
    const talk = await connectMilter({
      endpoint: { kind: 'tcp', host: '127.0.0.1', port: place },
      tls: null,
      offer: makeOffer(6),
      ...{ timeoutConnect: 10_000, timeoutCommand: 10_000, timeoutData: 10_000, timeoutMessage: 0 },
      ...{ maxResponseSize: 100_000, maxBodySize: 100_000, maxEdits: 10 },
      ...{ pipeline: true, nudge: true, clock: systemClock },
      observer: {
        packet: ({ direction, code, bytes }) => {
          if (direction === 'sent') sent.push(code + Buffer.from(bytes.subarray(0, 1)).toString('latin1'));
        },
      },
    });
    cleanup.after(() => talk.destroy());
    const macros = (name: string): string | undefined => (name === 'i' ? 'Q1' : undefined);
    await talk.connect({ host: 'a.test', family: '4', port: 25, address: '192.0.2.1' }, macros);
    await talk.helo('a.test', macros);
    const took: number[] = [];
    const messages = 30;
    for (let n = 0; n < messages; n++) {
      const began = performance.now();
      await talk.mail('<a@out.test>', [], macros);
      await talk.rcpt('<b@in.test>', [], macros);
      await talk.data(macros);
      const content = talk.content(macros);
      void content.fields([makeField('Subject', ' x'), makeField('From', ' <a@out.test>')]);
      void content.endOfHeaders();
      void content.body(bytesOf(BODY));
      const { verdict, edits } = await content.end();
      took.push(performance.now() - began);
      assert.deepEqual([verdict.kind, edits.map((e) => e.kind)], ['continue', ['addHeader']]);
    }
    talk.quit();
    await until('the end of the conversation', 5000, () => peer.lines.at(-1) === 'close');
    // Each message whole, and none begun anew.
    assert.equal(peer.lines.filter((line) => line === `end ${summed(BODY)}|i`).length, messages);
    assert.equal(peer.lines.filter((line) => /^(?:abort|mail)/.test(line)).length, messages);
    // One set of macros comes before the end of each message; the others are the ones in question.
    const nudges = sent.filter((frame) => frame === 'DE').length - messages;
    assert.ok(nudges > 0, `${nudges} of them`);
    assert.equal(sent.filter((frame) => frame === 'DM').length, messages);
    const median = took.sort((a, b) => a - b)[messages / 2]!;
    t.diagnostic(`median ${median.toFixed(2)} ms, ${nudges} empty sets of macros in ${messages} messages`);
    assert.ok(median < STALL / 2, `median ${median} ms`);
  },
);

test(
  'a conversation is handed to the next client, and the filter knows it is another one',
  { skip, timeout: 60_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const program = await compiled(cleanup, 'every-step');
    for (const transport of ['tcp', 'unix'] as const) {
      const place = await freePlace(cleanup, transport);
      const peer = await startEveryStep(cleanup, program, place, []);
      const outbox = await startOutbox(cleanup);
      const h = await house(cleanup, [guestAt(place, { ...ALL, reuse: true })], {
        delivery: outbox.delivery,
      });
      const clients = 3;
      for (let n = 1; n <= clients; n++) {
        const client = await h.open();
        // The second one goes away within a message.
        if (n === 2) await client.command('MAIL FROM:<half@out.test>');
        else {
          const message = `Subject: ${n}\r\n\r\n${BODY}`;
          assert.equal((await client.transaction('a@out.test', ['b@in.test'], message)).reply.code, 250);
        }
        await client.quit();
        // Its end is told when the conversation is handed over.
        await until('the handing over', 5000, () => peer.lines.filter((l) => l === 'close').length === n);
      }
      const told = ['mail <a@out.test>|i', 'rcpt <b@in.test>', 'data', 'header Subject|N', 'eoh'];
      const whole = [...told, `end ${summed(BODY)}|i`];
      const client = (lines: readonly string[]): string[] => [
        ...['connect NAME|127.0.0.1', 'helo client.load.test', ...lines, 'unknown NOOP', 'close'],
      ];
      assert.deepEqual(
        peer.lines.map((line) => line.replace(/^header Subject\|\d/, 'header Subject|N')),
        [
          'offer 1ff 1fffff',
          ...client(whole),
          ...client(['mail <half@out.test>|i', 'abort']),
          ...client(whole),
        ],
      );
      assert.deepEqual(
        h.heard.filter(({ name }) => name === 'milter.failed' || name === 'milter.reuse-off'),
        [],
      );
    }
  },
);

test(
  'a library that hangs up because the offer is too small: the log says what to change',
  { skip, timeout: 60_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const program = await compiled(cleanup, 'every-step');
    const place = await freePlace(cleanup, 'tcp');
    // Without a negotiation of its own the library insists on every action of the filter, and on every step it leaves out.
    await startEveryStep(cleanup, program, place, ['-l', 'cmr']);
    for (const small of [{ flagsAction: SMFIF.ADDHDRS }, { flagsProtocol: SMFIP.NOHELO }]) {
      const h = await house(cleanup, [guestAt(place, { ...ALL, ...small })]);
      const client = await h.open();
      assert.equal((await client.command('MAIL FROM:<a@out.test>')).code, 451);
      const failed = h.heard.find(({ name }) => name === 'milter.failed');
      assert.equal(failed?.fields['kind'], 'negotiation');
      assert.match(
        String(failed.fields['error']),
        /closed the connection after the option offer: .*leave flagsAction and flagsProtocol out/,
      );
      await client.quit();
    }
  },
);
