/** One held message: why it is held, what it says, who did what; released, asked of the filters again, or deleted. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { ask, askBytes } from '../api/client.ts';
import { useMay } from '../api/session.tsx';
import type { AuditLine, HeldRow } from '../api/shapes.ts';
import { bytes } from '../parts/format.ts';
import { Card, Page, Tabs } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Loading, NotAllowed, Note, Trouble } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { visible } from '../parts/visible.ts';
import { When } from '../parts/when.tsx';
import { MailContent, type ContentView } from '../message/content.tsx';
import { LinkButton } from '../message/message.tsx';
import { useParameters } from '../parts/address.ts';
import { OrderWindow } from '../queue/orders.tsx';
import { listAddress, useEscape } from '../shell/keys.ts';
import { NoteField } from './note-field.tsx';
import { ReleaseWindow } from './release.tsx';
import { RescanWindow } from './rescan.tsx';

export function Held() {
  const { id } = useParams<{ id: string }>();
  const held = useQuery({
    queryKey: ['queue', 'held', id],
    queryFn: ({ signal }) => ask<HeldRow>(`/api/v1/quarantine/${encodeURIComponent(id)}`, { signal }),
  });
  useEscape('/quarantine');
  if (held.isPending) return <Loading what="the held message" />;
  if (held.data === undefined) return <Trouble error={held.error} retry={() => void held.refetch()} />;
  return <HeldPage row={held.data} gone={held.isError} />;
}

type Asking = 'release' | 'delete' | 'rescan' | null;

function HeldPage({ row, gone }: { readonly row: HeldRow; readonly gone: boolean }) {
  const [asking, setAsking] = useState<Asking>(null);
  const [, navigate] = useLocation();
  const may = useMay('operator');
  const close = (done: boolean): void => {
    setAsking(null);
    if (done) navigate(listAddress('/quarantine'));
  };
  return (
    <Page
      title={row.subject === '' ? `Held message ${row.id}` : visible(row.subject)}
      heading={<Plain text={row.subject} none="no subject" />}
      crumbs={[{ label: 'Quarantine', to: listAddress('/quarantine') }, row.id]}
      actions={
        may &&
        !gone && (
          <>
            <Button size="xs" onClick={() => setAsking('release')}>
              Release
            </Button>
            <Button size="xs" variant="default" onClick={() => setAsking('rescan')}>
              Rescan
            </Button>
            <Button size="xs" variant="default" onClick={() => setAsking('delete')}>
              Delete
            </Button>
            <LinkButton to={`/api/v1/queue/${row.id}/message`} label="Download" icon="download" />
          </>
        )
      }
    >
      {gone && (
        <Note tone="warn">
          It is not held any more, or cannot be read.{' '}
          <Link href={`/messages/${row.id}`}>See its history</Link>
        </Note>
      )}
      <div className="columns">
        <Facts row={row} />
        <div className="stack">
          <NoteField row={row} />
          <Audit id={row.id} />
        </div>
      </div>
      {may ? (
        <Preview id={row.id} />
      ) : (
        <NotAllowed detail="To look into held mail a token needs the scope operator." />
      )}
      {asking === 'release' && (
        <ReleaseWindow about={{ ids: [row.id] }} recipients={row.to} heldBy={row.by} close={close} />
      )}
      {asking === 'delete' && <OrderWindow verb="delete" about={{ ids: [row.id] }} close={close} />}
      {asking === 'rescan' && <RescanWindow id={row.id} close={close} />}
    </Page>
  );
}

function Facts({ row }: { readonly row: HeldRow }) {
  return (
    <Card title="Held">
      <dl className="facts">
        <dt>Reason</dt>
        <dd>
          {row.malware && <Status word="malware" />} <Plain text={row.reason} none="no reason given" />
        </dd>
        <dt>By</dt>
        <dd>
          <Plain text={row.by} />
        </dd>
        <dt>Since</dt>
        <dd>
          <When at={row.since} />
        </dd>
        <dt>Given up</dt>
        <dd>
          <When at={row.expiresAt} />
        </dd>
        <dt>From</dt>
        <dd>
          <Plain text={row.from} none="no From field" />
          <br />
          <span className="dim small">
            envelope <Plain text={row.sender} none="<>" />
          </span>
        </dd>
        <dt>To</dt>
        <dd className="stack" style={{ gap: 2 }}>
          {row.to.map((to) => (
            <Plain key={to} text={to} />
          ))}
          {row.recipients > row.to.length && (
            <span className="dim">and {row.recipients - row.to.length} more</span>
          )}
        </dd>
        <dt>Client</dt>
        <dd>
          <Plain text={row.client} mono /> <Plain text={row.clientName} />
        </dd>
        <dt>Size</dt>
        <dd>{bytes(row.size)}</dd>
        <dt>History</dt>
        <dd>
          <Link href={`/messages/${row.id}`} className="mono">
            {row.id}
          </Link>
        </dd>
      </dl>
    </Card>
  );
}

function Audit({ id }: { readonly id: string }) {
  const audit = useQuery({
    queryKey: ['queue', 'audit', id],
    queryFn: async ({ signal }) => {
      const answer = await ask<readonly AuditLine[] | { readonly records: readonly AuditLine[] }>(
        `/api/v1/quarantine/${encodeURIComponent(id)}/audit`,
        { signal },
      );
      return 'records' in answer ? answer.records : answer;
    },
  });
  return (
    <Card title="Who did what">
      {audit.isPending ? (
        <Loading what="the trail" rows={2} />
      ) : audit.isError ? (
        <Trouble error={audit.error} />
      ) : audit.data.length === 0 ? (
        <p className="dim">Nobody did anything to it yet.</p>
      ) : (
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Who did what">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">What</th>
              </tr>
            </thead>
            <tbody>
              {audit.data.map((line, i) => (
                <tr key={i}>
                  <td>
                    <When at={line.at} />
                  </td>
                  <td>
                    <Plain text={line.by} />
                  </td>
                  <td>
                    {line.verb} {line.result !== 'done' && <span className="dim">({line.result})</span>}{' '}
                    <Plain text={line.text ?? line.detail} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

const VIEWS = ['text', 'headers', 'parts', 'source'] as const;

function Preview({ id }: { readonly id: string }) {
  const [parameters] = useParameters();
  const view: ContentView = VIEWS.find((each) => each === parameters.get('view')) ?? 'text';
  const mail = useQuery({
    queryKey: ['queue', 'bytes', id],
    queryFn: ({ signal }) => askBytes(`/api/v1/queue/${encodeURIComponent(id)}/message`, signal),
    staleTime: Infinity,
  });
  return (
    <div className="stack">
      <Tabs
        label="Look into it"
        tabs={VIEWS.map((each) => ({
          to: `/quarantine/${id}${each === 'text' ? '' : `?view=${each}`}`,
          label: { text: 'Text', headers: 'Headers', parts: 'Parts', source: 'Source' }[each],
          current: each === view,
        }))}
      />
      {mail.isPending ? (
        <Loading what="the mail" />
      ) : mail.data === undefined ? (
        <Trouble error={mail.error} retry={() => void mail.refetch()} />
      ) : (
        <MailContent bytes={mail.data} view={view} />
      )}
    </div>
  );
}
