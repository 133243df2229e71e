/** The matrix of the bench: numbers of no-op filters by numbers of SMTP sessions, each measured at every peer turn by turn. */
import { measure, type Cell, type Run, type Stage } from './measure.ts';
import type { Options } from './options.ts';
import type { Peer } from './peer.ts';
import { describe, report } from './report.ts';
import type { Workshop } from './workshop.ts';

/** What it came to: the report in Markdown, and a line for every run in which a message failed. */
export interface Outcome {
  readonly text: string;
  readonly failures: readonly string[];
}

/** Messages of each lane before anything is measured: enough for a compiler at run time to have done its work. */
const WARM_UP = 3000;

const laneOf = (filters: number, noReply: boolean): string => `${noReply ? 'noreply' : 'filters'}${filters}`;

/** Measures everything the options ask for. */
export async function measureMatrix(shop: Workshop): Promise<Outcome> {
  const { options, tools, sink } = shop;
  const kinds = tools.canNoReply ? options.answers : ['every' as const];
  const most = Math.max(...options.filters);
  const every = await shop.filters('noop', most);
  const last = await shop.filters('noreply', most, { noReply: true });
  const stage: Stage = {
    load: tools.load,
    message: { bytes: options.bytes },
    newConnections: options.newConnections,
    filters: [every, last],
    arrived: () => sink.messages(),
  };
  // Without a filter there is nothing to answer: one row will do.
  const rows = options.filters.flatMap((filters) =>
    (filters === 0 ? (['every'] as const) : kinds).map((kind) => ({ filters, noReply: kind === 'last' })),
  );
  const lanes = rows.map(({ filters, noReply }) => ({
    name: laneOf(filters, noReply),
    filters: (noReply ? last : every).chain.slice(0, filters),
  }));
  const peers = await shop.peers('matrix', lanes);
  const cells = rows.flatMap((row) =>
    options.sessions.map((sessions) => ({ lane: laneOf(row.filters, row.noReply), ...row, sessions })),
  );
  const runs = await measureAll(stage, peers, cells, options);
  const cpu = every.account.method;
  return {
    text: report({ options, tools, sink: sink.kind, cpu, peers, cells, runs }),
    failures: runs
      .filter((run) => run.errors > 0)
      .map((run) => `${run.peer} ${JSON.stringify(run.cell)}: ${run.lastError}`),
  };
}

/** Warms every peer up, finds out how many messages last a run, then measures turn by turn. */
async function measureAll(
  stage: Stage,
  peers: readonly Peer[],
  cells: readonly Cell[],
  options: Options,
): Promise<Run[]> {
  const counts = new Map<string, number>();
  for (const cell of new Map(cells.map((one) => [one.lane, one])).values()) {
    const warm = { ...cell, sessions: 20 };
    for (const peer of peers) await measure(stage, peer, warm, options.quick ? 200 : WARM_UP, 20);
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
      // Who goes first changes, so that no peer always finds what the other one left.
      for (const peer of turn % 2 === 1 ? peers : peers.toReversed()) {
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
  return `${peer.name} ${cell.lane} ${cell.sessions}`;
}
