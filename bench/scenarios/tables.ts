/** What scenarios showed, as Markdown: a row per measurement and peer, then the numbers that are asked for. Pure. */
import { markdown, median, round } from '../table.ts';
import type { Goal, Sample, Setting, Turn } from './scenario.ts';

/** Medians of the runs of every row at every peer. */
export function sampleTable(setting: Setting, peers: readonly string[], samples: readonly Sample[]): string {
  const counted = samples.some((sample) => sample.waits.length > 0);
  const rows = setting.rows.flatMap((row) =>
    peers.map((peer) => {
      const of = samples.filter((sample) => sample.peer === peer && sample.row.lane === row.lane);
      const m = (pick: (sample: Sample) => number): string => round(median(of.map(pick)));
      const waits = of.flatMap((sample) => sample.waits);
      return [
        row.title,
        row.sessions,
        peer,
        of.reduce((sum, sample) => sum + sample.messages, 0),
        m((s) => s.dot.p50),
        m((s) => s.dot.p90),
        m((s) => s.message.p50),
        m((s) => s.accepted),
        ...(counted ? [waits.length > 0 ? `${median(waits)} (${Math.max(...waits)})` : '-'] : []),
        of.reduce((sum, sample) => sum + sample.errors, 0),
      ];
    }),
  );
  return markdown(
    [
      'what',
      'sessions',
      'peer',
      'messages',
      'dot to 250 p50 ms',
      'p90 ms',
      'MAIL to 250 p50 ms',
      'accepted/s',
      ...(counted ? ['waits for content (most)'] : []),
      'errors',
    ],
    rows,
  );
}

/** Each goal: the median over the turns, the extremes, whether the median keeps to it. */
export function goalTable(setting: Setting, peers: readonly string[], samples: readonly Sample[]): string {
  const turns = turnsOf(setting, peers, samples);
  const rows = setting.goals.map((goal) => {
    const limit =
      'atMost' in goal.limit
        ? `at most ${round(goal.limit.atMost)}`
        : `at least ${round(goal.limit.atLeast)}`;
    if (goal.againstPostfix && !peers.includes('postfix'))
      return [goal.title, limit, 'needs --peer postfix', '-', '-'];
    const values = turns.map((turn) => goal.value(turn));
    const middle = median(values);
    const spread = `${round(Math.min(...values))} to ${round(Math.max(...values))}`;
    return [goal.title, limit, round(middle), spread, keeps(goal, middle) ? 'yes' : '**no**'];
  });
  return markdown(['asked for', 'limit', 'measured', 'runs', 'met'], rows);
}

/** The n-th run of every row at every peer, for each n. */
function turnsOf(setting: Setting, peers: readonly string[], samples: readonly Sample[]): Turn[] {
  const perTurn = setting.rows.length * peers.length;
  return Array.from({ length: Math.floor(samples.length / perTurn) }, (_, n) => {
    const own = samples.slice(n * perTurn, (n + 1) * perTurn);
    return (peer, lane) => {
      const found = own.find((sample) => sample.peer === peer && sample.row.lane === lane);
      if (!found) throw new Error(`no run of ${lane} at ${peer}`);
      return found;
    };
  });
}

function keeps({ limit }: Goal, value: number): boolean {
  return 'atMost' in limit ? value <= limit.atMost : value >= limit.atLeast;
}
