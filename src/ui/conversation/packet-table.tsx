/** The exchange as a table: one row a packet or a fold, the one in focus is the one that is decoded below. */
import { useRef, type KeyboardEvent } from 'react';
import type { PacketRow } from '../api/shapes.ts';
import { keyOf, slowest, waitedOf, type Line } from './folds.ts';
import { PacketLine } from './packet-line.tsx';

interface Props {
  readonly lines: readonly Line[];
  readonly lanes: readonly string[];
  readonly current: string;
  readonly choose: (key: string) => void;
  readonly open: ReadonlySet<string>;
  readonly toggle: (key: string) => void;
}

/** A row of the table: a line, or a packet inside an opened fold. */
export interface TableRow {
  readonly key: string;
  readonly line: Line;
  /** null: the line itself. */
  readonly inner: PacketRow | null;
}

export function tableRows(lines: readonly Line[], open: ReadonlySet<string>): TableRow[] {
  return lines.flatMap((line) => {
    const rows: TableRow[] = [];
    if (open.has(line.key)) for (const inner of line.macros) rows.push({ key: keyOf(inner), line, inner });
    rows.push({ key: line.key, line, inner: null });
    if (open.has(line.key))
      for (const inner of line.folded.slice(1)) rows.push({ key: keyOf(inner), line, inner });
    return rows;
  });
}

export function PacketTable({ lines, lanes, current, choose, open, toggle }: Props) {
  const body = useRef<HTMLTableSectionElement>(null);
  const rows = tableRows(lines, open);
  const marked = slowest(lines);
  const longest = Math.max(1, ...lines.map((line) => waitedOf(line) ?? 0));
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = Math.max(
      0,
      rows.findIndex((row) => row.key === current),
    );
    const to = {
      ArrowDown: at + 1,
      j: at + 1,
      ArrowUp: at - 1,
      k: at - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: at + 15,
      PageUp: at - 15,
    }[event.key];
    if (event.key === 'Enter' || event.key === ' ') {
      if (event.target instanceof HTMLButtonElement) return;
      const row = rows[at];
      if (row) toggle(row.line.key);
    } else if (to === undefined) return;
    else {
      const next = rows[Math.max(0, Math.min(rows.length - 1, to))]!;
      choose(next.key);
      requestAnimationFrame(() =>
        body.current?.querySelector<HTMLElement>(`[data-key="${next.key}"]`)?.focus(),
      );
    }
    event.preventDefault();
  };
  const focusable = rows.some((row) => row.key === current) ? current : rows[0]?.key;
  return (
    <div className="card packets">
      <table>
        <caption className="sr-only">Packets of the conversation in the order of time</caption>
        <colgroup>
          {[48, 74, 64, 118, 84, 186, undefined, 78, 150].map((width, i) => (
            <col key={i} {...(width !== undefined && { width })} />
          ))}
        </colgroup>
        <thead>
          <tr>
            <th scope="col" className="num">
              №
            </th>
            <th scope="col" className="num">
              Offset
            </th>
            <th scope="col" className="num">
              Δ
            </th>
            <th scope="col">Lane</th>
            <th scope="col">Direction</th>
            <th scope="col">Packet</th>
            <th scope="col">Summary</th>
            <th scope="col" className="num">
              Bytes
            </th>
            <th scope="col" className="num">
              Waited
            </th>
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={onKeyDown}>
          {rows.map((row) => (
            <PacketLine
              key={row.key}
              row={row}
              lanes={lanes}
              current={row.key === current}
              focusable={row.key === focusable}
              unfolded={open.has(row.line.key)}
              longest={longest}
              slow={row.inner === null && marked.has(row.line.key)}
              choose={choose}
              toggle={toggle}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}
