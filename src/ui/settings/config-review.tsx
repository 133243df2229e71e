/** A new text of the configuration: what differs, then applied. */
import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ask } from '../api/client.ts';
import { Difference } from '../parts/code.tsx';
import { FailureNote, Loading, Note } from '../parts/states.tsx';
import { Window } from '../parts/window.tsx';

export function ConfigReview({
  text,
  revision,
  close,
}: {
  readonly text: string;
  readonly revision: string;
  readonly close: () => void;
}) {
  const client = useQueryClient();
  const diff = useQuery({
    queryKey: ['config-diff', text],
    queryFn: () => ask<{ diff: string }>('/api/v1/config/diff', { method: 'POST', json: { text } }),
    gcTime: 0,
  });
  const apply = useMutation({
    mutationFn: () =>
      ask('/api/v1/config', { method: 'PUT', json: { text }, headers: { 'if-match': `"${revision}"` } }),
    onSuccess: async () => {
      await client.invalidateQueries();
      close();
    },
  });
  return (
    <Window
      title="Review the configuration"
      wide
      close={close}
      foot={
        <>
          <Button variant="default" onClick={close}>
            Leave it as it was
          </Button>
          <Button loading={apply.isPending} disabled={!diff.data} onClick={() => apply.mutate()}>
            Apply
          </Button>
        </>
      }
    >
      <Note>It is taken over without dropping a session. What it was before stays in the history.</Note>
      {diff.isPending ? (
        <Loading what="the difference" rows={4} />
      ) : (
        <Difference text={diff.data?.diff ?? ''} label="Difference in the configuration" />
      )}
      <FailureNote error={diff.error ?? apply.error} />
    </Window>
  );
}
