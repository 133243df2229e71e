/**
 * A scene for tests with faulty filters: a gateway, its filters, and a next hop that keeps every message it is given.
 *
 * The gateway runs in the test's process (house.ts), or as a process of its own when the test looks at its memory or its
 * descriptors. Time-outs are those of the reliability tests: connect 2 s, command 2 s, answer 3 s. Every look-up is bounded.
 */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { tempFolder, type Cleanup } from './folders.ts';
import { Gateway } from './gateway.ts';
import { house } from './house.ts';
import type { TakenMessage } from './next-hop.ts';
import { startOutbox } from './outbox.ts';
import { freePorts } from './ports.ts';
import type { ScriptedFilter } from './scripted-filter.ts';
import { SmtpSession, type Reply } from './smtp-session.ts';
import { until } from './wait.ts';

/** Filter time-outs in milliseconds, and how much later than these a client may be answered. */
export const TIMEOUTS = { connect: 2000, command: 2000, data: 3000 } as const;
export const GRACE = 1000;

/** Fields of a milter of the configuration that every test here sets. */
export const MILTER = {
  timeoutConnect: `${TIMEOUTS.connect}ms`,
  timeoutCommand: `${TIMEOUTS.command}ms`,
  timeoutData: `${TIMEOUTS.data}ms`,
  stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'],
};

/** One filter of the chain; address and more fields of its configuration object. */
export type MilterFields = Readonly<Record<string, unknown>>;

/** A notice, from the sink or from a line of the log. */
export interface Noticed {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a test looks at. */
export interface Scene {
  readonly port: number;
  /** Messages the next hop has taken. */
  readonly taken: readonly TakenMessage[];
  /** Notices of these names so far. */
  noticed(...events: string[]): readonly Noticed[];
}

/** A scene whose gateway is a process. */
export interface ProcessScene extends Scene {
  readonly gateway: Gateway;
  /** Resident bytes now. */
  rss(): Promise<number>;
  /** Most resident bytes since `forgetPeak`. */
  peak(): Promise<number>;
  forgetPeak(): Promise<void>;
  /** Open descriptors. */
  descriptors(): Promise<number>;
}

/** More of the configuration, and of its listener. */
export interface SceneOptions {
  readonly more?: Readonly<Record<string, unknown>>;
  readonly listener?: Readonly<Record<string, unknown>>;
  readonly wrap?: (command: readonly string[]) => readonly string[];
}

/** A filter's address as fields of a milter. */
export function at(filter: ScriptedFilter, more: MilterFields = {}): MilterFields {
  return { name: 'f', hostname: '127.0.0.1', port: filter.port, ...MILTER, ...more };
}

/** Starts a gateway in this process. */
export async function scene(
  cleanup: Cleanup,
  milters: readonly MilterFields[],
  { more = {}, listener = {} }: SceneOptions = {},
): Promise<Scene> {
  const { taken, delivery } = await startOutbox(cleanup);
  const { port, heard } = await house(cleanup, [], {
    listeners: [{ ...LISTENER, bind: '127.0.0.1:0', ...listener }],
    delivery: { ...delivery, retry: ['1s'] },
    milters,
    ...more,
  });
  const noticed = (...events: string[]) =>
    heard
      .filter((n) => events.includes(n.name))
      .map((n): Noticed => ({ event: n.name, fields: { ...n.fields } }));
  return { port, taken, noticed };
}

/** Starts a gateway as a process. */
export async function processScene(
  cleanup: Cleanup,
  milters: readonly MilterFields[],
  { more = {}, listener = {}, wrap }: SceneOptions = {},
): Promise<ProcessScene> {
  const { taken, delivery } = await startOutbox(cleanup);
  const folder = await tempFolder(cleanup);
  const [port = 0] = await freePorts(1);
  const gateway = await Gateway.start(cleanup, {
    folder,
    ports: [port],
    ...(wrap && { wrap }),
    configuration: JSON.stringify({
      hostname: 'mx.test',
      stateDir: join(folder, 'state'),
      listeners: [{ ...LISTENER, bind: `127.0.0.1:${port}`, ...listener }],
      delivery: { ...delivery, retry: ['1s'] },
      milters,
      ...more,
    }),
  });
  const proc = (file: string): string => `/proc/${gateway.process.pid}/${file}`;
  const status = async (key: string): Promise<number> => {
    const found = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(await readFile(proc('status'), 'utf8'));
    return Number(found?.[1]) * 1024;
  };
  return {
    port,
    taken,
    gateway,
    noticed: (...events) =>
      gateway.log
        .filter((line) => events.includes(String(line['event'])))
        .map((line) => ({ event: String(line['event']), fields: line })),
    rss: () => status('VmRSS'),
    peak: () => status('VmHWM'),
    forgetPeak: () => writeFile(proc('clear_refs'), '5'),
    descriptors: async () => (await readdir(proc('fd'))).length,
  };
}

const LISTENER = { name: 'smtp', relay: { networks: ['127.0.0.0/8'], domains: ['in.test'] } };

/** One command (or the greeting, or the content) and its reply. */
export interface Step {
  readonly at: 'greeting' | 'ehlo' | 'mail' | 'rcpt' | 'data' | 'end';
  readonly reply: Reply;
  readonly ms: number;
}

/** A message to send. */
export interface Letter {
  readonly sender?: string;
  readonly recipients?: readonly string[];
  /** CRLF line ends, no line that begins with a dot. */
  readonly content?: string;
}

/** What `walk` sends unless told otherwise. */
export const CONTENT = 'From: <a@out.test>\r\nSubject: one\r\nTo: <b@in.test>\r\n\r\nbody\r\n';

/** How far a client came. */
export interface Walk {
  readonly session: SmtpSession;
  readonly steps: readonly Step[];
  /** The last step: the first refusal, or the answer to the content. */
  readonly last: Step;
}

/** Connects and sends a letter step by step, up to the first refusal; the session stays open. */
export async function walk(cleanup: Cleanup, port: number, letter: Letter = {}): Promise<Walk> {
  const session = SmtpSession.open(port);
  cleanup.after(() => session.drop());
  const steps: Step[] = [];
  const take = async (name: Step['at'], act: () => Promise<Reply>): Promise<boolean> => {
    const began = performance.now();
    const reply = await act();
    steps.push({ at: name, reply, ms: performance.now() - began });
    return reply.code < 400;
  };
  const going =
    (await take('greeting', () => session.reply())) &&
    (await take('ehlo', () => session.command('EHLO client.test')));
  if (going) steps.push(...(await send(session, letter)));
  return { session, steps, last: steps.at(-1)! };
}

/** Sends a letter in an open session, up to the first refusal. */
export async function send(session: SmtpSession, letter: Letter = {}): Promise<readonly Step[]> {
  const { sender = 'a@out.test', recipients = ['b@in.test'], content = CONTENT } = letter;
  const steps: Step[] = [];
  const take = async (name: Step['at'], act: () => Promise<Reply>): Promise<boolean> => {
    const began = performance.now();
    const reply = await act();
    steps.push({ at: name, reply, ms: performance.now() - began });
    return reply.code < 400;
  };
  if (!(await take('mail', () => session.command(`MAIL FROM:<${sender}>`)))) return steps;
  for (const recipient of recipients)
    if (!(await take('rcpt', () => session.command(`RCPT TO:<${recipient}>`)))) return steps;
  if (!(await take('data', () => session.command('DATA')))) return steps;
  await take('end', () => {
    session.write(`${content}.\r\n`);
    return session.reply();
  });
  return steps;
}

/** The session is in step: each of three commands gets its own reply and nothing else is waiting. */
export async function inStep(session: SmtpSession): Promise<void> {
  session.write('NOOP\r\nVRFY x\r\nNOOP\r\n');
  const codes = [await session.reply(), await session.reply(), await session.reply()].map((r) => r.code);
  assert.deepEqual(codes, [250, 252, 250], 'the session is out of step');
}

/**
 * The fault reply (P17): with tempFailOnError 451 or 421 with 4.7.1 and never a 2xx for the content; without it the message is
 * taken as if the filter were absent. No step took longer than the filter may keep silent, plus a second. Returns the last step.
 */
export function faultReply({ steps, last }: Walk, tempFailOnError: boolean): Step {
  for (const { at: name, ms } of steps) {
    const limit = (name === 'end' ? TIMEOUTS.data : TIMEOUTS.command) + GRACE;
    assert.ok(ms <= limit, `${name} was answered after ${ms.toFixed(0)} ms; the limit is ${limit}`);
  }
  const said = last.reply.lines.join(' / ');
  if (tempFailOnError) assert.match(said, /^4[25]1 4\.7\.1 /, `at ${last.at}`);
  else assert.equal(`${last.at} ${last.reply.code}`, 'end 250', said);
  return last;
}

/** Notices of filters that failed, each as `name kind`. */
export function failures(s: Scene): string[] {
  return s
    .noticed('milter.failed')
    .map(({ fields }) => `${String(fields['milter'])} ${String(fields['kind'])}`);
}

/**
 * The canary: within `limitMs` a normal message on a new connection arrives at the next hop, filtered again. Until then
 * tempFailOnError says 451 and lets nothing pass unfiltered; without it every message is taken. No error of ours was noticed.
 */
export async function canary(
  cleanup: Cleanup,
  s: Scene,
  tempFailOnError: boolean,
  limitMs = 5000,
  marker: string | null = 'good',
): Promise<void> {
  let tries = 0;
  await until(
    'the canary to arrive, filtered',
    limitMs,
    async () => {
      const id = `canary${++tries}`;
      const content = `Subject: ${id}\r\n\r\ncheep\r\n`;
      const { session, last } = await walk(cleanup, s.port, { sender: `${id}@out.test`, content });
      await session.quit();
      const said = `${last.at} ${last.reply.lines.join(' / ')}`;
      if (tempFailOnError && last.reply.code !== 250) {
        assert.match(said, /^\w+ 4[25]1 4\.7\.1 /);
        return false;
      }
      assert.match(said, /^end 250 /);
      const came = await until(`${id} to arrive`, 5000, () =>
        s.taken.find((m) => m.sender === `${id}@out.test`),
      );
      assert.ok(came.content.endsWith('\r\n\r\ncheep\r\n'));
      if (marker === null) return true;
      const filtered = came.content.includes(`\r\nX-Filter-Marker: ${marker}\r\n`);
      if (tempFailOnError) assert.ok(filtered, 'nothing passes unfiltered');
      return filtered;
    },
    50,
  );
  assert.deepEqual(s.noticed('smtp.internal-error', 'gateway.fault', 'message.not-stored'), []);
}

/** The message without the trace field that the gateway put on top. */
export function untraced(content: string): string {
  const found = /^Received: [^\r]*(?:\r\n[ \t][^\r]*)*\r\n/.exec(content);
  assert.ok(found && found[0].includes('by mx.test (Millrace)'), content.slice(0, 300));
  return content.slice(found[0].length);
}
