/**
 * The gateway as a peer: the built program with a configuration as in production (queue on disk, every message logged at
 * info into a file), one listener per number of filters, filters switched by the listener's name.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type Cleanup } from '../test/support/folders.ts';
import { ensureProgram, gatewayCommand } from '../test/support/gateway.ts';
import { Running } from '../test/support/processes.ts';
import { greets, until } from '../test/support/wait.ts';
import type { Ground, Peer } from './peer.ts';

/** How the gateway runs, and what it is called then. */
export interface GatewayManner {
  readonly name: string;
  readonly workers: number;
  readonly journal: boolean;
}

/** Builds if needed, starts, waits until every listener greets and every one of its `workers` listens. */
export async function startGatewayPeer(
  cleanup: Cleanup,
  ground: Ground,
  { name, workers, journal }: GatewayManner,
): Promise<Peer> {
  await ensureProgram();
  await mkdir(ground.folder, { recursive: true });
  const file = join(ground.folder, 'millrace.yaml');
  await writeFile(file, JSON.stringify({ ...configuration(ground), workers, journal }, null, 2));
  const logFile = join(ground.folder, 'log');
  const log = openSync(logFile, 'w');
  const [command = '', ...args] = ground.account.wrap([...gatewayCommand(), 'serve', '-c', file]);
  const child = spawn(command, args, { cwd: ground.folder, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const gateway = new Running('millrace', child);
  cleanup.after(() => gateway.end(15_000));
  for (const port of ground.listeners.values()) {
    await until(`the gateway to greet on ${port}`, 20_000, () => {
      if (gateway.ended) throw new Error(`the gateway ended:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
      return greets(port);
    });
  }
  await until('the gateway to be ready', 20_000, () =>
    readFileSync(logFile, 'utf8').includes('"event":"gateway.started"'),
  );
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  return {
    name,
    title: `Millrace ${version} on Node ${process.versions.node}${workers > 1 ? `, ${workers} workers` : ''}${journal ? '' : ', without journal'}`,
    roots: [gateway.pid],
    ground,
  };
}

function configuration({ folder, nextHopPort, lanes, listeners }: Ground): object {
  const filters = new Set(lanes.flatMap((lane) => lane.filters));
  return {
    hostname: 'millrace.load.test',
    stateDir: join(folder, 'state'),
    listeners: lanes.map((lane) => ({
      name: lane.name,
      bind: `127.0.0.1:${listeners.get(lane.name)}`,
      relay: { networks: ['127.0.0.0/8'] },
      maxConnections: 2000,
      maxConnectionsPerClient: 2000,
    })),
    milters: [...filters].map((filter) => ({
      name: filter.name,
      hostname: '127.0.0.1',
      port: filter.port,
      stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'],
      enable: {
        match: lanes
          .filter((lane) => lane.filters.includes(filter))
          .map((lane) => ({ if: `listener == '${lane.name}'`, then: 'true' })),
        else: 'false',
      },
      ...filter.settings,
    })),
    spool: { engine: 'lmdb' },
    delivery: {
      routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${nextHopPort}`] }],
    },
    log: { level: 'info', format: 'json' },
  };
}
