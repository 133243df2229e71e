/** Configurations that were in force: when, by whom; one can go back to each. */
import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../api/client.ts';
import type { ConfigRevision } from '../api/shapes.ts';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty, FailureNote, Loading, Trouble } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { Window } from '../parts/window.tsx';

export function ConfigHistory() {
  const history = useQuery({
    queryKey: ['config', 'history'],
    queryFn: async ({ signal }) => {
      const answer = await ask<readonly ConfigRevision[] | { readonly versions: readonly ConfigRevision[] }>(
        '/api/v1/config/history',
        { signal },
      );
      return 'versions' in answer ? answer.versions : answer;
    },
  });
  const [going, setGoing] = useState<ConfigRevision | null>(null);
  if (history.isPending) return <Loading what="the history" />;
  if (history.isError) return <Trouble error={history.error} retry={() => void history.refetch()} />;
  return (
    <Card title="Former configurations">
      {history.data.length === 0 ? (
        <Empty title="It was never changed from here" command="millrace config history" />
      ) : (
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Former configurations">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">By</th>
                <th scope="col">What</th>
                <th scope="col">Revision</th>
                <th scope="col">
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {history.data.map((each, i) => (
                <tr key={`${each.revision} ${i}`}>
                  <td>
                    <When at={each.at} />
                  </td>
                  <td>
                    <Plain text={each.by} none="–" />
                  </td>
                  <td>
                    <Plain text={each.summary} />
                  </td>
                  <td>
                    <code>{each.revision.slice(0, 12)}</code>
                  </td>
                  <td>
                    {i === 0 ? (
                      <span className="dim">in force</span>
                    ) : (
                      <Button size="xs" variant="default" onClick={() => setGoing(each)}>
                        Roll back to it
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {going && <Rollback to={going} close={() => setGoing(null)} />}
    </Card>
  );
}

function Rollback({ to, close }: { readonly to: ConfigRevision; readonly close: () => void }) {
  const client = useQueryClient();
  const rollback = useMutation({
    mutationFn: () => ask('/api/v1/config/rollback', { method: 'POST', json: { revision: to.revision } }),
    onSuccess: async () => {
      await client.invalidateQueries();
      close();
    },
  });
  return (
    <Window
      title="Roll back"
      close={close}
      foot={
        <>
          <Button variant="default" onClick={close} autoFocus>
            Leave it
          </Button>
          <Button loading={rollback.isPending} onClick={() => rollback.mutate()}>
            Roll back
          </Button>
        </>
      }
    >
      <p>
        The configuration becomes what it was at <When at={to.at} /> (<Plain text={to.summary} />
        ). What holds now stays in this history.
      </p>
      <FailureNote error={rollback.error} />
    </Window>
  );
}
