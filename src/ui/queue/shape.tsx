/** The shape of the queue: destinations against age, darker where more waits; each number leads to its messages. */
import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { ask } from '../api/client.ts';
import type { QueueShape } from '../api/shapes.ts';
import { useParameters } from '../parts/address.ts';
import { count } from '../parts/format.ts';
import { useEvery } from '../parts/live.tsx';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty, Loading, Trouble } from '../parts/states.tsx';

export function Shape() {
  const [parameters, change] = useParameters();
  const by = parameters.get('by') === 'sender_domain' ? 'sender_domain' : 'rcpt_domain';
  const every = useEvery(10_000);
  const shape = useQuery({
    queryKey: ['queue', 'shape', by],
    queryFn: ({ signal }) => ask<QueueShape>(`/api/v1/queue-shape?by=${by}`, { signal }),
    refetchInterval: every,
  });
  if (shape.isPending) return <Loading what="the shape" />;
  if (shape.isError) return <Trouble error={shape.error} retry={() => void shape.refetch()} />;
  const { ages, rows } = shape.data;
  const most = Math.max(1, ...rows.flatMap((row) => row.counts));
  return (
    <Card
      title="Where it waits, and how long"
      aside={
        <SegmentedControl
          size="xs"
          aria-label="By which domain"
          data={[
            { value: 'rcpt_domain', label: 'By recipient' },
            { value: 'sender_domain', label: 'By sender' },
          ]}
          value={by}
          onChange={(value) => change({ by: value === 'rcpt_domain' ? null : value })}
        />
      }
    >
      {rows.length === 0 ? (
        <Empty title="The queue is empty" command="millrace queue shape" />
      ) : (
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Shape of the queue">
          <table className="plain-table heat">
            <thead>
              <tr>
                <th scope="col">Domain</th>
                <th scope="col" className="num">
                  All
                </th>
                {rows[0]!.counts.map((_, i) => (
                  <th key={i} scope="col" className="num">
                    {labelOf(ages, i)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.domain}>
                  <th scope="row">
                    <Link href={`/queue/deferred?where=${encodeURIComponent(`${by}=${row.domain}`)}`}>
                      <Plain text={row.domain} none="(none)" />
                    </Link>
                  </th>
                  <td className="num">
                    <strong>{count(row.total)}</strong>
                  </td>
                  {row.counts.map((n, i) => (
                    <td
                      key={i}
                      className={`num heat-${n === 0 ? 0 : Math.min(5, 1 + Math.floor((4 * Math.log1p(n)) / Math.log1p(most)))}`}
                    >
                      {n === 0 ? <span className="dim">·</span> : count(n)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

/** Columns are up to each age in minutes, as qshape has them; the last is everything older. */
function labelOf(ages: readonly number[], i: number): string {
  const age = ages[i];
  return age === undefined ? `over ${ages.at(-1)} min` : `to ${age} min`;
}
