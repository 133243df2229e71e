/** How long messages of the last hour waited for a filter: time against waits on a logarithmic scale, darker where more; and as a table. */
import { useMemo } from 'react';
import type { MilterFigures } from '../api/shapes.ts';
import { count, moment, span } from '../parts/format.ts';
import { usePreferences } from '../parts/preferences.tsx';
import { When } from '../parts/when.tsx';

type Waits = MilterFigures['waits'];

const WIDTH = 10;
const HEIGHT = 9;
const LEFT = 52;
const BELOW = 16;

/** Shades from 1 to 5; the step from one to two counts more than that from 101 to 102. */
const shadeOf = (n: number, most: number): number =>
  Math.min(5, 1 + Math.floor((4 * Math.log1p(n)) / Math.log1p(most)));

const labelOf = (bounds: readonly number[], i: number): string =>
  i < bounds.length ? `to ${span(bounds[i])}` : `over ${span(bounds.at(-1))}`;

export function WaitMap({ name, waits }: { readonly name: string; readonly waits: Waits }) {
  const { minutes, bounds } = waits;
  const total = minutes.reduce((sum, { counts }) => sum + counts.reduce((a, b) => a + b, 0), 0);
  if (total === 0) return <p className="dim small">No message waited for it within the last hour.</p>;
  return (
    <div className="stack">
      <Drawing name={name} waits={waits} total={total} />
      <details>
        <summary>Waits as a table</summary>
        <div
          className="scroll-x minutes"
          tabIndex={0}
          role="region"
          aria-label={`Waits for ${name} as a table`}
        >
          <Table minutes={minutes} bounds={bounds} />
        </div>
      </details>
    </div>
  );
}

function Drawing({
  name,
  waits,
  total,
}: {
  readonly name: string;
  readonly waits: Waits;
  readonly total: number;
}) {
  const { zone } = usePreferences();
  const { minutes, bounds } = waits;
  const rows = bounds.length + 1;
  const most = Math.max(...minutes.flatMap(({ counts }) => counts));
  const high = rows * HEIGHT;
  const cells = useMemo(
    () =>
      minutes.flatMap(({ at, counts }, x) =>
        counts.flatMap((n, row) =>
          n === 0
            ? []
            : [
                <rect
                  key={`${at} ${row}`}
                  className={`wait-${shadeOf(n, most)}`}
                  x={LEFT + x * WIDTH}
                  y={high - (row + 1) * HEIGHT}
                  width={WIDTH - 1}
                  height={HEIGHT - 1}
                >
                  <title>{`${moment(at, zone)}: ${count(n)} ${labelOf(bounds, row)}`}</title>
                </rect>,
              ],
        ),
      ),
    [minutes, bounds, most, high, zone],
  );
  return (
    <svg
      className="wait-map"
      viewBox={`0 0 ${LEFT + minutes.length * WIDTH} ${high + BELOW}`}
      role="img"
      aria-label={`Waits of ${count(total)} messages for ${name}, minute by minute; the same numbers are in the table below`}
    >
      <rect className="wait-none" x={LEFT} y={0} width={minutes.length * WIDTH} height={high} />
      {cells}
      {bounds.map((bound, i) =>
        i % 3 === 1 ? (
          <text key={bound} x={LEFT - 6} y={high - (i + 1) * HEIGHT + 3} textAnchor="end">
            {span(bound)}
          </text>
        ) : null,
      )}
      {minutes.map(({ at }, i) =>
        i % 15 === 0 || i === minutes.length - 1 ? (
          <text
            key={at}
            x={LEFT + i * WIDTH}
            y={high + 12}
            textAnchor={i === minutes.length - 1 ? 'end' : 'start'}
          >
            {moment(at, zone, at).slice(0, 5)}
          </text>
        ) : null,
      )}
    </svg>
  );
}

/** Only minutes and waits that there were. */
function Table({ minutes, bounds }: Waits) {
  const rows = minutes.filter(({ counts }) => counts.some((n) => n > 0));
  const columns = [...bounds.keys(), bounds.length].filter((i) => rows.some(({ counts }) => counts[i]! > 0));
  return (
    <table className="plain-table">
      <thead>
        <tr>
          <th scope="col">Minute</th>
          {columns.map((i) => (
            <th key={i} scope="col" className="num">
              {labelOf(bounds, i)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.toReversed().map(({ at, counts }) => (
          <tr key={at}>
            <th scope="row">
              <When at={at} />
            </th>
            {columns.map((i) => (
              <td key={i} className="num">
                {counts[i]}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
