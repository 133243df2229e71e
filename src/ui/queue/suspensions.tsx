/** Destinations and domains that are taken out of delivery: why, by whom, until when. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ask, withQuery } from '../api/client.ts';
import { useMay } from '../api/session.tsx';
import type { Suspension } from '../api/shapes.ts';
import { durationOf } from '../messages/query.ts';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty, FailureNote, Loading, Trouble } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';

const KEY = ['queue', 'suspensions'];
const PATH = '/api/v1/suspensions';

export function Suspensions() {
  const may = useMay('operator');
  const client = useQueryClient();
  const list = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => ask<readonly Suspension[]>(PATH, { signal }),
  });
  const resume = useMutation({
    mutationFn: ({ kind, name }: Suspension) => ask(withQuery(PATH, { kind, name }), { method: 'DELETE' }),
    onSettled: () => client.invalidateQueries({ queryKey: KEY }),
  });
  if (list.isPending) return <Loading what="suspensions" />;
  if (list.isError) return <Trouble error={list.error} retry={() => void list.refetch()} />;
  return (
    <div className="stack" style={{ gap: 20 }}>
      {may && <NewSuspension />}
      <FailureNote error={resume.error} />
      <Card title="In force">
        {list.data.length === 0 ? (
          <Empty
            title="Nothing is suspended"
            command="millrace queue suspend example.org --reason maintenance --for 2h"
          />
        ) : (
          <div className="scroll-x" tabIndex={0} role="region" aria-label="Suspensions">
            <table className="plain-table">
              <thead>
                <tr>
                  <th scope="col">What</th>
                  <th scope="col">Name</th>
                  <th scope="col">Why</th>
                  <th scope="col">By</th>
                  <th scope="col">Since</th>
                  <th scope="col">Until</th>
                  <th scope="col">
                    <span className="sr-only">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.data.map((each) => (
                  <tr key={`${each.kind} ${each.name}`}>
                    <td>{each.kind}</td>
                    <td>
                      <Plain text={each.name} mono />
                    </td>
                    <td>
                      <Plain text={each.reason} />
                    </td>
                    <td>
                      <Plain text={each.by} />
                    </td>
                    <td>
                      <When at={each.since} />
                    </td>
                    <td>{each.until === null ? 'taken back' : <When at={each.until} relative />}</td>
                    <td>
                      {may && (
                        <Button size="xs" variant="default" onClick={() => resume.mutate(each)}>
                          Resume
                        </Button>
                      )}
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

function NewSuspension() {
  const client = useQueryClient();
  const [draft, setDraft] = useState({ kind: 'domain', name: '', reason: '', length: '' });
  const suspend = useMutation({
    mutationFn: () => {
      const ms = durationOf(draft.length);
      return ask(PATH, {
        method: 'POST',
        json: {
          kind: draft.kind,
          name: draft.name.trim(),
          reason: draft.reason,
          ...(ms !== null && { for: ms }),
        },
      });
    },
    onSuccess: async () => {
      setDraft({ ...draft, name: '', reason: '' });
      await client.invalidateQueries({ queryKey: KEY });
    },
  });
  return (
    <form
      className="filters"
      aria-label="Suspend"
      onSubmit={(event) => {
        event.preventDefault();
        suspend.mutate();
      }}
    >
      <NativeSelect
        label="Suspend"
        size="xs"
        data={['domain', 'destination']}
        value={draft.kind}
        onChange={(event) => setDraft({ ...draft, kind: event.currentTarget.value })}
      />
      <TextInput
        label="Name"
        size="xs"
        required
        withAsterisk={false}
        placeholder={draft.kind === 'domain' ? 'example.org' : '192.0.2.25:25'}
        value={draft.name}
        onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
      />
      <TextInput
        label="Reason"
        size="xs"
        required
        withAsterisk={false}
        placeholder="maintenance"
        value={draft.reason}
        onChange={(event) => setDraft({ ...draft, reason: event.currentTarget.value })}
      />
      <TextInput
        label="For"
        size="xs"
        w={110}
        placeholder="until resumed"
        value={draft.length}
        onChange={(event) => setDraft({ ...draft, length: event.currentTarget.value })}
      />
      <Button type="submit" size="xs" loading={suspend.isPending}>
        Suspend
      </Button>
      <FailureNote error={suspend.error} />
    </form>
  );
}
