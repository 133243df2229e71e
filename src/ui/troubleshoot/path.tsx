/** Where a recipient would go: the routes one after the other, and what each says. */
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { ask } from '../api/client.ts';
import type { DryRun } from '../api/shapes.ts';
import { Card } from '../parts/page.tsx';
import { FailureNote, Note } from '../parts/states.tsx';
import { Plain } from '../parts/plain.tsx';
import { DeliveryPath } from './dry-run-result.tsx';
import { EnvelopeFields } from './dry-run.tsx';
import { messageFor, useDraft } from './draft.tsx';

export function PathForm() {
  const [draft, set] = useDraft();
  const run = useMutation({
    mutationFn: () =>
      ask<DryRun>('/api/v1/dry-run', { method: 'POST', json: messageFor({ ...draft, file: null }) }),
  });
  return (
    <div className="stack" style={{ gap: 20 }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run.mutate();
        }}
      >
        <Card title="For whom">
          <EnvelopeFields draft={draft} set={set} />
          <div className="row" style={{ marginTop: 16 }}>
            <Button type="submit" loading={run.isPending}>
              Show the path
            </Button>
          </div>
        </Card>
      </form>
      <FailureNote error={run.error} />
      <div role="status" className="stack">
        {run.data && run.data.delivery.length === 0 && (
          <Note tone="warn">
            It would not be delivered at all: <Plain text={run.data.says} />
          </Note>
        )}
        {run.data && <DeliveryPath delivery={run.data.delivery} />}
      </div>
    </div>
  );
}
