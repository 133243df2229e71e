/** The history: every message that came, newest first, narrowed by anything, following what happens. */
import { Button } from '@mantine/core';
import { useCallback, useEffect, useRef } from 'react';
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
  // The stream tells of all messages; with conditions only the gateway knows which fit, so it is asked again instead.
  const fits = useCallback(() => !narrowed, [narrowed]);
  const tail = useTail<HistoryRow>({
    path: '/api/v1/events?topics=history',
    event: 'history',
    list,
    fits,
    live: live && !narrowed,
  });
  useRefresh(narrowed && live, list.reset.bind(list), tail);
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
        idOf={idOf}
        open={(row) => navigate(`/messages/${row.id}`)}
        onTop={tail.setTop}
        empty={
          narrowed ? (
            <Empty title="No message fits">Take a condition away, or look further back.</Empty>
          ) : (
            <Empty
              title="No message has come yet"
              command="millrace send --to you@example.org --data 'Hello'"
            >
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

/** With conditions the list is read again every few seconds, while its top is in sight and something is open to see. */
function useRefresh(
  on: boolean,
  reset: () => void,
  { setTop }: { readonly setTop: (top: boolean) => void },
): void {
  const latest = useRef(reset);
  latest.current = reset;
  useEffect(() => setTop(true), [setTop]);
  useEffect(() => {
    if (!on) return undefined;
    const timer = setInterval(() => {
      const frame = document.querySelector('.rows');
      if (
        document.visibilityState === 'visible' &&
        frame &&
        frame.scrollTop < 10 &&
        !frame.contains(document.activeElement)
      )
        latest.current();
    }, 10_000);
    return () => clearInterval(timer);
  }, [on]);
}
