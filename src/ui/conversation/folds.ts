/**
 * What of a conversation is shown as one line: macros under their command, runs of header fields, body pieces and progress. Pure.
 *
 * Lanes fold for themselves, for filters that are asked side by side speak at once; a fold stands where its first packet stood.
 */
import type { PacketRow } from '../api/shapes.ts';

export type FoldKind = 'header' | 'body' | 'progress';

/** One line of the view: a packet, or several as one. */
export interface Line {
  readonly key: string;
  readonly row: PacketRow;
  /** Macros that were sent with it. */
  readonly macros: readonly PacketRow[];
  /** The packets of a run, the first among them; empty for a single packet. */
  readonly folded: readonly PacketRow[];
  readonly kind: FoldKind | null;
}

/** Rows are numbered within their part. */
export const keyOf = (row: PacketRow): string => `${row.part}-${row.n}`;

const RUN_OF: Readonly<Record<string, FoldKind>> = {
  SMFIC_HEADER: 'header',
  SMFIC_BODY: 'body',
  SMFIR_PROGRESS: 'progress',
};

interface Open {
  readonly kind: FoldKind;
  readonly rows: PacketRow[];
  readonly macros: readonly PacketRow[];
}

/** The lines, in order. */
export function linesOf(rows: readonly PacketRow[]): Line[] {
  const slots: (
    Open | { readonly kind: null; readonly rows: readonly PacketRow[]; readonly macros: readonly PacketRow[] }
  )[] = [];
  const open = new Map<string, Open>();
  const macros = new Map<string, PacketRow[]>();
  for (const row of rows) {
    const lane = `${row.part} ${row.lane}`;
    if (row.kind !== 'milter') {
      slots.push({ kind: null, rows: [row], macros: [] });
      continue;
    }
    if (row.code === 'SMFIC_MACRO') {
      const held = macros.get(lane);
      if (held) held.push(row);
      else macros.set(lane, [row]);
      continue;
    }
    const run = open.get(lane);
    const kind = RUN_OF[row.code];
    const answers =
      row.code === 'SMFIR_CONTINUE' && run !== undefined && run.kind !== 'progress' && row.note === '';
    if (run && (run.kind === kind || answers) && !macros.has(lane)) {
      run.rows.push(row);
      continue;
    }
    const mine = macros.get(lane) ?? [];
    macros.delete(lane);
    open.delete(lane);
    if (kind === undefined) slots.push({ kind: null, rows: [row], macros: mine });
    else {
      const begun: Open = { kind, rows: [row], macros: mine };
      open.set(lane, begun);
      slots.push(begun);
    }
  }
  for (const left of macros.values()) slots.push({ kind: null, rows: left, macros: [] });
  return slots.flatMap(flattened);
}

/** A run of one command is no run. */
function flattened(slot: {
  readonly kind: FoldKind | null;
  readonly rows: readonly PacketRow[];
  readonly macros: readonly PacketRow[];
}): Line[] {
  const commands = slot.rows.filter((row) => RUN_OF[row.code] === slot.kind).length;
  if (slot.kind !== null && commands > 1) {
    const [row] = slot.rows;
    return [{ key: keyOf(row!), row: row!, macros: slot.macros, folded: slot.rows, kind: slot.kind }];
  }
  return slot.rows.map((row, i) => ({
    key: keyOf(row),
    row,
    macros: i === 0 ? slot.macros : [],
    folded: [],
    kind: null,
  }));
}

/** What a fold says instead of its packets. */
export function summaryOf(line: Line): string {
  const { kind, folded } = line;
  if (kind === null) return line.row.summary;
  const commands = folded.filter((row) => RUN_OF[row.code] === kind);
  const bytes = commands.reduce((sum, row) => sum + row.bytes, 0).toLocaleString('en-GB');
  if (kind === 'header') return `${commands.length} header fields, ${bytes} B`;
  if (kind === 'body') return `body in ${commands.length} pieces, ${bytes} B`;
  return `still at work, told ${commands.length} times`;
}

/** The longest wait in a line. */
export function waitedOf(line: Line): number | null {
  const waits = (line.folded.length > 0 ? line.folded : [line.row]).flatMap((row) =>
    row.waited === null ? [] : [row.waited],
  );
  return waits.length === 0 ? null : Math.max(...waits);
}

/** Keys of the three longest waits. */
export function slowest(lines: readonly Line[], most = 3): ReadonlySet<string> {
  const waits = lines.map((line) => [line.key, waitedOf(line) ?? 0] as const).filter(([, wait]) => wait >= 1);
  return new Set(
    waits
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, most)
      .map(([key]) => key),
  );
}

/** Whether something is wrong in a line: a remark, a failure, a refusal. */
export function isError(line: Line): boolean {
  return (line.folded.length > 0 ? line.folded : [line.row]).some(
    (row) =>
      row.note !== '' ||
      /^[45]\d\d/.test(row.code) ||
      /REJECT|TEMPFAIL|REPLYCODE|CONN_FAIL|SHUTDOWN/.test(row.code),
  );
}

/** Whether a line is an answer that is more than "go on". */
export function isNews(line: Line): boolean {
  const { row } = line;
  if (isError(line)) return true;
  return (
    row.kind === 'decision' ||
    (row.code.startsWith('SMFIR_') && row.code !== 'SMFIR_CONTINUE' && row.code !== 'SMFIR_PROGRESS')
  );
}
