/** Held mail asked of all filters again: first what they say now, then whether it shall go. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../api/client.ts';
import { Plain } from '../parts/plain.tsx';
import { Loading, Note, Trouble } from '../parts/states.tsx';
import { Window } from '../parts/window.tsx';
import { OrderWindow } from '../queue/orders.tsx';

interface Rescan {
  readonly verdict: 'pass' | 'hold' | 'refuse' | 'discard' | 'absent' | 'unfit' | 'failed';
  readonly detail: string;
  readonly fields?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly before: { readonly value: string } | null;
    readonly after: { readonly value: string } | null;
  }[];
  readonly to?: readonly string[];
}

const SAYS: Readonly<Record<Rescan['verdict'], readonly [tone: 'good' | 'warn' | 'bad', says: string]>> = {
  pass: ['good', 'The filters would let it pass now.'],
  hold: ['warn', 'A filter would hold it again.'],
  refuse: ['bad', 'A filter would refuse it.'],
  discard: ['bad', 'A filter would throw it away.'],
  absent: ['bad', 'It is not held any more.'],
  unfit: ['bad', 'It cannot be asked about.'],
  failed: ['bad', 'The filters could not be asked.'],
};

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
          <Note tone={SAYS[scan.data.verdict][0]}>
            {SAYS[scan.data.verdict][1]} <Plain text={scan.data.detail} /> Nothing has happened yet.
          </Note>
          {scan.data.to && (
            <p>
              It would go to <Plain text={scan.data.to.join(', ')} />.
            </p>
          )}
          <ChangedFields fields={(scan.data.fields ?? []).filter((each) => each.kind !== 'kept')} />
        </>
      )}
    </Window>
  );
}

function ChangedFields({ fields }: { readonly fields: NonNullable<Rescan['fields']> }) {
  if (fields.length === 0) return null;
  return (
    <div className="scroll-x" tabIndex={0} role="region" aria-label="Changed fields">
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">Change</th>
            <th scope="col">Field</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {fields.map((each, i) => (
            <tr key={i}>
              <td>{each.kind}</td>
              <td>
                <Plain text={each.name} mono />
              </td>
              <td>
                <Plain text={each.before?.value ?? ''} none="–" />
              </td>
              <td>
                <Plain text={each.after?.value ?? ''} none="–" />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
