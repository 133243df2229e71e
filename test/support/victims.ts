/**
 * What the durability tests kill: the gateway behind a marker filter, and Debian's Postfix as the control group. Both relay to
 * the next hops of load.ts.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cleanup } from './folders.ts';
import { Gateway } from './gateway.ts';
import type { Surroundings, Victim } from './kill-cycles.ts';
import { SINK_DOMAIN } from './load.ts';
import { startMarkerFilter } from './marker-filter.ts';
import { freePorts } from './ports.ts';
import { startPostfix } from './postfix.ts';

/** Deliveries to one next hop at once; a kill can double no more messages than these. */
export const CONCURRENCY = 20;

/**
 * Copies that one kill may add, on the average of several: the deliveries to two next hops with three recipients each, all of them
 * taken and none settled. About half of that is measured: the hop's own sync and ours stand between its word and our record.
 */
export const DOUBLED_PER_KILL = 2 * CONCURRENCY * 3;

/** How a victim differs from the plain one. */
export interface VictimSetup {
  /** Folder that takes its state; default below the load's folder. */
  readonly disk?: string;
  /** Kills it in place of SIGKILL to the group; gets the number of its process group and the plain kill. */
  readonly cut?: (group: number, kill: () => Promise<void>) => Promise<void>;
}

/** What only the gateway can be told. */
export interface GatewayVictimSetup extends VictimSetup {
  readonly workers?: number;
  /** Wraps the command that starts it. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
}

/** The gateway as a victim; `gateway` for what a test looks at besides. */
export async function gatewayVictim(
  cleanup: Cleanup,
  around: Surroundings,
  setup: GatewayVictimSetup = {},
): Promise<Victim & { readonly gateway: Gateway }> {
  const [port = 0, filter = 0] = await freePorts(2);
  await startMarkerFilter(cleanup, filter, 'seen');
  const { disk = around.folder, cut, workers = 1, wrap } = setup;
  const gateway = await Gateway.start(cleanup, {
    folder: around.folder,
    ports: [port],
    configuration: JSON.stringify(configuration(around, join(disk, 'state'), port, filter, workers)),
    ...(wrap ? { wrap } : {}),
  });
  const kill = (): Promise<void> => gateway.kill();
  return {
    gateway,
    port,
    kill: () => (cut ? cut(gateway.process.pid, kill) : kill()),
    again: () => gateway.start(),
    queuedWhileDead: () => pending(gateway),
    idle: async () => (await pending(gateway)).length === 0,
  };
}

/** Looks at its queue between two orders to try everything. */
const LOOKS = 20;

/** Debian's Postfix as a victim. Its configuration lies with its queue, so a disk that is cut must have been synced once. */
export async function postfixVictim(
  cleanup: Cleanup,
  around: Surroundings,
  setup: VictimSetup = {},
): Promise<Victim> {
  const { folder, nextHopPort, sinkPort } = around;
  const [port = 0] = await freePorts(1);
  const own = join(setup.disk ?? folder, 'postfix');
  await mkdir(own);
  const postfix = await startPostfix(cleanup, {
    folder: own,
    nextHopPort,
    listeners: [{ port, milterPorts: [] }],
    settings: {
      transport_maps: `inline:{${SINK_DOMAIN}=relay:[127.0.0.1]:${sinkPort}}`,
      // What the next hop does not take at once is tried again about as soon as the gateway tries it.
      minimal_backoff_time: '1s',
      maximal_backoff_time: '1s',
      queue_run_delay: '1s',
    },
  });
  const kill = (): Promise<void> => postfix.kill();
  let looks = 0;
  return {
    port,
    // Master is the leader of its group. Its number changes with every start, so it is asked for.
    kill: async () => (setup.cut ? setup.cut(await postfix.group(), kill) : kill()),
    again: () => postfix.again(),
    queuedWhileDead: () => Promise.resolve(null),
    // A kill may leave mail behind that it would only look at much later.
    idle: async () => {
      if ((await postfix.queued()) === 0) return true;
      if (++looks % LOOKS === 0) await postfix.flush();
      return false;
    },
  };
}

/** Recipients that are still to be delivered according to the queue listing. */
async function pending(gateway: Gateway): Promise<{ recipient: string }[]> {
  const entries = await gateway.queue();
  return entries.flatMap((entry) =>
    entry.recipients.filter((r) => r.state === 'pending').map((r) => ({ recipient: r.address })),
  );
}

function configuration(
  { nextHopPort, sinkPort }: Surroundings,
  stateDir: string,
  smtp: number,
  filter: number,
  workers: number,
): object {
  return {
    hostname: 'gateway.test',
    stateDir,
    workers,
    listeners: [
      {
        name: 'smtp',
        bind: `127.0.0.1:${smtp}`,
        relay: { networks: ['127.0.0.0/8'], domains: ['in.test', SINK_DOMAIN] },
        maxConnectionsPerClient: 200,
      },
    ],
    milters: [
      {
        name: 'marker',
        hostname: '127.0.0.1',
        port: filter,
        stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'],
      },
    ],
    delivery: {
      routes: [
        { match: `rcpt_domain == '${SINK_DOMAIN}'`, via: 'smtp', to: [`127.0.0.1:${sinkPort}`] },
        { match: 'true', via: 'smtp', to: [`127.0.0.1:${nextHopPort}`] },
      ],
      retry: ['1s'],
      concurrency: { total: 200, perDestination: CONCURRENCY },
    },
    log: { level: 'warn', format: 'json' },
  };
}
