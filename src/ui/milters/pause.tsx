/** A filter taken out: why, and for how long; the card tells everybody. */
import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../api/client.ts';
import { durationOf } from '../messages/query.ts';
import { FailureNote } from '../parts/states.tsx';
import { Window } from '../parts/window.tsx';

export function PauseWindow({ name, close }: { readonly name: string; readonly close: () => void }) {
  const [reason, setReason] = useState('');
  const [length, setLength] = useState('');
  const client = useQueryClient();
  const ms = durationOf(length);
  const wrong = length !== '' && ms === null;
  const pause = useMutation({
    mutationFn: () =>
      ask(`/api/v1/milters/${encodeURIComponent(name)}/pause`, {
        method: 'POST',
        json: { reason: reason.trim(), ...(ms !== null && { for: ms }) },
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['milters'] });
      close();
    },
  });
  return (
    <Window title={`Pause ${name}`} close={close}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (reason.trim() !== '' && !wrong) pause.mutate();
        }}
      >
        <p>It is not asked until it is resumed: mail passes without it.</p>
        <TextInput
          label="Reason"
          required
          withAsterisk={false}
          autoFocus
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        <TextInput
          label="For"
          placeholder="until somebody resumes it"
          description="10m, 2h, …"
          error={wrong ? 'Write a duration such as 10m or 2h.' : null}
          value={length}
          onChange={(event) => setLength(event.currentTarget.value)}
        />
        <FailureNote error={pause.error} />
        <div className="row">
          <Button type="submit" loading={pause.isPending} disabled={reason.trim() === '' || wrong}>
            Pause
          </Button>
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
        </div>
      </form>
    </Window>
  );
}
