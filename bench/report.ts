/** The bench's report as Markdown: what was measured, how, on what, and the tables. */
import { cpus, release } from 'node:os';
import type { Cell, Run } from './measure.ts';
import type { Options } from './options.ts';
import type { Peer } from './peer.ts';
import { filtersOf, ratioTable, resultTable } from './table.ts';
import type { Tools } from './tools.ts';

/** Everything a report tells. `sink` and `cpu` say in words which next hop and which way of accounting were used. */
export interface Measured {
  readonly options: Options;
  readonly tools: Tools;
  readonly sink: string;
  readonly cpu: string;
  readonly peers: readonly Peer[];
  readonly cells: readonly Cell[];
  readonly runs: readonly Run[];
}

/** One run in a line. */
export function describe(run: Run): string {
  return (
    `${filtersOf(run.cell)} filters, ${run.cell.sessions} sessions, ${run.peer}: ` +
    `${run.accepted.toFixed(0)} accepted/s, ${run.sustained.toFixed(0)} sustained/s, ` +
    `dot p50 ${run.dot.p50.toFixed(2)} p99 ${run.dot.p99.toFixed(2)} ms, CPU ${run.cpu.toFixed(3)} s per 1000` +
    (run.errors > 0 ? `, ${run.errors} ERRORS: ${run.lastError}` : '')
  );
}

/** The peers and the machine, as the first line of a report. */
export function whatRan(peers: readonly Peer[]): string {
  const cores = cpus();
  return (
    `- ${peers.map((peer) => peer.title).join('; ')}. Linux ${release()}, ${cores.length} cores ` +
    `(${cores[0]?.model.trim() ?? 'unknown'}), shared by peer, filters, load generator and next hop.`
  );
}

/** The report; the ratios of the first peer to each other one follow. */
export function report({ options, tools, sink, cpu, peers, cells, runs }: Measured): string {
  const [first, ...others] = peers.map((peer) => peer.name);
  const busy = runs.map((run) => run.busyCores);
  const connections = options.newConnections ? 'a new connection each' : 'connections kept';
  const lines = [
    `# Bench of ${new Date().toISOString().slice(0, 10)}`,
    '',
    whatRan(peers),
    `- Messages of ${options.bytes} bytes, one recipient, ${connections}. ${options.runs} runs of about ` +
      `${options.seconds} s each, turn by turn; medians. Busy cores during the runs: ` +
      `${Math.min(...busy).toFixed(1)} to ${Math.max(...busy).toFixed(1)}.`,
    `- Filters: ${tools.filterKind}. Load generator: ${tools.loadKind}. Next hop: ${sink}. CPU by ${cpu}.`,
    '- no-reply: the filters took the no-reply flags and answer only end of message; the others answer every event.',
    '- accepted: answered 250, per second. sustained: the same messages divided by the time until all of them were ' +
      'also delivered to the next hop.',
    '',
    resultTable(
      cells,
      peers.map((peer) => peer.name),
      runs,
    ),
  ];
  for (const second of first === undefined ? [] : others) {
    lines.push(
      `${first} against ${second}; above 1 is in favour of ${first} ` +
        `(rates: ${first} / ${second}; latencies and CPU: ${second} / ${first}):`,
      '',
      ratioTable(cells, first!, second, runs),
    );
  }
  return lines.join('\n');
}
