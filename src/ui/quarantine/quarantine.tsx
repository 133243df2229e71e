/** Held mail: why, by whom, what it says, until when; one, some or all that match can be released or deleted. */
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ask, withQuery } from '../api/client.ts';
import { useMay } from '../api/session.tsx';
import type { HeldPage, HeldRow, Verb } from '../api/shapes.ts';
import { Rows, type Column } from '../list/rows.tsx';
import { useSelection } from '../list/selection.ts';
import { usePaged } from '../list/use-paged.ts';
import { useParameters } from '../parts/address.ts';
import { bytes, count } from '../parts/format.ts';
import { Page } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { OrderWindow, type About } from '../queue/orders.tsx';
import { useListAddress } from '../shell/keys.ts';
import { ReleaseWindow } from './release.tsx';

const idOf = (row: HeldRow): string => row.id;
const COLUMNS: readonly Column<HeldRow>[] = [
  { key: 'since', label: 'Held', width: '86px', cell: (row) => <When at={row.since} /> },
  {
    key: 'reason',
    label: 'Reason',
    width: 'minmax(130px, 1.6fr)',
    cell: (row) => (
      <span className="row" style={{ flexWrap: 'nowrap' }}>
        {row.malware && <Status word="malware" />}
        <span className="cut">
          <Plain text={row.reason} none="no reason given" tip />
        </span>
      </span>
    ),
  },
  { key: 'by', label: 'By', width: '90px', cell: (row) => <Plain text={row.by} tip /> },
  {
    key: 'from',
    label: 'From',
    width: 'minmax(110px, 1fr)',
    cell: (row) => <Plain text={row.from || row.sender} none="<>" tip />,
  },
  {
    key: 'to',
    label: 'To',
    width: 'minmax(100px, 1fr)',
    cell: (row) => (
      <>
        <Plain text={row.to[0] ?? ''} tip />
        {row.recipients > 1 && <span className="dim"> +{row.recipients - 1}</span>}
      </>
    ),
  },
  {
    key: 'subject',
    label: 'Subject',
    width: 'minmax(120px, 1.6fr)',
    cell: (row) => (
      <Link href={`/quarantine/${row.id}`} tabIndex={-1}>
        <Plain text={row.subject} none="no subject" tip />
      </Link>
    ),
  },
  { key: 'size', label: 'Size', width: '66px', numeric: true, cell: (row) => bytes(row.size) },
  { key: 'client', label: 'Client', width: '110px', cell: (row) => <Plain text={row.client} mono tip /> },
  { key: 'expires', label: 'Given up', width: '84px', cell: (row) => <When at={row.expiresAt} relative /> },
];

export function Quarantine() {
  const [parameters, change] = useParameters();
  const [, navigate] = useLocation();
  const may = useMay('operator');
  const selection = useSelection();
  const [order, setOrder] = useState<{ verb: Verb; about: About } | null>(null);
  useListAddress('/quarantine');
  const text = parameters.get('where') ?? '';
  const conditions = text.split(/\s+/).filter((word) => word !== '');
  const list = usePaged<HeldRow>(text, (before, signal) => readHeld(conditions, before, signal), idOf);
  const about = (): About =>
    selection.all ? { where: ['state=held', ...conditions], count: null } : { ids: [...selection.ids] };
  const act = (key: string, row: HeldRow): void => {
    if (key === 'h') return;
    const marked = selection.all || selection.ids.size > 0;
    setOrder({ verb: key === 'Delete' ? 'delete' : 'release', about: marked ? about() : { ids: [row.id] } });
  };
  const close = (done: boolean): void => {
    setOrder(null);
    if (!done) return;
    selection.clear();
    list.reset();
  };
  const marked = selection.all || selection.ids.size > 0;
  return (
    <Page
      title="Quarantine"
      intro="Mail that a filter or somebody wanted held. It is given up when its time is over."
    >
      <TextInput
        label="Conditions"
        description="held_by=rspamd  reason=*virus*  rcpt_domain=example.org"
        size="xs"
        maw={420}
        defaultValue={text}
        onBlur={(event) => change({ where: event.currentTarget.value })}
        onKeyDown={(event) => event.key === 'Enter' && change({ where: event.currentTarget.value })}
      />
      {may && (
        <div className={marked ? 'bulk' : 'row'} role="group" aria-label="Orders about the marked messages">
          {marked ? (
            <>
              <span role="status">
                {selection.all ? 'All that match are marked' : `${count(selection.ids.size)} marked`}
              </span>
              <Button
                size="xs"
                variant="default"
                onClick={() => setOrder({ verb: 'release', about: about() })}
              >
                Release
              </Button>
              <Button
                size="xs"
                variant="default"
                onClick={() => setOrder({ verb: 'delete', about: about() })}
              >
                Delete
              </Button>
              <Button size="xs" variant="subtle" onClick={selection.clear}>
                Unmark
              </Button>
            </>
          ) : (
            <Button variant="subtle" size="xs" onClick={() => selection.setAll(true)}>
              Mark all that match
            </Button>
          )}
        </div>
      )}
      <Rows
        name="quarantine"
        label="Held mail"
        list={list}
        columns={COLUMNS}
        idOf={idOf}
        open={(row) => navigate(`/quarantine/${row.id}`)}
        {...(may && { selection, act })}
        empty={
          <Empty
            title={text === '' ? 'Nothing is held' : 'Nothing fits these conditions'}
            command="millrace queue hold ID --reason 'to be looked at'"
          >
            What filters want held comes here by itself. To hold something from the queue:
          </Empty>
        }
      />
      {order?.verb === 'release' && (
        <ReleaseWindow about={order.about} recipients={[]} heldBy="" close={close} />
      )}
      {order && order.verb !== 'release' && <OrderWindow {...order} close={close} />}
    </Page>
  );
}

async function readHeld(conditions: readonly string[], before: string | null, signal: AbortSignal) {
  const query = new URLSearchParams(conditions.map((each) => ['where', each]));
  query.set('limit', '100');
  // The quarantine goes from the oldest on, so its cursor is called `after`.
  if (before !== null) query.set('after', before);
  const { entries, next } = await ask<HeldPage>(
    withQuery('/api/v1/quarantine', {}) + `?${query.toString()}`,
    { signal },
  );
  return { rows: entries, next };
}
