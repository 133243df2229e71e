/** One entry of the queue: its recipients, what the hops said, and what can be done about it. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { ask, Failure } from '../api/client.ts';
import { useMay } from '../api/session.tsx';
import type { Entry, Verb } from '../api/shapes.ts';
import { bytes } from '../parts/format.ts';
import { useEvery } from '../parts/live.tsx';
import { Card, Page } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty, Loading, Note, Trouble } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { LinkButton } from '../message/message.tsx';
import { listAddress, useEscape } from '../shell/keys.ts';
import { OrderWindow } from './orders.tsx';

export function QueueEntry() {
  const { id } = useParams<{ id: string }>();
  const every = useEvery(3000);
  const entry = useQuery({
    queryKey: ['queue', 'entry', id],
    queryFn: ({ signal }) => ask<Entry>(`/api/v1/queue/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: (query) => (query.state.status === 'error' ? false : every),
  });
  useEscape('/queue');
  if (entry.isPending) return <Loading what="the entry" />;
  if (entry.data === undefined) {
    if (entry.error instanceof Failure && entry.error.status === 404)
      return (
        <Page title="Not in the queue" crumbs={[{ label: 'Queue', to: listAddress('/queue') }, id]}>
          <Empty title="This message is not in the queue any more">
            It was delivered, given up or deleted. <Link href={`/messages/${id}`}>See its history</Link>
          </Empty>
        </Page>
      );
    return <Trouble error={entry.error} retry={() => void entry.refetch()} />;
  }
  return <EntryPage entry={entry.data} gone={entry.isError} />;
}

function EntryPage({ entry, gone }: { readonly entry: Entry; readonly gone: boolean }) {
  const [verb, setVerb] = useState<Verb | null>(null);
  const [, navigate] = useLocation();
  const may = useMay('operator') && !gone;
  const verbs: readonly Verb[] =
    entry.state === 'held'
      ? ['release', 'redirect', 'bounce', 'delete']
      : ['retry', 'hold', 'redirect', 'bounce', 'delete'];
  return (
    <Page
      title={`Queue entry ${entry.id}`}
      crumbs={[{ label: 'Queue', to: listAddress('/queue') }, entry.id]}
      actions={
        <>
          {may &&
            verbs.map((each) => (
              <Button key={each} size="xs" variant="default" onClick={() => setVerb(each)}>
                {
                  {
                    retry: 'Retry now',
                    hold: 'Hold',
                    release: 'Release',
                    redirect: 'Redirect',
                    bounce: 'Bounce',
                    delete: 'Delete',
                  }[each]
                }
              </Button>
            ))}
          {may && <LinkButton to={`/api/v1/queue/${entry.id}/message`} label="Download" icon="download" />}
        </>
      }
    >
      {gone && (
        <Note tone="warn">
          It is not in the queue any more, or cannot be read.{' '}
          <Link href={`/messages/${entry.id}`}>See its history</Link>
        </Note>
      )}
      {entry.hold && !gone && (
        <Note tone="accent">
          Held by <Plain text={entry.hold.by} /> since <When at={entry.hold.since} />:{' '}
          <Plain text={entry.hold.reason} none="no reason given" />.{' '}
          <Link href={`/quarantine/${entry.id}`}>Look at it in the quarantine</Link>
        </Note>
      )}
      <EntryFacts entry={entry} />
      {verb && (
        <OrderWindow
          verb={verb}
          about={{ ids: [entry.id] }}
          close={(done) => {
            setVerb(null);
            if (done && verb !== 'retry' && verb !== 'hold') navigate(listAddress('/queue'));
          }}
        />
      )}
    </Page>
  );
}

function EntryFacts({ entry }: { readonly entry: Entry }) {
  return (
    <>
      <div className="columns">
        <Card title="Message" aside={<Link href={`/messages/${entry.id}`}>History</Link>}>
          <dl className="facts">
            <dt>State</dt>
            <dd>
              <Status word={entry.state} />
            </dd>
            <dt>From</dt>
            <dd>
              <Plain text={entry.sender} none="<> (null sender)" />
            </dd>
            <dt>Received</dt>
            <dd>
              <When at={entry.receivedAt} />
            </dd>
            <dt>Size</dt>
            <dd>{bytes(entry.size)}</dd>
            <dt>Tries</dt>
            <dd>{entry.attempts}</dd>
            <dt>Next try</dt>
            <dd>
              <When at={entry.nextAttempt} relative />
            </dd>
            <dt>Given up</dt>
            <dd>
              <When at={entry.expiresAt} />
            </dd>
          </dl>
        </Card>
      </div>
      <Card title="Recipients">
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Recipients">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Recipient</th>
                <th scope="col">State</th>
                <th scope="col" className="num">
                  Tries
                </th>
                <th scope="col">Last answer</th>
              </tr>
            </thead>
            <tbody>
              {entry.recipients.map((each) => (
                <tr key={each.address}>
                  <td>
                    <Plain text={each.address} />
                  </td>
                  <td>
                    <Status word={each.state} />
                  </td>
                  <td className="num">{each.attempts}</td>
                  <td>
                    <Plain text={each.lastError} none="none" mono />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Card>
    </>
  );
}
