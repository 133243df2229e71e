/**
 * `npm run bench`: the gateway under load on loopback, with no-op filters, and on demand Debian's Postfix beside it.
 *
 * Starts next hop, filters and peers, measures every configuration turn by turn (so that what else happens on the machine
 * hits all alike), prints the tables. Ends everything it started. Exit code 1 when a run failed, 2 on wrong usage.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Cleanup, ROOT } from '../test/support/folders.ts';
import { startNextHop } from '../test/support/next-hop.ts';
import { freePorts } from '../test/support/ports.ts';
import { launch, program } from '../test/support/processes.ts';
import { startSmtpSink } from '../test/support/smtp-sink.ts';
import { accepts, until } from '../test/support/wait.ts';
import { openAccount } from './cpu.ts';
import { startGatewayPeer } from './gateway-peer.ts';
import { measure, type Cell, type Run, type Stage } from './measure.ts';
import { readOptions, USAGE, UsageError, type Options } from './options.ts';
import type { Ground, Peer } from './peer.ts';
import { startPostfixPeer } from './postfix-peer.ts';
import { describe, report } from './report.ts';
import { prepareTools, type Tools } from './tools.ts';

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const cleanup = new Cleanup();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void cleanup.run().then(() => process.exit(130));
    });
  }
  try {
    return await bench(options, cleanup);
  } finally {
    await cleanup.run();
  }
}

async function bench(options: Options, cleanup: Cleanup): Promise<number> {
  const folder = await workFolder(options, cleanup);
  const tools = await prepareTools(join(folder, 'bin'), options.noReply);
  const most = Math.max(...options.filters);
  const filters = await startFilters(cleanup, tools, most);
  const sink = await startSink(cleanup, folder);
  const stage: Stage = {
    load: tools.load,
    bytes: options.bytes,
    newConnections: options.newConnections,
    filterAccount: filters.account,
    filterRoots: filters.roots,
    arrived: sink.messages,
  };
  const ground = async (name: string): Promise<Ground> => {
    const account = openAccount(name);
    cleanup.after(() => account.close());
    const ports = await freePorts(options.filters.length);
    return {
      folder: join(folder, name),
      nextHopPort: sink.port,
      filterPorts: filters.ports,
      listeners: new Map(options.filters.map((n, i) => [n, ports[i] ?? 0])),
      account,
    };
  };
  const peers = [await startGatewayPeer(cleanup, await ground('millrace'))];
  if (options.postfix) peers.push(await startPostfixPeer(cleanup, await ground('postfix')));
  const cells = options.filters.flatMap((n) =>
    options.sessions.map((sessions) => ({ filters: n, sessions })),
  );
  const runs = await measureAll(stage, peers, cells, options);
  const text = report({ options, tools, sink: sink.kind, cpu: filters.account.method, peers, cells, runs });
  console.log(text);
  if (options.out !== undefined) await writeFile(options.out, text);
  const failed = runs.filter((run) => run.errors > 0);
  for (const run of failed)
    console.error(`errors: ${run.peer} ${JSON.stringify(run.cell)}: ${run.lastError}`);
  return failed.length > 0 ? 1 : 0;
}

/** Warms every peer up, finds out how many messages last a run, then measures turn by turn. */
async function measureAll(
  stage: Stage,
  peers: readonly Peer[],
  cells: readonly Cell[],
  options: Options,
): Promise<Run[]> {
  const counts = new Map<string, number>();
  for (const filters of options.filters) {
    for (const peer of peers)
      await measure(stage, peer, { filters, sessions: 20 }, options.quick ? 200 : 1000, 20);
  }
  for (const cell of cells) {
    for (const peer of peers) {
      const trial = await measure(stage, peer, cell, Math.max(60, cell.sessions * 4), cell.sessions);
      const wanted = Math.round(trial.accepted * options.seconds);
      counts.set(keyOf(peer, cell), Math.max(cell.sessions * 5, Math.min(wanted, 50_000), 60));
    }
  }
  const runs: Run[] = [];
  for (let turn = 1; turn <= options.runs; turn += 1) {
    for (const cell of cells) {
      for (const peer of peers) {
        const count = counts.get(keyOf(peer, cell)) ?? 0;
        const run = await measure(stage, peer, cell, count, Math.min(cell.sessions * 2, 100));
        runs.push(run);
        console.error(`turn ${turn}: ${describe(run)}`);
      }
    }
  }
  return runs;
}

function keyOf(peer: Peer, cell: Cell): string {
  return `${peer.name} ${cell.filters} ${cell.sessions}`;
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

async function startFilters(cleanup: Cleanup, tools: Tools, count: number) {
  const account = openAccount('filters');
  cleanup.after(() => account.close());
  const ports = await freePorts(count);
  const roots: number[] = [];
  for (const port of ports) {
    const [command = '', ...args] = account.wrap(tools.filter(port));
    const filter = launch('no-op filter', command, args, { cwd: ROOT });
    cleanup.after(() => filter.end(2000));
    roots.push(filter.pid);
    await until(`the no-op filter to listen on ${port}`, 20_000, () => {
      if (filter.ended) throw new Error(`the no-op filter ended:\n${filter.output}`);
      return accepts(port);
    });
  }
  return { account, ports, roots };
}

/** Postfix's smtp-sink where it is installed, else a server in this process. */
async function startSink(cleanup: Cleanup, folder: string) {
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

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`error: ${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
