/** The filters in the order they are asked: how each is, what happens to mail while it is down, and their order to change. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useMay } from '../api/session.tsx';
import type { Milter, MilterList } from '../api/shapes.ts';
import { Icon } from '../parts/icons.tsx';
import { useEvery } from '../parts/live.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading, Note, Trouble } from '../parts/states.tsx';
import { MILTERS } from '../shell/places.ts';
import { MilterCard } from './milter-card.tsx';
import { PauseWindow } from './pause.tsx';
import { ReviewWindow, type Change } from './review.tsx';
import { TestWindow } from './test-connection.tsx';
import { useMilters } from './use-milters.ts';
import './milters.css';

export const CRUMBS = ['Settings', 'MTA', 'Filters'] as const;
const PATH = '/api/v1/milters';

export function Milters() {
  const every = useEvery(3000);
  const list = useMilters(every);
  const may = useMay('admin');
  return (
    <Page
      title="Milters"
      crumbs={[...CRUMBS, { label: 'Milters', to: MILTERS }]}
      intro="Asked in this order, at the stages each of them is for."
      actions={
        may && (
          <Button component={Link} href={`${MILTERS}/new`} leftSection={<Icon name="plus" size={14} />}>
            Add milter
          </Button>
        )
      }
    >
      {list.isPending ? (
        <Loading what="the milters" />
      ) : list.isError && !list.data ? (
        <Trouble error={list.error} retry={() => void list.refetch()} />
      ) : list.data.milters.length === 0 ? (
        <div className="card">
          <Empty title="No milter is configured" command="millrace milter check inet:11332@127.0.0.1">
            Mail passes unfiltered. Add one above; to see first whether a filter answers:
          </Empty>
        </div>
      ) : (
        <Cards list={list.data} may={may} />
      )}
    </Page>
  );
}

type Asking =
  | { readonly kind: 'test' | 'pause'; readonly milter: Milter }
  | { readonly kind: 'change'; readonly title: string; readonly change: Change }
  | null;

function Cards({ list, may }: { readonly list: MilterList; readonly may: boolean }) {
  const [order, setOrder] = useState<readonly string[] | null>(null);
  const [asking, setAsking] = useState<Asking>(null);
  const [said, setSaid] = useState('');
  const [dragged, setDragged] = useState<string | null>(null);
  const [, navigate] = useLocation();
  const own = list.milters.map((milter) => milter.name);
  // A new order counts only as long as it is about the filters there are.
  const names =
    order && own.length === order.length && own.every((name) => order.includes(name)) ? order : own;
  const moved = names.some((name, i) => name !== own[i]);
  const move = (name: string, to: number): void => {
    const at = Math.max(0, Math.min(names.length - 1, to));
    const next = names.filter((each) => each !== name);
    next.splice(at, 0, name);
    setOrder(next);
    setSaid(`${name} is now number ${at + 1} of ${names.length}`);
  };
  const milters = names.map((name) => list.milters.find((milter) => milter.name === name)!);
  return (
    <>
      <div role="status" className="sr-only">
        {said}
      </div>
      {moved && (
        <div className="bulk">
          <span>The order is changed, not saved.</span>
          <Button
            size="xs"
            onClick={() =>
              setAsking({
                kind: 'change',
                title: 'Review the new order',
                change: {
                  method: 'PUT',
                  path: '/api/v1/milters-order',
                  json: { names },
                  revision: list.revision,
                },
              })
            }
          >
            Review and save
          </Button>
          <Button size="xs" variant="default" onClick={() => setOrder(null)}>
            Leave it as it was
          </Button>
        </div>
      )}
      <ol className="milter-cards">
        {milters.map((milter, i) => (
          <li
            key={milter.name}
            className={dragged === milter.name ? 'dragged' : ''}
            onDragOver={(event) => {
              if (dragged === null) return;
              event.preventDefault();
              if (dragged !== milter.name) move(dragged, i);
            }}
            onDrop={(event) => {
              event.preventDefault();
              setDragged(null);
            }}
          >
            <MilterCard
              milter={milter}
              place={i}
              of={milters.length}
              beside={besideOf(milters, i)}
              move={(to) => move(milter.name, to)}
              drag={setDragged}
              test={() => setAsking({ kind: 'test', milter })}
              pause={() => setAsking({ kind: 'pause', milter })}
              duplicate={() => navigate(`${MILTERS}/new?of=${encodeURIComponent(milter.name)}`)}
              remove={() =>
                setAsking({
                  kind: 'change',
                  title: `Delete ${milter.name}`,
                  change: {
                    method: 'DELETE',
                    path: `${PATH}/${encodeURIComponent(milter.name)}`,
                    revision: list.revision,
                  },
                })
              }
            />
          </li>
        ))}
      </ol>
      {!may && <Note>To change filters a token needs the scope admin; to pause one, operator.</Note>}
      {asking?.kind === 'test' && (
        <TestWindow
          about={{ name: asking.milter.name }}
          title={`Test ${asking.milter.name}`}
          close={() => setAsking(null)}
        />
      )}
      {asking?.kind === 'pause' && <PauseWindow name={asking.milter.name} close={() => setAsking(null)} />}
      {asking?.kind === 'change' && (
        <ReviewWindow
          title={asking.title}
          change={asking.change}
          close={(applied) => {
            setAsking(null);
            if (applied) setOrder(null);
          }}
        />
      )}
    </>
  );
}

/** Neighbours that are asked at the same time. */
function besideOf(milters: readonly Milter[], at: number): readonly string[] {
  const parallel = (i: number): boolean => milters[i]?.effective?.['parallel'] === true;
  if (!parallel(at)) return [];
  let from = at;
  let to = at;
  while (parallel(from - 1)) from--;
  while (parallel(to + 1)) to++;
  return milters.slice(from, to + 1).flatMap((milter, i) => (from + i === at ? [] : [milter.name]));
}
