/**
 * A gateway as a process between senders and a next hop that write everything into one ledger: what the durability tests share.
 *
 * The next hop writes down what it takes before it answers; it can be told to answer otherwise. `settle` stops the senders, waits
 * until the queue is empty, and fails on every message that is lost, refused but delivered, changed, made up or doubled.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { check, faults, summary, type Findings } from './checker.ts';
import { Cleanup, tempFolder } from './folders.ts';
import { Gateway, type LogLine, type QueueLine } from './gateway.ts';
import { hashOf, Ledger } from './ledger.ts';
import { startNextHop, type TakenMessage } from './next-hop.ts';
import { freePorts } from './ports.ts';
import { Random, seed } from './random.ts';
import { Senders } from './senders.ts';
import { until } from './wait.ts';

/** What a trial may have of its own. */
export interface Terms {
  /** Where the gateway's state is; default below the test's folder. */
  readonly stateDir?: string;
  readonly wrap?: (command: readonly string[]) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly listener?: Readonly<Record<string, unknown>>;
  readonly delivery?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** How much is sent. */
export interface Load {
  readonly sessions: number;
  readonly size?: readonly [number, number];
  readonly recipients?: readonly [number, number];
}

/** Sender of the normal messages that besieged.ts sends to see whether all is well; they are not in the ledger. */
const CANARY = 'a@out.test';

export class Trial {
  readonly cleanup: Cleanup;
  readonly folder: string;
  readonly stateDir: string;
  readonly port: number;
  readonly ledger: Ledger;
  readonly random: Random;
  gateway!: Gateway;
  /** What the next hop says to a final dot instead of taking the message; null: it takes it. */
  answer: string | null | ((message: TakenMessage) => string | null) = null;
  /** While this is set it says nothing to a final dot, ever, and takes nothing. */
  silent = false;
  /** Messages that came to it, whatever became of them. */
  offered = 0;
  /** Recipients that notices of failure speak of, as the next hop got them. */
  readonly bounced: string[] = [];
  readonly #t: TestContext;
  readonly #terms: Terms;
  readonly #hop: number;
  readonly #senders: Senders[] = [];

  private constructor(
    t: TestContext,
    cleanup: Cleanup,
    folder: string,
    terms: Terms,
    ports: number[],
    ledger: Ledger,
  ) {
    const from = seed();
    t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
    this.#t = t;
    this.#terms = terms;
    this.cleanup = cleanup;
    this.folder = folder;
    this.stateDir = terms.stateDir ?? join(folder, 'state');
    this.port = ports[0]!;
    this.#hop = ports[1]!;
    this.ledger = ledger;
    this.random = new Random(from);
  }

  /** Starts the next hop and the gateway. */
  static async start(t: TestContext, terms: Terms = {}, cleanup: Cleanup = new Cleanup(t)): Promise<Trial> {
    const folder = await tempFolder(cleanup);
    const ledger = await Ledger.open(join(folder, 'ledger'));
    cleanup.after(() => ledger.close());
    const trial = new Trial(t, cleanup, folder, terms, await freePorts(2), ledger);
    await startNextHop(cleanup, trial.#hop, (message) => trial.#take(message));
    const { port, gateway } = { port: trial.port, gateway: trial.configuration() };
    const { wrap, env } = terms;
    trial.gateway = await Gateway.start(cleanup, {
      folder,
      configuration: gateway,
      ports: [port],
      ...(wrap && { wrap }),
      ...(env && { env }),
    });
    return trial;
  }

  /** The configuration, with other top-level keys in the place of these. */
  configuration(other: Readonly<Record<string, unknown>> = {}): string {
    const { listener, delivery, more } = this.#terms;
    return JSON.stringify({
      hostname: 'gateway.test',
      stateDir: this.stateDir,
      listeners: [
        {
          name: 'smtp',
          bind: `127.0.0.1:${this.port}`,
          relay: { networks: ['127.0.0.0/8'], domains: ['in.test'] },
          maxConnectionsPerClient: 300,
          ...listener,
        },
      ],
      delivery: {
        routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${this.#hop}`] }],
        retry: ['1s'],
        ...delivery,
      },
      log: { level: 'info', format: 'json' },
      ...more,
      ...other,
    });
  }

  /** Begins to send. Messages have 2 to 40 kB and 1 to 5 recipients unless told otherwise. */
  send({ sessions, size = [2000, 40_000], recipients = [1, 5] }: Load): Senders {
    const { port, ledger, random } = this;
    const senders = new Senders({ port, ledger, random, sessions, size, recipients, domain: 'in.test' });
    this.#senders.push(senders);
    this.cleanup.after(() => senders.stop());
    return senders;
  }

  /** What senders were refused with, other than 421; each once. */
  get refusals(): readonly string[] {
    return [...new Set(this.#senders.flatMap((senders) => senders.surprises))];
  }

  /** Recipients whose final dot was answered 250. */
  get acknowledged(): number {
    let n = 0;
    for (const { recipients } of this.ledger.sent.values())
      for (const verdict of recipients.values()) if (verdict === 'acked') n++;
    return n;
  }

  /** What the log says of this event, oldest first. */
  said(event: string): readonly LogLine[] {
    return this.gateway.log.filter((line) => line['event'] === event);
  }

  /** Stops all senders, waits until everything has left, and judges. At least `least` recipients must have been acknowledged. */
  async settle(least = 20, limitMs = 30_000): Promise<Findings> {
    await Promise.all(this.#senders.map((senders) => senders.stop()));
    await until('the queue to be empty', limitMs, async () => (await this.pending()).length === 0, 250);
    return this.judge(least, []);
  }

  /** What waits for delivery, as `queue list` tells. */
  async pending(): Promise<readonly QueueLine[]> {
    return this.gateway.queue();
  }

  /** Compares the ledger with the queue as it is. A recipient that a notice speaks of is not lost. */
  judge(least: number, queue: readonly QueueLine[]): Findings {
    const queued = queue.flatMap((e) =>
      e.recipients.filter((r) => r.state === 'pending').map((r) => ({ recipient: r.address })),
    );
    const told = this.bounced.map((recipient) => ({ recipient }));
    const findings = check(this.ledger.evidence([...queued, ...told]));
    this.#t.diagnostic(summary(findings));
    assert.equal(faults(findings), '');
    assert.ok(findings.acked >= least, `only ${findings.acked} recipients were acknowledged`);
    assert.deepEqual(this.said('gateway.fault'), []);
    return findings;
  }

  async #take(message: TakenMessage): Promise<string> {
    const { sender, recipients, content } = message;
    this.offered++;
    if (this.silent) return new Promise(() => undefined);
    const answer = typeof this.answer === 'function' ? this.answer(message) : this.answer;
    if (answer !== null) return answer;
    if (sender === '')
      for (const [, address] of content.matchAll(/^Final-Recipient: rfc822; (\S+)\r$/gm))
        this.bounced.push(address!);
    if (sender === CANARY || sender === '') return '250 2.0.0 taken';
    await this.ledger.taken(sender.slice(0, sender.indexOf('@')), recipients, hashOf(content));
    return '250 2.0.0 taken';
  }
}
