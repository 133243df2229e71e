/**
 * A gateway as a process with a crowd before its door: what the tests of its limits under load share.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Crowd, type Visitor } from './crowd.ts';
import { Cleanup, tempFolder } from './folders.ts';
import { Gateway } from './gateway.ts';
import { freePorts } from './ports.ts';
import { SmtpSession } from './smtp-session.ts';

/** What a test wants of its gateway. */
export interface Wanted {
  readonly listener?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly wrap?: (command: readonly string[]) => readonly string[];
}

/** A gateway that throws away what it accepted and whose log says nothing below a warning, unless told otherwise. */
export async function start(t: TestContext, { listener, more, wrap }: Wanted) {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const [port = 0] = await freePorts(1);
  const configuration = JSON.stringify({
    hostname: 'mx.test',
    stateDir: join(folder, 'state'),
    listeners: [{ name: 'smtp', bind: `127.0.0.1:${port}`, relay: { domains: ['in.test'] }, ...listener }],
    delivery: { routes: [{ match: 'true', via: 'discard' }] },
    log: { level: 'warn' },
    ...more,
  });
  const setup = { folder, configuration, ports: [port], ...(wrap && { wrap }) };
  const gateway = await Gateway.start(cleanup, setup);
  const crowd = new Crowd(cleanup, port);
  return { cleanup, folder, port, gateway, crowd };
}

/** A small message. */
export const CONTENT = 'Subject: one\r\n\r\nbody\r\n';

/** One honest client's whole visit; throws when it is not served. Its time from dot to 250 in milliseconds. */
export async function honest(port: number, content = CONTENT): Promise<number> {
  const session = await SmtpSession.greeted(port);
  const began = performance.now();
  const { at, reply } = await session.transaction('a@out.test', ['b@in.test'], content);
  const took = performance.now() - began;
  assert.equal(`${at} ${reply.code}`, 'end 250');
  await session.quit();
  return took;
}

/** What nine hundred and ninety of a thousand stay below. */
export function p99(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? NaN;
}

/** One of many loopback addresses. */
export const addressOf = (n: number): string => `127.0.${1 + (n >> 8)}.${n & 255}`;
/** How many were told what: 220, or code and enhanced code. */
export const codesOf = (came: readonly (readonly [Visitor, string])[]): Record<string, number> => {
  const codes: Record<string, number> = {};
  for (const [, line] of came) {
    const code = /^220|^\d{3} \d\.\d\.\d/.exec(line)?.[0] ?? line;
    codes[code] = (codes[code] ?? 0) + 1;
  }
  return codes;
};
