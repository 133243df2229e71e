/** Everything that was counted of a filter, when one asks for it: waits by the minute, answers by stage, edits, errors, bytes. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../api/client.ts';
import type { MilterFigures } from '../api/shapes.ts';
import { bytes, count, span } from '../parts/format.ts';
import { useEvery } from '../parts/live.tsx';
import { Plain } from '../parts/plain.tsx';
import { Loading, Trouble } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { WaitMap } from './wait-map.tsx';

export function MilterFiguresFold({ name }: { readonly name: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="milter-figures" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Figures<span className="sr-only"> of {name}</span>
      </summary>
      {open && <Figures name={name} />}
    </details>
  );
}

function Figures({ name }: { readonly name: string }) {
  const every = useEvery(10_000);
  const figures = useQuery({
    queryKey: ['milters', 'figures', name],
    queryFn: ({ signal }) =>
      ask<MilterFigures>(`/api/v1/milters/${encodeURIComponent(name)}/figures`, { signal }),
    refetchInterval: every,
  });
  if (figures.isPending) return <Loading what="the figures" rows={3} />;
  if (figures.isError) return <Trouble error={figures.error} retry={() => void figures.refetch()} />;
  const { waits, stages, edits, errors } = figures.data;
  return (
    <div className="stack">
      <h3>Waits of the last hour</h3>
      <WaitMap name={name} waits={waits} />
      {stages.length > 0 && <Stages name={name} stages={stages} />}
      {edits.length > 0 && <Edits name={name} edits={edits} />}
      {errors.length > 0 && <Errors name={name} errors={errors} />}
      <Bytes figures={figures.data} />
    </div>
  );
}

function Stages({ name, stages }: { readonly name: string; readonly stages: MilterFigures['stages'] }) {
  return (
    <Numbers name={`Answers of ${name} by stage`} head={['Stage', 'Answers', 'p50', 'p95', 'p99']} words={2}>
      {stages.map(({ stage, answers, p50, p95, p99 }) => (
        <tr key={stage}>
          <th scope="row">{stage}</th>
          <td>
            {Object.entries(answers)
              .toSorted(([, a], [, b]) => b - a)
              .map(([reply, n]) => `${reply} ${count(n)}`)
              .join(', ')}
          </td>
          <td className="num">{span(p50)}</td>
          <td className="num">{span(p95)}</td>
          <td className="num">{span(p99)}</td>
        </tr>
      ))}
    </Numbers>
  );
}

function Edits({ name, edits }: { readonly name: string; readonly edits: MilterFigures['edits'] }) {
  return (
    <Numbers name={`Edits of ${name}`} head={['Edit', 'Made', 'Not made']} words={1}>
      {edits.map(({ edit, made, refused }) => (
        <tr key={edit}>
          <th scope="row">{edit.replaceAll('_', ' ')}</th>
          <td className="num">{count(made)}</td>
          <td className="num">{count(refused)}</td>
        </tr>
      ))}
    </Numbers>
  );
}

function Errors({ name, errors }: { readonly name: string; readonly errors: MilterFigures['errors'] }) {
  return (
    <Numbers name={`Errors of ${name}`} head={['Error', 'The latest', 'When', 'Times']} words={3}>
      {errors.map(({ kind, count: times, last, at }) => (
        <tr key={kind}>
          <th scope="row">{kind.replaceAll('_', ' ')}</th>
          <td>
            <Plain text={last} mono none="not heard by this process" />
          </td>
          <td>{at !== null && <When at={at} relative />}</td>
          <td className="num">{count(times)}</td>
        </tr>
      ))}
    </Numbers>
  );
}

/** What was not sent, and why, beside what was. */
function Bytes({ figures: { unsent, sentBytes, receivedBytes } }: { readonly figures: MilterFigures }) {
  const because = (reason: string): string => bytes(unsent[reason] ?? 0);
  return (
    <p className="small">
      Sent {bytes(sentBytes)}, received {bytes(receivedBytes)}. Of bodies it was spared {because('skip')} by
      SKIP, {because('unwanted')} because it wants none, {because('decided')} because it had decided.
    </p>
  );
}

function Numbers({
  name,
  head,
  words,
  children,
}: {
  readonly name: string;
  readonly head: readonly string[];
  /** Columns that are no numbers. */
  readonly words: number;
  readonly children: React.ReactNode;
}) {
  return (
    <div className="scroll-x" tabIndex={0} role="region" aria-label={name}>
      <table className="plain-table">
        <thead>
          <tr>
            {head.map((title, i) => (
              <th key={title} scope="col" className={i < words ? undefined : 'num'}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
