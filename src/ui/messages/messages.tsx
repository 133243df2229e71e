/** The history: every message that came, newest first, narrowed by anything, following what happens. */
import { Button } from '@mantine/core';
import { useLocation } from 'wouter';
import { ask, withQuery } from '../api/client.ts';
import type { HistoryPage, HistoryRow } from '../api/shapes.ts';
import { Rows } from '../list/rows.tsx';
import { usePaged } from '../list/use-paged.ts';
import { useParameters } from '../parts/address.ts';
import { count } from '../parts/format.ts';
import { useLive } from '../parts/live.tsx';
import { Page } from '../parts/page.tsx';
import { Empty } from '../parts/states.tsx';
import { useListAddress } from '../shell/keys.ts';
import { COLUMNS } from './columns.tsx';
import { Conditions, HISTORY_WORDS } from './conditions.tsx';
import { requestOf } from './query.ts';
import { SavedConditions } from './saved.tsx';
import { useTail } from './tail.ts';

/** Rows asked for at once. */
const BATCH = 200;
const idOf = (row: HistoryRow): string => row.id;

export function Messages() {
  const [parameters, change] = useParameters();
  const [, navigate] = useLocation();
  const { live } = useLive();
  useListAddress('/messages');
  const words = requestOf(parameters, HISTORY_WORDS);
  const key = JSON.stringify(words);
  const narrowed = key !== '{}';
  const list = usePaged<HistoryRow>(
    key,
    async (before, signal) =>
      ask<HistoryPage>(withQuery('/api/v1/history', { ...words, before, limit: BATCH }), { signal }),
    idOf,
  );
  const tail = useTail<HistoryRow>({
    path: withQuery('/api/v1/events', { topics: 'history', ...words }),
    topic: 'history',
    list,
    live,
  });
  return (
    <Page
      title="Messages"
      intro="Every message that came, what each filter said about it, and what became of it."
    >
      <Conditions parameters={parameters} change={change} />
      <SavedConditions parameters={parameters} change={change} />
      {tail.waiting > 0 && (
        <Button className="new-rows" size="xs" radius="xl" onClick={tail.catchUp}>
          {count(tail.waiting)} new: show them
        </Button>
      )}
      <Rows
        name="messages"
        label="Messages"
        list={list}
        columns={COLUMNS}
        rowHeight={54}
        idOf={idOf}
        open={(row) => navigate(`/messages/${row.id}`)}
        onTop={tail.setTop}
        empty={
          narrowed ? (
            <Empty title="No message fits">Take a condition away, or look further back.</Empty>
          ) : (
            <Empty title="No message has come yet" command="swaks --server localhost:25 --to you@example.org">
              Send one, and it shows up here by itself:
            </Empty>
          )
        }
      />
      <div className="list-foot">
        <span role="status">
          {list.pending ? 'Loading' : `${count(list.count)}${list.more ? ' or more' : ''} messages`}
          {!live && ', paused'}
        </span>
        {list.error !== null && list.count > 0 && (
          <Button size="xs" variant="default" onClick={() => list.look(list.count - 1, list.count)}>
            The rest could not be loaded: try again
          </Button>
        )}
      </div>
    </Page>
  );
}
