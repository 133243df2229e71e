/**
 * The load generator where no C compiler is there: the options and the output of c/smtpload.c, in one Node process. Slower
 * than the C program, so what it measures is a lower bound.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { SmtpSession, stuffed } from '../test/support/smtp-session.ts';
import { pause } from '../test/support/wait.ts';

/** Bytes of one write of a paced message. */
const PACED = 16_384;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    s: { type: 'string', short: 's', default: '1' },
    m: { type: 'string', short: 'm', default: '100' },
    w: { type: 'string', short: 'w', default: '0' },
    l: { type: 'string', short: 'l', default: '4096' },
    f: { type: 'string', short: 'f', default: '5' },
    r: { type: 'string', short: 'r', default: '0' },
    c: { type: 'boolean', short: 'c', default: false },
    g: { type: 'boolean', short: 'g', default: false },
  },
});
const port = Number(positionals[0]);
const sessions = Number(values.s);
const pace = Number(values.r);
const content = makeContent(Number(values.l), Number(values.f));
const dot: number[] = [];
const message: number[] = [];
const open: (SmtpSession | undefined)[] = Array.from({ length: sessions }, () => undefined);
let errors = 0;
let lastError = '';

await round(Number(values.w), false);
if (values.g) {
  console.log('ready');
  await new Promise((resolve) => process.stdin.once('data', resolve));
}
const began = performance.now();
await round(Number(values.m), true);
const seconds = (performance.now() - began) / 1000;
await Promise.all(open.filter((session) => session !== undefined).map((session) => session.quit()));
console.log(
  JSON.stringify({
    sessions,
    messages: message.length,
    errors,
    bytes: content.length,
    seconds,
    rate: message.length / seconds,
    dot: distribution(dot),
    message: distribution(message),
    lastError,
  }),
);
process.exit(errors > 0 ? 1 : 0);

/** Sends `count` messages over all sessions together. */
async function round(count: number, measured: boolean): Promise<void> {
  let taken = 0;
  const work = async (slot: number): Promise<void> => {
    while (taken < count && errors < 200) {
      taken += 1;
      try {
        await one(slot, measured);
      } catch (error) {
        errors += 1;
        lastError = String(error).split('\n')[0] ?? '';
        open[slot]?.drop();
        open[slot] = undefined;
      }
    }
  };
  await Promise.all(open.map((_session, slot) => work(slot)));
}

async function one(slot: number, measured: boolean): Promise<void> {
  let from = performance.now();
  const session = open[slot] ?? (await SmtpSession.greeted(port, 'load.test', 120_000));
  open[slot] = session;
  if (!values.c) from = performance.now();
  await session.expect(250, await session.command('MAIL FROM:<a@load.test>'));
  await session.expect(250, await session.command('RCPT TO:<r@sink.test>'));
  await session.expect(354, await session.command('DATA'));
  if (pace > 0) await sendPaced(session);
  const sent = performance.now();
  session.write(pace > 0 ? '.\r\n' : content + '.\r\n');
  await session.expect(250, await session.reply());
  const done = performance.now();
  if (measured) {
    dot.push(done - sent);
    message.push(done - from);
  }
  if (values.c) {
    await session.quit();
    open[slot] = undefined;
  }
}

/** Writes the content at the pace that was asked for, by the clock, so that delays do not add up. */
async function sendPaced(session: SmtpSession): Promise<void> {
  const began = performance.now();
  for (let sent = 0; sent < content.length; sent += PACED) {
    const due = began + (sent * 8) / (pace * 1000);
    await pause(Math.max(0, due - performance.now()));
    session.write(content.slice(sent, sent + PACED));
  }
}

function distribution(milliseconds: number[]): Record<'p50' | 'p90' | 'p99' | 'max', number> {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

function makeContent(bytes: number, fields: number): string {
  const more = Array.from(
    { length: fields - 5 },
    (_, i) => `X-Bench-${i + 6}: one more field of the header\r\n`,
  );
  const header =
    'From: Load <a@load.test>\r\nTo: Sink <r@sink.test>\r\nSubject: a message of the bench\r\n' +
    'Date: Mon, 06 Jan 2025 10:00:00 +0000\r\nMessage-ID: <bench@load.test>\r\n' +
    more.join('') +
    '\r\n';
  const line = 'alpha gateway message filter queue delivery header simple loopback\r\n';
  const body = line.repeat(Math.ceil(Math.max(0, bytes - header.length) / line.length));
  return stuffed((header + body).slice(0, Math.max(header.length + 2, bytes) - 2) + '\r\n');
}
