/**
 * The filter test/filters/every-step.c, which writes down every step it is told of; the SMTP session that has every step in
 * it; and what the filter must have written of that session, whatever bits were agreed on.
 */
import { spelled, startFilter, type Place } from './filter-program.ts';
import type { Cleanup } from './folders.ts';
import type { House } from './house.ts';
import { sameBytes, withoutTrace, type Outbox } from './outbox.ts';
import { skipWithout, skipWithoutFiles } from './processes.ts';

/** For node:test's `skip`: what compiling it needs. */
export const skip = skipWithout('gcc') || skipWithoutFiles('/usr/include/libmilter/mfapi.h');

/** Every stage, and patience: a loaded machine is not what is tested. */
export const ALL = {
  stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'],
  timeoutConnect: '10s',
  timeoutCommand: '10s',
  timeoutData: '10s',
};

/** The steps, by the word the filter writes, with the bits that leave them out and that leave their answer out. */
export const STEPS = {
  connect: [0x1, 0x1000],
  helo: [0x2, 0x2000],
  mail: [0x4, 0x4000],
  rcpt: [0x8, 0x8000],
  body: [0x10, 0x80000],
  header: [0x20, 0x80],
  eoh: [0x40, 0x40000],
  unknown: [0x100, 0x20000],
  data: [0x200, 0x10000],
} as const;

/** All bits that leave a step out. */
export const ALL_NO = Object.values(STEPS).reduce((bits, [no]) => bits | no, 0);
/** All bits that leave an answer out. */
export const ALL_NR = Object.values(STEPS).reduce((bits, [, nr]) => bits | nr, 0);
export const HDR_LEADSPC = 0x100000;
export const RCPT_REJ = 0x800;
export const SKIP = 0x400;

export const HEAD = 'From: <a@out.test>\r\nSubject:no space\r\nX-Folded:  one\r\n\ttwo\r\nX-Empty:\r\n';
export const BODY = 'Hello\r\n.dot\r\n';
export const LONG = 'A line that fills the body up, chunk by chunk.\r\n'.repeat(3000);

/** The bytes as the filter sums them up. */
export function summed(body: string): string {
  let sum = 0;
  for (let i = 0; i < body.length; i++) sum = (Math.imul(sum, 31) + body.charCodeAt(i)) >>> 0;
  return `${body.length} ${sum}`;
}

/** A running filter and what it wrote, line by line. */
export interface Peer {
  readonly place: Place;
  readonly lines: string[];
}

/** Starts the filter; `lines` fills with what it writes. */
export async function startEveryStep(
  cleanup: Cleanup,
  program: string,
  place: Place,
  args: readonly string[],
): Promise<Peer> {
  const lines: string[] = [];
  await startFilter(cleanup, program, [spelled(place), ...args], place, {
    // The client's name is what this machine calls 127.0.0.1.
    onLine: (line) => void lines.push(line.replace(/^connect [^|]+/, 'connect NAME')),
  });
  return { place, lines };
}

/** What the filter must have written of the session below, with these bits agreed on. */
export function expected(bits: number, offer = '1ff 1fffff'): string[] {
  const fields = ['From|<a@out.test>', 'Subject|no space', 'X-Folded| one\\n\\ttwo', 'X-Empty|'].map(
    (field) => `header ${field}`,
  );
  const leading = ['From| <a@out.test>', 'Subject|no space', 'X-Folded|  one\\n\\ttwo', 'X-Empty|'].map(
    (field) => `header ${field}`,
  );
  const header = bits & HDR_LEADSPC ? leading : fields;
  const end = (body: string): string => `end ${summed(bits & STEPS.body[0] ? '' : body)}|i`;
  // A message of which the filter was told nothing yet needs no ABORT.
  const abort = bits & STEPS.mail[0] && bits & STEPS.rcpt[0] ? [] : ['abort'];
  const whole = [
    `offer ${offer}`,
    'connect NAME|127.0.0.1',
    'helo client.load.test',
    ...['mail <a@out.test>|i', 'rcpt <b@in.test>', ...abort],
    'unknown FOO bar',
    ...['mail <a@out.test> SIZE=100 BODY=8BITMIME|i', 'rcpt <b@in.test>', 'rcpt <C@in.test>'],
    ...['data', ...header, 'eoh', end(BODY)],
    ...['mail <>|i', 'rcpt <b@in.test>', 'data', ...header, 'eoh', end('')],
    ...['mail <a@out.test>|i', 'rcpt <b@in.test>', 'data', ...header, 'eoh', end(LONG)],
    'close',
  ];
  const out = Object.entries(STEPS).filter(([, [no]]) => bits & no);
  return whole.filter((line) => !out.some(([step]) => line.startsWith(step)));
}

/** One SMTP session with everything in it that makes a step. */
export async function session(h: House): Promise<void> {
  const client = await h.open();
  const say = async (line: string, code: number): Promise<void> => {
    await client.expect(code, await client.command(line));
  };
  const content = async (body: string): Promise<void> => {
    await say('DATA', 354);
    client.write(`${HEAD}\r\n${body.replaceAll('\r\n.', '\r\n..')}.\r\n`);
    await client.expect(250, await client.reply());
  };
  await say('MAIL FROM:<a@out.test>', 250);
  await say('RCPT TO:<b@in.test>', 250);
  await say('RSET', 250);
  await say('FOO bar', 500);
  await say('MAIL FROM:<a@out.test> SIZE=100 BODY=8BITMIME', 250);
  await say('RCPT TO:<b@in.test>', 250);
  await say('RCPT TO:<C@in.test>', 250);
  await content(BODY);
  await say('MAIL FROM:<>', 250);
  await say('RCPT TO:<b@in.test>', 250);
  await content('');
  await say('MAIL FROM:<a@out.test>', 250);
  await say('RCPT TO:<b@in.test>', 250);
  await content(LONG);
  await client.quit();
}

/** Compares the three messages of the session with what the next hop must have got. */
export async function delivered(outbox: Outbox, bits: number): Promise<void> {
  const added = bits & HDR_LEADSPC ? 'X-Steps:all\r\n' : 'X-Steps: all\r\n';
  for (const [n, body] of [BODY, '', LONG].entries())
    sameBytes(withoutTrace((await outbox.message(n + 1)).content), `R\r\n${HEAD}${added}\r\n${body}`);
}
