/** Held mail asked of all filters again: first what they say now, then whether it shall go. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../api/client.ts';
import type { FilterVerdict } from '../api/shapes.ts';
import { span } from '../parts/format.ts';
import { Plain } from '../parts/plain.tsx';
import { Loading, Note, Trouble } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { Window } from '../parts/window.tsx';
import { OrderWindow } from '../queue/orders.tsx';

interface Rescan {
  readonly outcome?: string;
  readonly says?: string;
  readonly detail?: string;
  readonly filters: readonly Partial<FilterVerdict>[];
}

export function RescanWindow({
  id,
  close,
}: {
  readonly id: string;
  readonly close: (done: boolean) => void;
}) {
  const [going, setGoing] = useState(false);
  const scan = useQuery({
    queryKey: ['rescan', id],
    queryFn: ({ signal }) =>
      ask<Rescan>(`/api/v1/quarantine/${encodeURIComponent(id)}/rescan`, {
        method: 'POST',
        json: {},
        signal,
      }),
    staleTime: Infinity,
    gcTime: 0,
  });
  if (going)
    return <OrderWindow verb="release" about={{ ids: [id] }} details={{ filters: 'again' }} close={close} />;
  return (
    <Window
      title="What the filters say now"
      close={() => close(false)}
      foot={
        <>
          <Button variant="default" onClick={() => close(false)}>
            Leave it held
          </Button>
          <Button disabled={!scan.data} onClick={() => setGoing(true)}>
            Release with these filters
          </Button>
        </>
      }
    >
      {scan.isPending ? (
        <Loading what="the new verdict" rows={3} />
      ) : scan.isError ? (
        <Trouble error={scan.error} retry={() => void scan.refetch()} />
      ) : (
        <>
          <Note>
            <Plain
              text={scan.data.says ?? scan.data.detail ?? scan.data.outcome ?? 'The filters were asked.'}
            />{' '}
            Nothing has happened yet.
          </Note>
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Filter</th>
                <th scope="col">Says</th>
                <th scope="col" className="num">
                  Waited
                </th>
              </tr>
            </thead>
            <tbody>
              {scan.data.filters.map((each, i) => (
                <tr key={i}>
                  <td>
                    <Plain text={each.name ?? ''} />
                  </td>
                  <td>
                    <Status
                      word={each.error ? 'error' : (each.verdict ?? '')}
                      label={each.error || each.verdict || ''}
                    />
                  </td>
                  <td className="num">{span(each.ms)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </Window>
  );
}
