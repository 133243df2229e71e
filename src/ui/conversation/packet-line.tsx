/** One row of the table of packets. */
import type { PacketRow } from '../api/shapes.ts';
import { span } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Plain } from '../parts/plain.tsx';
import { summaryOf, waitedOf } from './folds.ts';
import type { TableRow } from './packet-table.tsx';

interface Props {
  readonly row: TableRow;
  readonly lanes: readonly string[];
  /** It is the one that is decoded below. */
  readonly current: boolean;
  readonly focusable: boolean;
  readonly unfolded: boolean;
  readonly longest: number;
  readonly slow: boolean;
  readonly choose: (key: string) => void;
  readonly toggle: (key: string) => void;
}

export function PacketLine({
  row: shown,
  lanes,
  current,
  focusable,
  unfolded,
  longest,
  slow,
  choose,
  toggle,
}: Props) {
  const { key, line, inner } = shown;
  const row = inner ?? line.row;
  const foldable = inner === null && (line.folded.length > 0 || line.macros.length > 0);
  const waited = inner === null ? waitedOf(line) : inner.waited;
  return (
    <tr
      data-key={key}
      tabIndex={focusable ? 0 : -1}
      className={`kind-${row.kind}${row.note === '' && row.kind !== 'note' ? '' : ' odd'}${inner ? ' inner' : ''}`}
      {...(current && { 'aria-current': 'true' as const })}
      onClick={() => choose(key)}
      onFocus={() => !current && choose(key)}
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
            aria-expanded={unfolded}
            aria-label={unfolded ? 'Fold' : `Unfold ${line.folded.length || line.macros.length} packets`}
            onClick={(event) => {
              event.stopPropagation();
              toggle(line.key);
            }}
          >
            <Icon name={unfolded ? 'down' : 'right'} size={12} />
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
        {inner === null && line.macros.length > 0 && !unfolded && (
          <span className="dim small"> with macros</span>
        )}
      </td>
      <td className="num">
        {inner === null && line.folded.length > 0
          ? line.folded.reduce((sum, each) => sum + each.bytes, 0).toLocaleString('en-GB')
          : row.bytes.toLocaleString('en-GB')}
      </td>
      <td className="num">{waited !== null && <Wait waited={waited} longest={longest} slow={slow} />}</td>
    </tr>
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
