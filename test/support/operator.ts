/**
 * What an operator has: the program's queue commands, on a gateway that relays to a next hop which puts everything off until it is
 * told otherwise.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder, type Cleanup } from './folders.ts';
import { Gateway, gatewayCommand } from './gateway.ts';
import { startNextHop, type TakenMessage } from './next-hop.ts';
import { freePorts } from './ports.ts';
import { run } from './processes.ts';
import { SmtpSession } from './smtp-session.ts';
import { until } from './wait.ts';

/** What became of an order, as the command tells. */
export interface Result {
  readonly id: string;
  readonly result: string;
  readonly as?: string;
}

/** What a command said. */
export interface Said {
  readonly code: number | null;
  readonly out: readonly string[];
  readonly errors: string;
}

/** Runs a command of the program in a folder with a configuration. */
export async function millrace(folder: string, ...args: readonly string[]): Promise<Said> {
  return millraceWith(folder, {}, ...args);
}

/** The same with variables in its environment. */
export async function millraceWith(
  folder: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Said> {
  const [program = '', ...before] = gatewayCommand();
  const out: string[] = [];
  const onLine = (line: string): void => void (line !== '' && out.push(line));
  const made = await run('millrace', program, [...before, ...args], { cwd: folder, onLine, env });
  return { code: made.code, out, errors: made.output };
}

/** The JSON objects among lines. */
export const json = <T>(lines: readonly string[]): T[] =>
  lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as T);

/** Lets a client send `count` messages; their queue ids. */
export async function send(port: number, count: number, to = 'b@in.test'): Promise<string[]> {
  const session = await SmtpSession.greeted(port);
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const { reply } = await session.transaction('a@out.test', [to], `Subject: ${n}\r\n\r\nbody ${n}\r\n`);
    assert.equal(reply.code, 250);
    ids.push(/queued as (\w+)/.exec(reply.text)![1]!);
  }
  await session.quit();
  return ids;
}

/** A gateway that relays to a next hop, which puts everything off until `answer` is another one. */
export async function relaying(cleanup: Cleanup, more: object = {}) {
  const folder = await tempFolder(cleanup);
  const [port = 0, hopPort = 0, admin = 0] = await freePorts(3);
  const hop = { answer: '451 4.2.0 later', taken: [] as TakenMessage[] };
  await startNextHop(cleanup, hopPort, (message) => {
    if (hop.answer.startsWith('2')) hop.taken.push(message);
    return hop.answer;
  });
  const configuration = JSON.stringify({
    hostname: 'mx.test',
    stateDir: './state',
    listeners: [{ name: 'smtp', bind: `127.0.0.1:${port}`, relay: { domains: ['in.test', 'other.test'] } }],
    delivery: {
      routes: [
        { match: "source == 'dsn'", via: 'maildir', to: './notices' },
        { match: 'true', via: 'smtp', to: [`127.0.0.1:${hopPort}`] },
      ],
      retry: ['1h'],
    },
    admin: { bind: `127.0.0.1:${admin}` },
    ...more,
  });
  const gateway = await Gateway.start(cleanup, { folder, configuration, ports: [port] });
  await until('the control socket', 5000, () => existsSync(join(folder, 'state/control.sock')));
  return { gateway, folder, port, hop, admin };
}

/** The answer of a next hop that takes a message. */
export const TAKES = '250 2.0.0 taken';
/** Recipients of what was taken, sorted. */
export const recipientsOf = (taken: readonly TakenMessage[]): string[] =>
  taken.flatMap((m) => m.recipients).toSorted();

/** Waits until so many messages wait to be tried again. */
export async function deferred(gateway: Gateway, count: number): Promise<void> {
  await until('all messages to wait', 10_000, async () => {
    const waiting = (await gateway.queue()).filter(
      (e) => e.state === 'queued' && Date.parse(e.nextAttempt!) > Date.now(),
    );
    return waiting.length === count;
  });
}
