/** Long command lines (S13) and long lines of text (S15), through the whole gateway to the next hop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { house } from './support/house.ts';
import { sameBytes, startOutbox, withoutTrace, type Outbox } from './support/outbox.ts';
import { SmtpSession } from './support/smtp-session.ts';

/** A gateway that sends on to a next hop, with these limits. */
async function gateway(cleanup: Cleanup, limits: Readonly<Record<string, unknown>>) {
  const outbox = await startOutbox(cleanup);
  const relay = { networks: ['127.0.0.0/8'], domains: ['in.test'] };
  const h = await house(cleanup, [], {
    listeners: [{ name: 'smtp', bind: '127.0.0.1:0', relay, limits }],
    delivery: outbox.delivery,
  });
  return { house: h, outbox };
}

const noop = (length: number): string => `NOOP ${'x'.repeat(length - 7)}\r\n`;

test('S13: command lines up to the limit are taken, longer ones are 500 5.5.2, and the session is in step', async (t) => {
  const cleanup = new Cleanup(t);
  for (const [limits, most] of [
    [{}, 2048],
    [{ maxCommandLine: 512 }, 512],
    [{ maxCommandLine: 65_536 }, 65_536],
  ] as const) {
    const session = await (await gateway(cleanup, limits)).house.open();
    for (const length of [512, 1000, 2048, 4096, 65_536, most - 1, most, most + 1]) {
      session.write(noop(length));
      const { code, text } = await session.reply();
      assert.equal(code, length <= most ? 250 : 500, `${length} of ${most}`);
      if (code === 500) assert.match(text, /^5\.5\.2 /);
    }
    assert.equal((await session.command('RSET')).code, 250);
    await session.quit();
  }
});

test('S13: a long line in pieces of any size is one line', async (t) => {
  const cleanup = new Cleanup(t);
  const session = await (await gateway(cleanup, { maxErrors: 1000 })).house.open();
  for (const piece of [1, 7, 1000, 2047, 2048, 3000]) {
    for (const length of [2048, 2049, 10_000]) {
      const line = noop(length);
      for (let at = 0; at < line.length; at += piece) {
        session.write(line.slice(at, at + piece));
        if (at % (piece * 64) === 0) await new Promise(setImmediate);
      }
      assert.equal((await session.reply()).code, length <= 2048 ? 250 : 500, `${length} in ${piece}`);
    }
  }
  await session.quit();
});

/** Sends one message; the reply to its final dot. */
async function sent(session: SmtpSession, body: string): Promise<string> {
  const content = `Subject: long\r\n\r\n${body}`;
  const { at, reply } = await session.transaction('a@out.test', ['b@in.test'], content);
  return `${at} ${reply.code} ${reply.text.split(' ')[0]}`;
}

/** The body that the next hop got as its `n`-th message, from 1. */
async function bodyAt(outbox: Outbox, n: number): Promise<string> {
  const { content } = await outbox.message(n);
  return withoutTrace(content).slice('R\r\nSubject: long\r\n\r\n'.length);
}

test('S15: lines of text of any length are passed on as they are, a body without any line end too', async (t) => {
  const cleanup = new Cleanup(t);
  const { house: h, outbox } = await gateway(cleanup, {});
  const session = await h.open();
  let count = 0;
  for (const length of [998, 999, 10_000, 1_000_000]) {
    const body = `first\r\n${'y'.repeat(length)}\r\nlast\r\n`;
    assert.equal(await sent(session, body), 'end 250 2.0.0');
    sameBytes(await bodyAt(outbox, ++count), body);
  }
  // The CRLF before the final dot belongs to the content.
  const endless = `${'z'.repeat(1_048_576)}\r\n`;
  assert.equal(await sent(session, endless), 'end 250 2.0.0');
  sameBytes(await bodyAt(outbox, ++count), endless);
  await session.quit();
});

test('S15: with a limit a longer line is 550 5.6.0, one at the limit is passed on, and the session goes on', async (t) => {
  const cleanup = new Cleanup(t);
  const { house: h, outbox } = await gateway(cleanup, { maxLineLength: 998 });
  const session = await h.open();
  for (const length of [999, 10_000, 1_000_000])
    assert.equal(await sent(session, `${'y'.repeat(length)}\r\n`), 'end 550 5.6.0', String(length));
  const body = `${'y'.repeat(998)}\r\n.${'d'.repeat(997)}\r\n`; // the dot that is put before it does not count
  assert.equal(await sent(session, body), 'end 250 2.0.0');
  sameBytes(await bodyAt(outbox, 1), body);
  assert.equal(outbox.taken.length, 1);
  await session.quit();
});
