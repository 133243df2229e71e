/** Results as Markdown: medians per configuration, and the ratios between two peers. Pure. */
import type { Cell, Run } from './measure.ts';

/** The middle of a list; the mean of the two middle ones of an even list; NaN of an empty one. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

/** One row per peer and configuration. */
export function resultTable(cells: readonly Cell[], peers: readonly string[], runs: readonly Run[]): string {
  const rows = cells.flatMap((cell) =>
    peers.map((peer) => {
      const of = runs.filter((run) => run.peer === peer && same(run.cell, cell));
      const m = (pick: (run: Run) => number): number => median(of.map(pick));
      const rates = of.map((run) => run.accepted);
      const spread = `${round(Math.min(...rates))}-${round(Math.max(...rates))}`;
      return [
        filtersOf(cell),
        cell.sessions,
        peer,
        `${round(m((r) => r.accepted))} (${spread})`,
        round(m((r) => r.sustained)),
        round(m((r) => r.dot.p50)),
        round(m((r) => r.dot.p99)),
        round(m((r) => r.message.p50)),
        round(m((r) => r.message.p99)),
        `${m((r) => r.cpu).toFixed(3)} + ${m((r) => r.filterCpu).toFixed(2)}`,
        of.reduce((sum, run) => sum + run.errors, 0),
      ];
    }),
  );
  return markdown(
    [
      'filters',
      'sessions',
      'peer',
      'accepted/s (min-max)',
      'sustained/s',
      'dot to 250 p50 ms',
      'p99 ms',
      'MAIL to 250 p50 ms',
      'p99 ms',
      'CPU s per 1000 (peer + filters)',
      'errors',
    ],
    rows,
  );
}

/**
 * How many times better `ours` is than `other`, per configuration: rates divided, latencies and CPU the other way round, so
 * that above 1 is always in favour of `ours`. Each is the median of the ratios of runs that followed one another.
 */
export function ratioTable(
  cells: readonly Cell[],
  ours: string,
  other: string,
  runs: readonly Run[],
): string {
  const rows = cells.map((cell) => {
    const of = (peer: string): Run[] => runs.filter((run) => run.peer === peer && same(run.cell, cell));
    const theirs = of(other);
    const pairs = of(ours).map((run, i) => [run, theirs[i] ?? run] as const);
    const more = (pick: (run: Run) => number): string =>
      median(pairs.map(([a, b]) => pick(a) / pick(b))).toFixed(2);
    const less = (pick: (run: Run) => number): string =>
      median(pairs.map(([a, b]) => pick(b) / pick(a))).toFixed(2);
    return [
      filtersOf(cell),
      cell.sessions,
      more((r) => r.accepted),
      more((r) => r.sustained),
      less((r) => r.dot.p50),
      less((r) => r.dot.p99),
      less((r) => r.message.p50),
      median(pairs.map(([a, b]) => b.cpu / a.cpu)).toFixed(3),
    ];
  });
  return markdown(
    ['filters', 'sessions', 'accepted', 'sustained', 'dot p50', 'dot p99', 'MAIL p50', 'CPU'],
    rows,
  );
}

/** The filters of a configuration in words. */
export function filtersOf({ filters, noReply }: Cell): string {
  return noReply ? `${filters}, no-reply` : `${filters}`;
}

function same(a: Cell, b: Cell): boolean {
  return a.lane === b.lane && a.sessions === b.sessions;
}

/** Three digits that mean something. */
export function round(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** A table; cells are written as they are. */
export function markdown(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n') + '\n';
}
