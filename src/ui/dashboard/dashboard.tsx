/** How it goes: mail by the minute, times, queue, filters, what failed lately; each number leads to its list. */
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Link } from 'wouter';
import { ask } from '../api/client.ts';
import type { Overview } from '../api/shapes.ts';
import { bytes, count, span } from '../parts/format.ts';
import { useEvery } from '../parts/live.tsx';
import { Card, Page } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty, Loading, Note, Trouble } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { MilterRows } from './milter-rows.tsx';
import './dashboard.css';

// The drawing is loaded after the numbers.
const Throughput = lazy(async () => ({ default: (await import('./throughput.tsx')).Throughput }));

export function Dashboard() {
  const every = useEvery(5000);
  const overview = useQuery({
    queryKey: ['overview'],
    queryFn: ({ signal }) => ask<Overview>('/api/v1/overview', { signal }),
    refetchInterval: every,
  });
  if (overview.isPending) return <Loading what="the dashboard" />;
  if (overview.isError && !overview.data)
    return <Trouble error={overview.error} retry={() => void overview.refetch()} />;
  const data = overview.data;
  return (
    <Page title="Dashboard" intro={<Intro data={data} />}>
      {data.certificates
        .filter((each) => each.daysLeft < 21)
        .map((each) => (
          <Note key={each.name} tone={each.daysLeft < 7 ? 'bad' : 'warn'}>
            The certificate <Plain text={each.name} />{' '}
            {each.daysLeft < 0 ? 'has expired' : `expires in ${each.daysLeft} days`}.{' '}
            <Link href="/settings/system?tab=health">See the certificates</Link>
          </Note>
        ))}
      <Tiles data={data} />
      <Card title="Messages a minute" aside={<span className="dim small">the last hour</span>}>
        <Suspense fallback={<Loading what="the chart" rows={4} />}>
          <Throughput perMinute={data.perMinute} />
        </Suspense>
      </Card>
      <div className="columns wide-first">
        <Card title="Filters" aside={<Link href="/settings/mta/filters/milters">Settings</Link>}>
          {data.milters.length === 0 ? (
            <Empty title="No milter is configured">
              <Link href="/settings/mta/filters/milters/new">Add the first one</Link>
            </Empty>
          ) : (
            <MilterRows milters={data.milters} />
          )}
        </Card>
        <Card title="Recent failures">
          {data.failures.length === 0 ? (
            <p className="dim">None. That is how it should be.</p>
          ) : (
            <ul className="failures">
              {data.failures.slice(0, 12).map((failure, i) => (
                <li key={i}>
                  <span className="dim small">
                    <When at={failure.at} />
                  </span>
                  <Plain text={failure.text} />
                </li>
              ))}
            </ul>
          )}
        </Card>
      </div>
    </Page>
  );
}

function Intro({ data }: { readonly data: Overview }) {
  return (
    <>
      Millrace {data.version} on <Plain text={data.hostname} />
      {data.configChanged && (
        <>
          . The configuration was changed <When at={data.configChanged.at} relative />
          {data.configChanged.by !== '' && (
            <>
              {' '}
              by <Plain text={data.configChanged.by} />
            </>
          )}
        </>
      )}
    </>
  );
}

function Tiles({ data }: { readonly data: Overview }) {
  const { queue, accept, perMinute } = data;
  const sum = (key: 'accepted' | 'rejected' | 'tempfailed'): number =>
    perMinute.reduce((total, each) => total + each[key], 0);
  const { oldest } = queue;
  return (
    <ul className="tiles">
      <Tile
        to="/messages?outcome=accepted&since=1h"
        label="Accepted, last hour"
        value={count(sum('accepted'))}
        detail="queued, or handed on"
      />
      <Tile
        to="/messages?outcome=rejected&since=1h"
        label="Refused, last hour"
        value={count(sum('rejected'))}
        detail="by a filter or a rule"
      />
      <Tile
        to="/messages?outcome=tempfailed&since=1h"
        label="Put off, last hour"
        value={count(sum('tempfailed'))}
        detail="their senders try again"
      />
      <Tile
        to="/messages?slower=1s"
        label="Accept time"
        value={span(accept.p50)}
        detail={`p95 ${span(accept.p95)}, p99 ${span(accept.p99)}`}
      />
      <Tile
        to="/queue"
        label="In the queue"
        value={count(queue.messages)}
        detail={oldest === null ? 'nothing waits' : `oldest ${span(oldest)}`}
      />
      <Tile
        to="/queue/deferred"
        label="Deferred"
        value={count(queue.deferred)}
        detail="tried in vain, tried again"
      />
      <Tile to="/quarantine" label="Held" value={count(queue.held)} detail="waits for somebody’s word" />
      <Tile
        to="/settings/system?tab=health"
        label="Spool free"
        value={data.spoolFree === null ? '–' : bytes(data.spoolFree)}
        detail={`event loop ${span(data.loopDelay)}`}
      />
    </ul>
  );
}

function Tile({
  to,
  label,
  value,
  detail,
}: {
  readonly to: string;
  readonly label: string;
  readonly value: string;
  readonly detail: string;
}) {
  return (
    <li>
      <Link href={to} className="tile card">
        <span className="tile-label">{label}</span>
        <span className="tile-value">{value}</span>
        <span className="dim small">{detail}</span>
      </Link>
    </li>
  );
}
