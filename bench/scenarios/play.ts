/** Runs scenarios one after another: filters and peers up, every row at every peer turn by turn, everything down again. */
import { Cleanup } from '../../test/support/folders.ts';
import type { Outcome } from '../matrix.ts';
import { measure, type Stage } from '../measure.ts';
import type { Options, ScenarioName } from '../options.ts';
import type { Peer } from '../peer.ts';
import { whatRan } from '../report.ts';
import type { Workshop } from '../workshop.ts';
import { distance } from './distance.ts';
import { large } from './large.ts';
import { real } from './real.ts';
import type { Row, Sample, Scenario, Setting } from './scenario.ts';
import { goalTable, sampleTable } from './tables.ts';
import { waves } from './waves.ts';

const BY_NAME: Readonly<Record<ScenarioName, Scenario>> = { waves, large, real, distance };

/** Most messages of one run. */
const MOST = 20_000;
/** Messages by which the pace of a row is found out. */
const TRIAL = 10;
/** Messages that warm up a row of many sessions. */
const WARM = 1000;

/** Plays what the options name. */
export async function playScenarios(shop: Workshop): Promise<Outcome> {
  const { options, tools, sink } = shop;
  const texts: string[] = [];
  const failures: string[] = [];
  for (const name of options.scenarios) {
    const cleanup = new Cleanup();
    // Also when the bench is interrupted.
    shop.cleanup.after(() => cleanup.run());
    try {
      const { peers, setting, samples } = await play(BY_NAME[name], shop.forOne(cleanup));
      if (texts.length === 0)
        texts.push(
          `# Bench of ${new Date().toISOString().slice(0, 10)}, scenarios`,
          [
            whatRan(peers),
            `- One recipient, connections kept. ${options.runs} runs, turn by turn; medians of the runs. ` +
              `No-op filters: ${tools.filterKind}. Load generator: ${tools.loadKind}. Next hop: ${sink.kind}.`,
          ].join('\n'),
        );
      const names = peers.map((peer) => peer.name);
      texts.push(`## ${name}`, BY_NAME[name].about, sampleTable(setting, names, samples).trimEnd());
      texts.push(goalTable(setting, names, samples).trimEnd());
      for (const sample of samples)
        if (sample.errors > 0)
          failures.push(`${name}, ${sample.row.title}, ${sample.peer}: ${sample.lastError}`);
    } finally {
      await cleanup.run();
    }
  }
  return { text: texts.join('\n\n') + '\n', failures };
}

async function play(
  scenario: Scenario,
  shop: Workshop,
): Promise<{ peers: readonly Peer[]; setting: Setting; samples: readonly Sample[] }> {
  const { options } = shop;
  const setting = await scenario.prepare(shop);
  const peers = await shop.peers(scenario.name, setting.lanes);
  const sample = async (peer: Peer, row: Row, messages: number, warmUp: number): Promise<Sample> => {
    const stage: Stage = {
      load: shop.tools.load,
      message: row.message,
      newConnections: false,
      filters: [],
      arrived: () => shop.sink.messages(),
    };
    const filters = setting.lanes.find((lane) => lane.name === row.lane)?.filters.length ?? 0;
    setting.waits?.();
    const cell = { lane: row.lane, filters, noReply: false, sessions: row.sessions };
    const run = await measure(stage, peer, cell, messages, warmUp);
    return { ...run, row, waits: setting.waits?.() ?? [] };
  };
  const counts = new Map<string, number>();
  for (const row of setting.rows)
    for (const peer of peers)
      counts.set(
        `${peer.name} ${row.lane}`,
        await countFor(row, options, (n) => sample(peer, row, n, row.sessions)),
      );
  const samples: Sample[] = [];
  for (let turn = 1; turn <= options.runs; turn += 1)
    for (const row of setting.rows)
      for (const peer of peers) {
        const count = counts.get(`${peer.name} ${row.lane}`) ?? TRIAL;
        const made = await sample(peer, row, count, row.messages === undefined ? row.sessions * 3 : 1);
        samples.push(made);
        console.error(
          `${scenario.name}, turn ${turn}, ${row.title}, ${peer.name}: ${made.messages} messages, ` +
            `${made.accepted.toFixed(1)}/s, dot p50 ${made.dot.p50.toFixed(2)} ms` +
            (made.errors > 0 ? `, ${made.errors} ERRORS: ${made.lastError}` : ''),
        );
      }
  return { peers, setting, samples };
}

/**
 * Messages of a run that lasts about as long as asked for. The trials warm the peer up, too: throughput is not what a program
 * shows in its first second.
 */
async function countFor(
  row: Row,
  options: Options,
  trial: (messages: number) => Promise<Sample>,
): Promise<number> {
  if (row.messages !== undefined) {
    await trial(1);
    return row.messages;
  }
  if (row.sessions > 1 && !options.quick) await trial(WARM);
  const { accepted } = await trial(TRIAL * row.sessions);
  return Math.min(MOST, Math.max(TRIAL * row.sessions, Math.round(accepted * options.seconds)));
}
