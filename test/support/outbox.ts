/**
 * A next hop that keeps what it took, for tests that compare delivered messages byte for byte: as they went over the wire,
 * with CRLF line ends and without the fields that a mailbox adds.
 */
import type { Cleanup } from './folders.ts';
import { startNextHop, type TakenMessage } from './next-hop.ts';
import { freePort } from './ports.ts';
import { until } from './wait.ts';

/** What the next hop took so far, and the part of a gateway's configuration that sends everything there. */
export interface Outbox {
  readonly taken: readonly TakenMessage[];
  readonly delivery: Readonly<Record<string, unknown>>;
  /** The n-th message taken, from 1; waits for it. */
  message(n: number): Promise<TakenMessage>;
}

/** Starts it; it ends with the test. */
export async function startOutbox(cleanup: Cleanup): Promise<Outbox> {
  const port = await freePort();
  const taken: TakenMessage[] = [];
  await startNextHop(cleanup, port, (message) => {
    taken.push(message);
    return '250 2.0.0 ok';
  });
  return {
    taken,
    delivery: { routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${port}`], tls: 'off' }] },
    message: (n) => until(`message ${n} at the next hop`, 10_000, () => taken[n - 1], 5),
  };
}

/** The content with the gateway's own Received field, which holds id and time, written as `R`. Throws when it has none. */
export function withoutTrace(content: string): string {
  const own = /^Received: from [^\r\n]*(?:\r\n[ \t][^\r\n]*)*\(Millrace\)[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n/m;
  if (!own.test(content)) throw new Error(`no Received field of the gateway in\n${content.slice(0, 2000)}`);
  return content.replace(own, 'R\r\n');
}

/** Throws unless both are the same, with what stands around the first difference rather than all of it. */
export function sameBytes(actual: string, expected: string): void {
  if (actual === expected) return;
  let at = 0;
  while (at < actual.length && actual[at] === expected[at]) at++;
  const around = (text: string): string => JSON.stringify(text.slice(Math.max(0, at - 200), at + 200));
  throw new Error(
    `different from byte ${at} on (lengths ${actual.length} and ${expected.length})\n` +
      `actual:   …${around(actual)}\nexpected: …${around(expected)}`,
  );
}
