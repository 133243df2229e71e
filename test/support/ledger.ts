/**
 * The ledger: what a sender was told, what the next hop took, and when the gateway was killed. Three witnesses outside the
 * gateway; the checker compares them.
 *
 * Every entry is on disk before the step it speaks of is answered. Times are milliseconds of one clock (performance.now of
 * the test process).
 */
import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { SyncedLog } from './synced-log.ts';

/** What the sender knows about one recipient: acked (2xx seen), refused (4xx, 5xx seen), unknown (connection lost). */
export type Verdict = 'acked' | 'refused' | 'unknown';

/** One message that was sent, once. A message is never sent a second time under the same id. */
export interface Sent {
  readonly id: string;
  /** Hash of the message as the next hop must get it, trace and filter fields left out. */
  readonly hash: string;
  readonly recipients: ReadonlyMap<string, Verdict>;
}

/** One copy that the next hop took, for one recipient. */
export interface Delivered {
  readonly id: string;
  readonly recipient: string;
  readonly hash: string;
  /** When the next hop answered 250 (before the answer was written). */
  readonly at: number;
}

/** A kill: the signal was sent after `from`, the process was gone at `to`. */
export interface Kill {
  readonly from: number;
  readonly to: number;
}

/** A recipient that the queue still holds. */
export interface Queued {
  readonly recipient: string;
}

/** All that the checker judges. */
export interface Evidence {
  readonly sent: readonly Sent[];
  readonly delivered: readonly Delivered[];
  readonly queued: readonly Queued[];
  readonly kills: readonly Kill[];
}

/** Writes the evidence down as it happens. */
export class Ledger {
  readonly sent = new Map<string, Sent>();
  readonly delivered: Delivered[] = [];
  readonly kills: Kill[] = [];
  readonly #log: SyncedLog;

  private constructor(log: SyncedLog) {
    this.#log = log;
  }

  static async open(path: string): Promise<Ledger> {
    return new Ledger(await SyncedLog.open(path));
  }

  /** Before anything is sent. Until more is known every recipient is `unknown`. */
  async sending(id: string, hash: string, recipients: readonly string[]): Promise<void> {
    this.sent.set(id, { id, hash, recipients: new Map(recipients.map((r) => [r, 'unknown'])) });
    await this.#log.add({ sending: id, hash, recipients });
  }

  /** After a reply that decided about these recipients. */
  async told(id: string, recipients: readonly string[], verdict: Verdict, reply: number): Promise<void> {
    const sent = this.sent.get(id);
    if (!sent) throw new Error(`no message ${id} in the ledger`);
    const known = new Map(sent.recipients);
    for (const recipient of recipients) known.set(recipient, verdict);
    this.sent.set(id, { ...sent, recipients: known });
    await this.#log.add({ told: id, recipients, verdict, reply });
  }

  /** Before the next hop answers 250. */
  async taken(id: string, recipients: readonly string[], hash: string): Promise<void> {
    const at = performance.now();
    for (const recipient of recipients) this.delivered.push({ id, recipient, hash, at });
    await this.#log.add({ taken: id, recipients, hash, at });
  }

  async killed(kill: Kill): Promise<void> {
    this.kills.push(kill);
    await this.#log.add({ killed: kill });
  }

  /** Everything known so far, with what the queue holds. */
  evidence(queued: readonly Queued[]): Evidence {
    return {
      sent: [...this.sent.values()],
      delivered: [...this.delivered],
      queued,
      kills: [...this.kills],
    };
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

/** Fields a gateway and the test's filter may add; they are left out before hashing. */
const ADDED = /^(received|return-path|delivered-to|x-filter-marker):/i;

/** The hash that both witnesses take: of all bytes but the fields that a gateway may add, line ends included. */
export function hashOf(message: string): string {
  const blank = message.startsWith('\r\n') ? 0 : message.indexOf('\r\n\r\n') + 2;
  const fields = message
    .slice(0, blank)
    .split(/\r\n(?![ \t])/)
    .filter((field) => !ADDED.test(field));
  return createHash('sha256')
    .update(fields.join('\r\n') + message.slice(blank), 'latin1')
    .digest('hex');
}
