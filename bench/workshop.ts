/**
 * What every measurement of the bench needs: a folder on the measured disk, the load generator, a next hop that counts, no-op
 * filters, peers. Everything that is started here ends with the cleanup.
 */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type Cleanup } from '../test/support/folders.ts';
import { startNextHop } from '../test/support/next-hop.ts';
import { freePorts } from '../test/support/ports.ts';
import { launch, program } from '../test/support/processes.ts';
import { startSmtpSink } from '../test/support/smtp-sink.ts';
import { accepts, until } from '../test/support/wait.ts';
import { openAccount, type CpuAccount } from './cpu.ts';
import { startGatewayPeer } from './gateway-peer.ts';
import type { Options } from './options.ts';
import type { FilterAt, Ground, Lane, Peer } from './peer.ts';
import { startPostfixPeer } from './postfix-peer.ts';
import { prepareTools, type FilterHabits, type Tools } from './tools.ts';

/** Running no-op filters and what they cost. */
export interface NoopFilters {
  readonly account: CpuAccount;
  readonly ports: readonly number[];
  /** As peers ask them, in order. Lanes that ask the same filter share these objects. */
  readonly chain: readonly FilterAt[];
  readonly roots: readonly number[];
}

/** The next hop of every peer; `kind` in words. */
interface Sink {
  readonly port: number;
  readonly kind: string;
  /** Messages taken so far. */
  messages(): number;
}

/** See the head of the file. */
export class Workshop {
  readonly cleanup: Cleanup;
  readonly options: Options;
  readonly tools: Tools;
  readonly sink: Sink;
  readonly #folder: string;

  private constructor(cleanup: Cleanup, options: Options, folder: string, tools: Tools, sink: Sink) {
    this.cleanup = cleanup;
    this.options = options;
    this.tools = tools;
    this.sink = sink;
    this.#folder = folder;
  }

  /** Makes the folder, compiles the tools, starts the next hop. */
  static async open(cleanup: Cleanup, options: Options): Promise<Workshop> {
    const folder = await workFolder(options, cleanup);
    const tools = await prepareTools(join(folder, 'bin'));
    return new Workshop(cleanup, options, folder, tools, await startSink(cleanup, folder));
  }

  /** The same with another cleanup, for what is to end earlier. */
  forOne(cleanup: Cleanup): Workshop {
    return new Workshop(cleanup, this.options, this.#folder, this.tools, this.sink);
  }

  /** Starts `count` no-op filters in one CPU account, called `name` and a number. */
  async filters(name: string, count: number, habits: FilterHabits = {}): Promise<NoopFilters> {
    const account = openAccount(name);
    this.cleanup.after(() => account.close());
    const ports = await freePorts(count);
    const roots: number[] = [];
    for (const port of ports) {
      const [command = '', ...args] = account.wrap(this.tools.filter(port, habits));
      const filter = launch('no-op filter', command, args, { cwd: ROOT });
      this.cleanup.after(() => filter.end(2000));
      roots.push(filter.pid);
      await until(`the no-op filter to listen on ${port}`, 20_000, () => {
        if (filter.ended) throw new Error(`the no-op filter ended:\n${filter.output}`);
        return accepts(port);
      });
    }
    const chain = ports.map((port, i) => ({ name: `${name}${i + 1}`, port }));
    return { account, ports, chain, roots };
  }

  /** Starts Millrace (twice, when it is to be measured with and without journal) and, when asked for, Postfix, with these lanes. `name` tells their folders from those of others. */
  async peers(name: string, lanes: readonly Lane[]): Promise<Peer[]> {
    const ground = async (peer: string): Promise<Ground> => {
      const account = openAccount(`${name}-${peer}`);
      this.cleanup.after(() => account.close());
      const ports = await freePorts(lanes.length);
      return {
        folder: join(this.#folder, `${name}-${peer}`),
        nextHopPort: this.sink.port,
        lanes,
        listeners: new Map(lanes.map((lane, i) => [lane.name, ports[i] ?? 0])),
        account,
      };
    };
    const { workers, journal } = this.options;
    const peers: Peer[] = [];
    for (const on of journal === 'both' ? [true, false] : [journal === 'on']) {
      const called = on || journal === 'off' ? 'millrace' : 'without-journal';
      peers.push(
        await startGatewayPeer(this.cleanup, await ground(called), { name: called, workers, journal: on }),
      );
    }
    if (this.options.postfix) peers.push(await startPostfixPeer(this.cleanup, await ground('postfix')));
    return peers;
  }
}

/** A folder that Postfix's unprivileged processes may enter; gone at the end. */
async function workFolder(options: Options, cleanup: Cleanup): Promise<string> {
  const parent = options.work ?? join(ROOT, '.work');
  await mkdir(parent, { recursive: true, mode: 0o755 });
  const folder = await mkdtemp(join(parent, 'bench-'));
  cleanup.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  await chmod(folder, 0o755);
  return folder;
}

/** Postfix's smtp-sink where it is installed, else a server in this process. */
async function startSink(cleanup: Cleanup, folder: string): Promise<Sink> {
  const [port = 0] = await freePorts(1);
  if (program('smtp-sink')) {
    const sink = await startSmtpSink(cleanup, port, folder);
    return { port, kind: 'smtp-sink', messages: () => sink.messages() };
  }
  let count = 0;
  await startNextHop(cleanup, port, () => {
    count += 1;
    return '250 2.0.0 ok';
  });
  return { port, kind: 'our own in Node (no smtp-sink here)', messages: () => count };
}
