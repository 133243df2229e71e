/** Mail that waits: active, deferred, held and suspended; one, some or all that match can be ordered about. */
import { Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { ask } from '../api/client.ts';
import { useMay } from '../api/session.tsx';
import type { Entry, QueuePage, QueueStats, Verb } from '../api/shapes.ts';
import { Rows } from '../list/rows.tsx';
import { useSelection, type Selection } from '../list/selection.ts';
import { usePaged } from '../list/use-paged.ts';
import { useParameters } from '../parts/address.ts';
import { count } from '../parts/format.ts';
import { useEvery } from '../parts/live.tsx';
import { Page, Tabs } from '../parts/page.tsx';
import { Empty } from '../parts/states.tsx';
import { useListAddress } from '../shell/keys.ts';
import { COLUMNS } from './columns.tsx';
import { OrderWindow, type About } from './orders.tsx';
import { Shape } from './shape.tsx';
import { Suspensions } from './suspensions.tsx';
import './queue.css';

const TABS = ['active', 'deferred', 'held', 'suspended', 'shape'] as const;
type Tab = (typeof TABS)[number];
const idOf = (entry: Entry): string => entry.id;

export function Queue() {
  const { tab: named } = useParams<{ tab?: string }>();
  const tab: Tab = TABS.find((each) => each === named) ?? 'active';
  const every = useEvery(4000);
  const stats = useQuery({
    queryKey: ['queue', 'stats'],
    queryFn: ({ signal }) => ask<QueueStats>('/api/v1/queue-stats', { signal }),
    refetchInterval: every,
  });
  const figures = stats.data;
  const counts: Readonly<Partial<Record<Tab, number>>> = figures
    ? {
        active: Math.max(0, figures.leased + figures.queued - figures.deferred),
        deferred: figures.deferred,
        held: figures.held,
      }
    : {};
  return (
    <Page title="Queue" intro="Accepted mail that is on its way, waits for another try, or is held.">
      <Tabs
        label="States of the queue"
        tabs={TABS.map((each) => ({
          to: each === 'active' ? '/queue' : `/queue/${each}`,
          label: {
            active: 'Active',
            deferred: 'Deferred',
            held: 'Held',
            suspended: 'Suspensions',
            shape: 'Shape',
          }[each],
          current: each === tab,
          count: counts[each],
        }))}
      />
      {tab === 'suspended' ? (
        <Suspensions />
      ) : tab === 'shape' ? (
        <Shape />
      ) : (
        <Entries key={tab} tab={tab} total={counts[tab]} />
      )}
    </Page>
  );
}

/** Conditions of each tab, in the words of the command line. Active: on its way for the first time, or not tried yet. */
const STATES: Readonly<Record<'active' | 'deferred' | 'held', readonly string[]>> = {
  active: ['attempts<1', 'held_by!=*'],
  deferred: ['state=deferred'],
  held: ['state=held'],
};

function Entries({
  tab,
  total,
}: {
  readonly tab: 'active' | 'deferred' | 'held';
  readonly total: number | undefined;
}) {
  const [parameters, change] = useParameters();
  const [, navigate] = useLocation();
  const may = useMay('operator');
  const selection = useSelection();
  const [order, setOrder] = useState<{ verb: Verb; about: About } | null>(null);
  useListAddress('/queue');
  const text = parameters.get('where') ?? '';
  const where = [...STATES[tab], ...text.split(/\s+/).filter((word) => word !== '')];
  const list = usePaged<Entry>(
    `${tab} ${text}`,
    async (before, signal) => {
      const query = new URLSearchParams(where.map((each) => ['where', each]));
      query.set('limit', '200');
      if (before !== null) query.set('after', before);
      const { entries, next } = await ask<QueuePage>(`/api/v1/queue?${query.toString()}`, { signal });
      return { rows: entries, next };
    },
    idOf,
  );
  const about = (): About =>
    selection.all ? { where, count: text === '' ? (total ?? null) : null } : { ids: [...selection.ids] };
  const act = (key: string, entry: Entry): void => {
    const verb: Verb =
      key === 'Delete' ? 'delete' : key === 'h' ? 'hold' : tab === 'held' ? 'release' : 'retry';
    setOrder({ verb, about: selection.all || selection.ids.size > 0 ? about() : { ids: [entry.id] } });
  };
  return (
    <>
      <div className="row apart">
        <TextInput
          label="Conditions"
          description="as on the command line: rcpt_domain=example.org age>2h held_by=rspamd"
          size="xs"
          maw={420}
          w="100%"
          defaultValue={text}
          onBlur={(event) => change({ where: event.currentTarget.value })}
          onKeyDown={(event) => event.key === 'Enter' && change({ where: event.currentTarget.value })}
        />
        <Button variant="default" size="xs" onClick={() => list.reset()}>
          Read again
        </Button>
      </div>
      {may && (
        <Bulk
          tab={tab}
          selection={selection}
          total={total}
          narrowed={text !== ''}
          order={(verb) => setOrder({ verb, about: about() })}
        />
      )}
      <Rows
        name={`queue-${tab}`}
        label={`Queue, ${tab}`}
        list={list}
        columns={COLUMNS[tab]}
        idOf={idOf}
        open={(entry) => navigate(`/queue/entry/${entry.id}`)}
        {...(may && { selection, act })}
        empty={
          <Empty
            title={text === '' ? 'Nothing waits here' : 'Nothing fits these conditions'}
            command={tab === 'held' ? 'millrace queue hold ID --reason maintenance' : 'millrace queue list'}
          >
            {tab === 'held' ? (
              <>
                Held mail is also under <Link href="/quarantine">Quarantine</Link>, with what it says.
              </>
            ) : (
              'Every message that was accepted was delivered. To see the same on the command line:'
            )}
          </Empty>
        }
      />
      {order && (
        <OrderWindow
          {...order}
          close={(done) => {
            setOrder(null);
            if (!done) return;
            selection.clear();
            list.reset();
          }}
        />
      )}
    </>
  );
}

interface BulkProps {
  readonly tab: 'active' | 'deferred' | 'held';
  readonly selection: Selection;
  readonly total: number | undefined;
  readonly narrowed: boolean;
  readonly order: (verb: Verb) => void;
}

function Bulk({ tab, selection, total, narrowed, order }: BulkProps) {
  const { ids, all } = selection;
  const verbs: readonly Verb[] =
    tab === 'held'
      ? ['release', 'redirect', 'bounce', 'delete']
      : ['retry', 'hold', 'redirect', 'bounce', 'delete'];
  if (ids.size === 0 && !all)
    return (
      <div className="row">
        <Button variant="subtle" size="xs" onClick={() => selection.setAll(true)}>
          Mark all that match{total !== undefined && !narrowed ? ` (${count(total)})` : ''}
        </Button>
        <span className="small dim">or mark rows, then order about all of them at once</span>
      </div>
    );
  return (
    <div className="bulk" role="group" aria-label="Orders about the marked messages">
      <span role="status">
        {all
          ? `All that match${total !== undefined && !narrowed ? ` (${count(total)})` : ''} are marked`
          : `${count(ids.size)} marked`}
      </span>
      {verbs.map((verb) => (
        <Button key={verb} size="xs" variant="default" onClick={() => order(verb)}>
          {
            {
              retry: 'Retry now',
              hold: 'Hold',
              release: 'Release',
              redirect: 'Redirect',
              bounce: 'Bounce',
              delete: 'Delete',
            }[verb]
          }
        </Button>
      ))}
      <Button size="xs" variant="subtle" onClick={selection.clear}>
        Unmark
      </Button>
    </div>
  );
}
