/** How the machine is: version, certificates, disk of the spool, delay of the event loop. */
import { useQuery } from '@tanstack/react-query';
import { ask } from '../api/client.ts';
import { useMay } from '../api/session.tsx';
import type { Overview } from '../api/shapes.ts';
import { LinkButton } from '../message/message.tsx';
import { bytes, span } from '../parts/format.ts';
import { useEvery } from '../parts/live.tsx';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Loading, Trouble } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';

export function SystemHealth() {
  const may = useMay('admin');
  const every = useEvery(5000);
  const overview = useQuery({
    queryKey: ['overview'],
    queryFn: ({ signal }) => ask<Overview>('/api/v1/overview', { signal }),
    refetchInterval: every,
  });
  if (overview.isPending) return <Loading what="how it is" />;
  if (overview.isError && !overview.data)
    return <Trouble error={overview.error} retry={() => void overview.refetch()} />;
  const data = overview.data;
  return (
    <div className="columns">
      {may && (
        <Card
          title="Support bundle"
          aside={<LinkButton to="/api/v1/support-bundle" label="Download" icon="download" />}
        >
          <p>
            Settings without their secrets, checks, figures, queue counts and recent trouble in one file. No
            content of mail is in it, but names of hosts, filters and users, and addresses that troubles were
            about.
          </p>
        </Card>
      )}
      <Card title="Gateway">
        <dl className="facts">
          <dt>Host name</dt>
          <dd>
            <Plain text={data.hostname} />
          </dd>
          <dt>Version</dt>
          <dd>{data.version}</dd>
          <dt>Spool, free</dt>
          <dd>{data.spoolFree === null ? '–' : bytes(data.spoolFree)}</dd>
          <dt>Event loop delay</dt>
          <dd>
            {span(data.loopDelay)} {(data.loopDelay ?? 0) > 100 && <Status word="slow" />}
          </dd>
          <dt>Configuration</dt>
          <dd>
            {data.configChanged ? (
              <>
                changed <When at={data.configChanged.at} relative />
                {data.configChanged.by !== '' && (
                  <>
                    {' '}
                    by <Plain text={data.configChanged.by} />
                  </>
                )}
              </>
            ) : (
              'as it was at the start'
            )}
          </dd>
        </dl>
      </Card>
      <Card title="Certificates">
        {data.certificates.length === 0 ? (
          <p className="dim">None are configured.</p>
        ) : (
          <div className="scroll-x" tabIndex={0} role="region" aria-label="Certificates">
            <table className="plain-table">
              <thead>
                <tr>
                  <th scope="col">Certificate</th>
                  <th scope="col" className="num">
                    Days left
                  </th>
                  <th scope="col">State</th>
                </tr>
              </thead>
              <tbody>
                {data.certificates.map((each) => (
                  <tr key={each.name}>
                    <td>
                      <Plain text={each.name} />
                    </td>
                    <td className="num">{each.daysLeft}</td>
                    <td>
                      <Status
                        word={each.daysLeft < 0 ? 'expired' : each.daysLeft < 21 ? 'slow' : 'ok'}
                        label={each.daysLeft < 0 ? 'expired' : each.daysLeft < 21 ? 'renew it' : 'good'}
                      />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Card>
    </div>
  );
}
