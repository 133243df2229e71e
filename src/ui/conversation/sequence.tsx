/** The same exchange drawn: a column for each lane, an arrow for each packet. The table is the one to read by screen reader. */
import { visible } from '../parts/visible.ts';
import { isError, summaryOf, type Line } from './folds.ts';

interface Props {
  readonly lines: readonly Line[];
  readonly lanes: readonly string[];
  readonly current: string;
  readonly choose: (key: string) => void;
}

const ROW = 24;
const LANE = 210;
const TOP = 44;
const MARGIN = 110;

/** The gateway stands between the client and the filters. */
export function Sequence({ lines, lanes, current, choose }: Props) {
  const columns = ['client', 'gateway', ...lanes.filter((lane) => lane !== 'client' && lane !== 'gateway')];
  const x = (lane: string): number => MARGIN + Math.max(0, columns.indexOf(lane)) * LANE;
  const width = MARGIN * 2 + (columns.length - 1) * LANE;
  const height = TOP + lines.length * ROW + 16;
  return (
    <div
      className="card sequence"
      tabIndex={0}
      role="region"
      aria-label="Drawn sequence; the table has the same rows"
    >
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={`${lines.length} steps between ${columns.map(visible).join(', ')}`}
      >
        {columns.map((lane) => (
          <g key={lane}>
            <line className="life" x1={x(lane)} x2={x(lane)} y1={TOP - 12} y2={height - 8} />
            <text className="head" x={x(lane)} y={22} textAnchor="middle">
              {visible(lane).slice(0, 24)}
            </text>
          </g>
        ))}
        {lines.map((line, i) => (
          <StepLine
            key={line.key}
            line={line}
            y={TOP + i * ROW + 12}
            from={x('gateway')}
            to={x(line.row.lane)}
            width={width}
            current={line.key === current}
            choose={choose}
          />
        ))}
      </svg>
    </div>
  );
}

interface StepProps {
  readonly line: Line;
  readonly y: number;
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly current: boolean;
  readonly choose: (key: string) => void;
}

function StepLine({ line, y, from, to, width, current, choose }: StepProps) {
  const { row } = line;
  const label = `${row.code}${line.kind ? ` ×${line.folded.length}` : ''}`;
  const className = `step${current ? ' current' : ''}${isError(line) ? ' error' : ''}`;
  const [start, end] = row.direction === 'sent' ? [from, to] : [to, from];
  const own = row.lane === 'gateway' || row.kind === 'decision' || row.kind === 'note' || start === end;
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the table does the same by keyboard
    <g className={className} onClick={() => choose(line.key)}>
      <rect x={0} y={y - ROW / 2} width={width} height={ROW} />
      {own ? (
        <text x={from + 8} y={y + 4}>
          ◆ {visible(summaryOf(line)).slice(0, 70)}
        </text>
      ) : (
        <>
          <line x1={start} x2={end} y1={y} y2={y} />
          <path
            d={
              end > start
                ? `M${end - 7} ${y - 4}L${end} ${y}L${end - 7} ${y + 4}`
                : `M${end + 7} ${y - 4}L${end} ${y}L${end + 7} ${y + 4}`
            }
          />
          <text x={(start + end) / 2} y={y - 4} textAnchor="middle">
            {visible(label).slice(0, Math.max(12, Math.abs(end - start) / 7))}
          </text>
        </>
      )}
      <text className="faint" x={8} y={y + 4}>
        {row.at.toFixed(1)}
      </text>
    </g>
  );
}
