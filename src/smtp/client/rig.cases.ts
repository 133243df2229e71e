/** What the tests of this folder share: a real clock, messages, and a pool towards scripted hops. */
import { bodyOf, bytesOf } from '#message';
import type { Body, Status } from '#message';
import type { Clock } from '#clock';
import { SmtpPool } from './pool.ts';
import type { PoolOptions } from './pool.ts';
import type { OutgoingMessage } from './commands.ts';
import type { ScriptedHop } from './scripted-hop.cases.ts';

/** The machine's clock, as `gateway` makes it. */
export const machineClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A message to these addresses. */
export function messageTo(
  addresses: readonly string[],
  more: Partial<OutgoingMessage> = {},
): OutgoingMessage {
  const header = bytesOf('From: a@test\r\nSubject: hi\r\n');
  const body: Body = more.body ?? bodyOf([bytesOf('line one\r\n.dot line\r\n')]);
  return {
    sender: 'from@test',
    senderParams: [],
    recipients: addresses.map((address) => ({ address, params: [] })),
    header,
    body,
    size: header.length + 2 + body.size,
    ...more,
  };
}

/** What a hop should have got of a message of `messageTo`. */
export const CONTENT = 'From: a@test\r\nSubject: hi\r\n\r\nline one\r\n.dot line\r\n';

/** A pool to hops in order; short waits. */
export function poolTo(
  hops: readonly Pick<ScriptedHop, 'port'>[],
  more: Partial<PoolOptions> = {},
  heard: string[] = [],
): SmtpPool {
  return new SmtpPool({
    hops: hops.map((h) => ({ name: '127.0.0.1', port: h.port, path: '' })),
    hostname: 'us.test',
    tls: 'off',
    timeouts: {
      command: 300,
      greeting: 300,
      mail: 300,
      rcpt: 300,
      data: 300,
      dot: 300,
      block: 300,
      tls: 500,
      quit: 200,
    },
    clock: machineClock,
    notices: (name) => heard.push(name),
    ...more,
  });
}

/** Codes of statuses. */
export const codes = (statuses: readonly Status[]): number[] => statuses.map((s) => s.code);
