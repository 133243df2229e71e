/** What the tests of delivery share: entries, a spool in memory, an agent that answers by script, a clock moved by hand. */
import { ManualClock } from '#clock';
import { bodyOf, bytesOf, status } from '#message';
import type { Status } from '#message';
import type { NoticeFields } from '#notices';
import { MemorySpool } from '#spool';
import type { EntryMeta, NewEntry } from '#spool';
import type { Agent, Attempt } from './agent.ts';
import { startDelivery } from './start.ts';
import type { Delivery, DeliveryOptions } from './options.ts';

export const START = Date.UTC(2026, 10, 22, 12, 0, 0);
export const MINUTE = 60_000;
export const DAY = 86_400_000;

export const OK = status(250, '2.0.0', 'taken', 'hop');
export const LATER = status(451, '4.2.0', 'later', 'hop');
export const NEVER = status(550, '5.1.1', 'no such user', 'hop');

/** A queued entry to these recipients, due at START. */
export function entryTo(
  addresses: readonly string[],
  more: Partial<EntryMeta> = {},
  header = 'Subject: x\r\n',
): NewEntry {
  return {
    meta: {
      id: more.id ?? 'm1',
      state: 'queued',
      receivedAt: START,
      sender: 'from@test',
      senderParams: [],
      recipients: addresses.map((address) => ({
        address,
        params: [],
        state: 'pending',
        attempts: 0,
        lastStatus: null,
      })),
      origin: {
        listener: 'smtp',
        clientAddress: '127.0.0.1',
        clientName: '',
        helo: 'client.test',
        user: '',
        localPort: 25,
        source: 'smtp',
      },
      size: header.length + 7,
      due: START,
      expiresAt: START + 5 * DAY,
      attempts: 0,
      hold: null,
      lease: null,
      ...more,
    },
    header: bytesOf(header),
    body: bodyOf([bytesOf('body\r\n')]),
  };
}

/** An agent that says what the script says, and remembers what it was asked. */
export interface ScriptedAgent extends Agent {
  readonly attempts: Attempt[];
  /** Addresses of each attempt. */
  readonly asked: string[][];
  closed: boolean;
}

export function agentThat(
  answer: (address: string, attempt: Attempt) => Status | Promise<Status>,
): ScriptedAgent {
  const agent: ScriptedAgent = {
    attempts: [],
    asked: [],
    closed: false,
    async deliver(attempt) {
      agent.attempts.push(attempt);
      agent.asked.push(attempt.recipients.map((r) => r.address));
      const outcomes = [];
      for (const { address } of attempt.recipients)
        outcomes.push({ address, status: await answer(address, attempt) });
      return outcomes;
    },
    async close() {
      agent.closed = true;
    },
  };
  return agent;
}

/** Everything a test of the run needs. */
export interface Rig {
  readonly clock: ManualClock;
  readonly spool: MemorySpool;
  readonly delivery: Delivery;
  readonly heard: { readonly name: string; readonly fields: NoticeFields }[];
  /** Names of notices heard, in order. */
  names(): string[];
}

/** A delivery with one route to `agent`. */
export function rigWith(agent: Agent, more: Partial<DeliveryOptions> = {}): Rig {
  const clock = new ManualClock(START);
  const spool = new MemorySpool();
  const heard: Rig['heard'] = [];
  const delivery = startDelivery({
    spool,
    routes: [{ match: () => true, agent, destinationKey: 'hop' }],
    retry: [2 * MINUTE, 5 * MINUTE],
    expire: 5 * DAY,
    concurrency: { total: 10, perDestination: 5 },
    hostname: 'mx.test',
    owner: 'us',
    clock,
    notices: (name, fields) => heard.push({ name, fields }),
    random: () => 0,
    newId: () => 'notice1',
    ...more,
  });
  return {
    clock,
    spool: (more.spool as MemorySpool | undefined) ?? spool,
    delivery,
    heard,
    names: () => heard.map((h) => h.name),
  };
}

/** Lets everything that is ready run until `what` holds; fails when it never does. */
export async function until(what: () => unknown): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (await what()) return;
    await new Promise((r) => setImmediate(r));
  }
  throw new Error(`never came: ${what.toString()}`);
}

/** Lets everything that is ready run, so that what must not happen would have happened. */
export async function calm(): Promise<void> {
  for (let i = 0; i < 30; i++) await new Promise((r) => setImmediate(r));
}
