/**
 * A gateway of two workers that relays everything to a next hop, and what its log tells of the workers. For the tests of
 * workers; a worker is only known by the number and the process id that the log has.
 */
import { performance } from 'node:perf_hooks';
import { tempFolder, type Cleanup } from './folders.ts';
import { Gateway, type LogLine } from './gateway.ts';
import { freePorts } from './ports.ts';
import { until } from './wait.ts';

/** Milliseconds within which a worker that was killed is replaced. */
const REPLACED_WITHIN_MS = 5000;

/** A running gateway of two workers. */
export interface Mill {
  readonly gateway: Gateway;
  readonly folder: string;
  readonly port: number;
  readonly nextHopPort: number;
  readonly config: (more?: object) => string;
}

/** A gateway of two workers that relays everything to a next hop on `nextHopPort`. */
export async function mill(cleanup: Cleanup, more: object = {}): Promise<Mill> {
  const folder = await tempFolder(cleanup);
  const [port = 0, nextHopPort = 0] = await freePorts(2);
  const config = (other: object = {}): string =>
    JSON.stringify({
      hostname: 'mx.test',
      stateDir: './state',
      workers: 2,
      listeners: [{ name: 'smtp', bind: `127.0.0.1:${port}`, relay: { domains: ['in.test'] } }],
      delivery: { routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${nextHopPort}`] }], retry: ['1s'] },
      log: { level: 'info' },
      ...more,
      ...other,
    });
  const gateway = await Gateway.start(cleanup, { folder, configuration: config(), ports: [port] });
  await until('the gateway to be ready', 10_000, () => said(gateway, 'gateway.started').length > 0);
  return { gateway, folder, port, nextHopPort, config };
}

/** What the log says of this event, oldest first. */
export const said = (g: Gateway, event: string): LogLine[] => g.log.filter((line) => line['event'] === event);

/** How many workers have accepted mail. */
export const takers = (g: Gateway): number =>
  new Set(said(g, 'message.accepted').map((line) => line['worker'])).size;

/** The process of this worker now: the last that the log tells of. */
export function pidOf(g: Gateway, worker: number): number {
  const replaced = said(g, 'gateway.worker-replaced').findLast((line) => line['worker'] === worker);
  if (replaced) return Number(replaced['pid']);
  return Number((said(g, 'gateway.started').at(-1)!['workers'] as string[])[worker - 1]);
}

/** Kills a worker; milliseconds until another listens in its place. */
export async function killWorker(g: Gateway, worker: number): Promise<number> {
  const before = said(g, 'gateway.worker-replaced').length;
  const at = performance.now();
  process.kill(pidOf(g, worker), 'SIGKILL');
  await until(`worker ${worker} to be replaced`, REPLACED_WITHIN_MS, () => {
    return said(g, 'gateway.worker-replaced').length > before;
  });
  return performance.now() - at;
}
