/** Messages by the minute and outcome, drawn as stacked bars, with the same numbers as a table behind it. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Overview } from '../api/shapes.ts';
import { usePreferences } from '../parts/preferences.tsx';
import { When } from '../parts/when.tsx';

type Minute = Overview['perMinute'][number];
const OUTCOMES = [
  ['accepted', 'Accepted', '--good-shape'],
  ['held', 'Held', '--held-shape'],
  ['discarded', 'Discarded', '--calm-shape'],
  ['tempfailed', 'Put off', '--warn-shape'],
  ['rejected', 'Refused', '--bad-shape'],
] as const;

export function Throughput({ perMinute }: { readonly perMinute: readonly Minute[] }) {
  return (
    <div className="stack">
      <ul className="legend">
        {OUTCOMES.map(([key, label, colour]) => (
          <li key={key}>
            <span style={{ background: `var(${colour})` }} />
            {label}
          </li>
        ))}
      </ul>
      <Drawing perMinute={perMinute} />
      <details>
        <summary>The same as a table</summary>
        <div
          className="scroll-x minutes"
          tabIndex={0}
          role="region"
          aria-label="Messages a minute as a table"
        >
          <div className="scroll-x" tabIndex={0} role="region" aria-label="Table">
            <table className="plain-table">
              <thead>
                <tr>
                  <th scope="col">Minute</th>
                  {OUTCOMES.map(([key, label]) => (
                    <th key={key} scope="col" className="num">
                      {label}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {perMinute.toReversed().map((minute) => (
                  <tr key={minute.at}>
                    <th scope="row">
                      <When at={minute.at} />
                    </th>
                    {OUTCOMES.map(([key]) => (
                      <td key={key} className="num">
                        {minute[key]}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </div>
      </details>
    </div>
  );
}

/** Heights from the bottom up, the tallest first, so that each bar covers the one behind it. */
function stacked(perMinute: readonly Minute[]): uPlot.AlignedData {
  const xs = perMinute.map((minute) => minute.at / 1000);
  const sums = perMinute.map(() => 0);
  const layers = OUTCOMES.map(([key]) => perMinute.map((minute, i) => (sums[i] = sums[i]! + minute[key])));
  return [xs, ...layers.toReversed()];
}

function Drawing({ perMinute }: { readonly perMinute: readonly Minute[] }) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const { zone } = usePreferences();
  const latest = useRef(perMinute);
  latest.current = perMinute;
  useEffect(() => {
    const box = place.current;
    if (!box) return undefined;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsFor(box.clientWidth, zone), stacked(latest.current), box);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: 200 }));
    resized.observe(box);
    const themed = new MutationObserver(draw);
    themed.observe(document.documentElement, {
      attributes: true,
      attributeFilter: ['data-mantine-color-scheme'],
    });
    return () => {
      resized.disconnect();
      themed.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [zone]);
  useEffect(() => plot.current?.setData(stacked(perMinute)), [perMinute]);
  return (
    <div
      ref={place}
      className="plot"
      role="img"
      aria-label="Messages a minute by outcome over the last hour; the numbers are in the table below"
    />
  );
}

function optionsFor(width: number, zone: 'utc' | 'local'): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--ink-3'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  const bars = uPlot.paths.bars!({ size: [0.72, 16], radius: 0.15 });
  return {
    width,
    height: 200,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) =>
      zone === 'utc' ? uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') : new Date(seconds * 1000),
    scales: { x: { time: true }, y: { range: (_, __, max) => [0, Math.max(5, max * 1.1)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        values: (_, ticks) => ticks.map((tick) => clockOf(tick, zone)),
        space: 70,
      },
      { ...axis, size: 44 },
    ],
    series: [
      {},
      ...OUTCOMES.toReversed().map(([, label, name]) => ({
        label,
        fill: colour(name),
        stroke: colour(name),
        width: 0,
        paths: bars,
        points: { show: false },
      })),
    ],
  };
}

function clockOf(seconds: number, zone: 'utc' | 'local'): string {
  const date = new Date(seconds * 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  return zone === 'utc'
    ? `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`
    : `${two(date.getHours())}:${two(date.getMinutes())}`;
}
