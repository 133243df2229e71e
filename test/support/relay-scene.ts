/**
 * A gateway in the test's process with scripted next hops behind it: each case has a domain, a route and hops of its own.
 *
 * Mail from the null sender (notices) goes to a Maildir, so that hops see nothing but what the test sends. Retries come after a
 * tenth of a second. Everything waited for is bounded.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { startHop, type HopScript, type ScriptedHop } from '../../src/smtp/client/scripted-hop.cases.ts';
import { tempFolder, type Cleanup } from './folders.ts';
import { house, type House } from './house.ts';
import { readMaildir, type StoredMessage } from './maildir.ts';
import { until } from './wait.ts';

/** Where the mail for one domain goes: hops in order, and more fields of the route. */
export interface Way {
  readonly hops: readonly HopScript[];
  readonly route?: Readonly<Record<string, unknown>>;
}

/** What a test looks at. */
export interface RelayScene {
  readonly house: House;
  /** Hops by domain. */
  readonly hops: Readonly<Record<string, readonly ScriptedHop[]>>;
  /** Sends a message from `sender` to local parts at a domain; it must be taken. */
  send(domain: string, locals: readonly string[], sender?: string, content?: string): Promise<void>;
  /** What was told about recipients of a domain: `failed 550 5.1.1 r2`. */
  told(domain: string): string[];
  /** Waits until so many recipients of a domain are delivered, failed or expired. */
  finished(domain: string, count: number): Promise<void>;
  /** Notices to senders. */
  notices(): Promise<StoredMessage[]>;
}

const FINAL = ['delivered', 'failed', 'expired'];

/** Starts it; `delivery` are more fields of that part of the configuration. */
export async function relayScene(
  cleanup: Cleanup,
  ways: Readonly<Record<string, Way>>,
  delivery: Readonly<Record<string, unknown>> = {},
): Promise<RelayScene> {
  const folder = await tempFolder(cleanup);
  const hops: Record<string, ScriptedHop[]> = {};
  const routes: unknown[] = [{ match: "sender == ''", via: 'maildir', to: join(folder, 'notices') }];
  for (const [domain, way] of Object.entries(ways)) {
    const started = await Promise.all(way.hops.map((s) => startHop(s)));
    cleanup.after(() => Promise.all(started.map((h) => h.close())));
    hops[domain] = started;
    const to = started.map((h, i) =>
      way.hops[i]!.path ? `unix:${way.hops[i]!.path}` : `127.0.0.1:${h.port}`,
    );
    routes.push({ match: `rcpt_domain == '${domain}'`, via: 'smtp', to, tls: 'off', ...way.route });
  }
  const running = await house(cleanup, [], { delivery: { routes, retry: ['100ms'], ...delivery } });
  const told = (domain: string): string[] =>
    running.heard.flatMap(({ name, fields }) => {
      const event = /^delivery\.(delivered|deferred|failed|expired)$/.exec(name)?.[1];
      const to = String(fields['to']);
      if (!event || !to.endsWith(`@${domain}`)) return [];
      const [, code, enhanced = ''] = /^(\d{3})(?: ([245]\.\d+\.\d+))?/.exec(String(fields['status'])) ?? [];
      return [[event, code, enhanced, to.slice(0, -domain.length - 1)].filter(Boolean).join(' ')];
    });
  return {
    house: running,
    hops,
    told,
    async send(domain, locals, sender = 'a@out.test', content = 'Subject: x\r\n\r\nbody\r\n') {
      const session = await running.open();
      const { reply } = await session.transaction(
        sender,
        locals.map((l) => `${l}@${domain}`),
        content,
      );
      assert.equal(reply.code, 250, reply.lines.join(' / '));
      await session.quit();
    },
    async finished(domain, count) {
      await until(
        `${count} recipients of ${domain} to be finished: ${told(domain).join(', ')}`,
        10_000,
        () => told(domain).filter((line) => FINAL.includes(line.split(' ')[0]!)).length >= count,
      );
    },
    notices: () => readMaildir(join(folder, 'notices')),
  };
}

/** Whether a command line has this verb. */
export const says = (line: string, verb: string): boolean => line.toUpperCase().startsWith(verb);
