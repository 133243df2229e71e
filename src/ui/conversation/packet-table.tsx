/** The exchange as a table: one row a packet or a fold, the one in focus is the one that is decoded below. */
import { useRef, type KeyboardEvent } from 'react';
import type { PacketRow } from '../api/shapes.ts';
import { span } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Plain } from '../parts/plain.tsx';
import { keyOf, slowest, summaryOf, waitedOf, type Line } from './folds.ts';

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
          {rows.map(({ key, line, inner }) => {
            const row = inner ?? line.row;
            const foldable = inner === null && (line.folded.length > 0 || line.macros.length > 0);
            const waited = inner === null ? waitedOf(line) : inner.waited;
            return (
              <tr
                key={key}
                data-key={key}
                tabIndex={key === focusable ? 0 : -1}
                className={`${row.kind}${row.note === '' ? '' : ' note'}${inner ? ' inner' : ''}`}
                {...(key === current && { 'aria-current': 'true' as const })}
                onClick={() => choose(key)}
                onFocus={() => key !== current && choose(key)}
              >
                <td className="num dim">{row.n}</td>
                <td className="num mono">{row.at.toFixed(1)}</td>
                <td className="num mono dim">{row.delta.toFixed(1)}</td>
                <td>
                  <LaneName lane={row.lane} lanes={lanes} />
                </td>
                <td>
                  <Direction row={row} />
                </td>
                <td className="mono nowrap">
                  {foldable && (
                    <button
                      type="button"
                      className="icon-button"
                      style={{ width: 24, height: 24 }}
                      tabIndex={-1}
                      aria-expanded={open.has(line.key)}
                      aria-label={
                        open.has(line.key)
                          ? 'Fold'
                          : `Unfold ${line.folded.length || line.macros.length} packets`
                      }
                      onClick={(event) => {
                        event.stopPropagation();
                        toggle(line.key);
                      }}
                    >
                      <Icon name={open.has(line.key) ? 'down' : 'right'} size={12} />
                    </button>
                  )}
                  <Plain text={row.code} />
                  {inner === null &&
                    line.kind !== null &&
                    ` ×${line.folded.filter((each) => each.code === line.row.code).length}`}
                </td>
                <td>
                  <span className="cut">
                    <Plain text={inner ? inner.summary : summaryOf(line)} />
                  </span>
                  {row.note !== '' && (
                    <span className="small">
                      <Icon name="warning" size={12} /> <Plain text={row.note} />
                    </span>
                  )}
                  {inner === null && line.macros.length > 0 && !open.has(line.key) && (
                    <span className="dim small"> with macros</span>
                  )}
                </td>
                <td className="num">
                  {inner === null && line.folded.length > 0
                    ? line.folded.reduce((sum, each) => sum + each.bytes, 0).toLocaleString('en-GB')
                    : row.bytes.toLocaleString('en-GB')}
                </td>
                <td className="num">
                  {waited !== null && (
                    <Wait waited={waited} longest={longest} slow={inner === null && marked.has(line.key)} />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export function LaneName({ lane, lanes }: { readonly lane: string; readonly lanes: readonly string[] }) {
  const at = lanes.indexOf(lane);
  return (
    <span className={`lane cut lane-${at < 0 ? 0 : at === 0 ? 0 : 1 + ((at - 1) % 5)}`}>
      <Plain text={lane} />
    </span>
  );
}

/** From the gateway's point of view; for the client in the letters everybody knows. */
export function Direction({ row }: { readonly row: PacketRow }) {
  if (row.kind === 'decision' || row.kind === 'note') return <span className="dim">{row.kind}</span>;
  const sent = row.direction === 'sent';
  return (
    <span className="nowrap">
      <Icon name={sent ? 'arrowRight' : 'arrowLeft'} size={13} />{' '}
      {row.lane === 'client' ? (sent ? 'S' : 'C') : sent ? 'to' : 'from'}
    </span>
  );
}

function Wait({
  waited,
  longest,
  slow,
}: {
  readonly waited: number;
  readonly longest: number;
  readonly slow: boolean;
}) {
  return (
    <span className={slow ? 'wait slow' : 'wait'}>
      <span className="wait-bar" style={{ width: Math.max(2, (waited / longest) * 72) }} />
      {slow && <Icon name="clock" size={12} />}
      {slow && <span className="sr-only">among the slowest: </span>}
      {span(waited)}
    </span>
  );
}
