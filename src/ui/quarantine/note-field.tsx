/** What somebody wrote about a held message, for whoever comes next. */
import { Button, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../api/client.ts';
import { useMay } from '../api/session.tsx';
import type { HeldRow } from '../api/shapes.ts';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { FailureNote } from '../parts/states.tsx';

export function NoteField({ row }: { readonly row: HeldRow }) {
  const [text, setText] = useState(row.note);
  const may = useMay('operator');
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: () =>
      ask(`/api/v1/quarantine/${encodeURIComponent(row.id)}/note`, { method: 'PUT', json: { text } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['queue'] }),
  });
  return (
    <Card title="Note">
      {may ? (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate();
          }}
        >
          <Textarea
            aria-label="Note about this message"
            autosize={false}
            rows={3}
            maxLength={1000}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <div className="row">
            <Button
              type="submit"
              size="xs"
              variant="default"
              loading={save.isPending}
              disabled={text === row.note}
            >
              Save note
            </Button>
            {row.noteBy !== '' && (
              <span className="small dim">
                last by <Plain text={row.noteBy} />
              </span>
            )}
          </div>
          <FailureNote error={save.error} />
        </form>
      ) : (
        <Plain text={row.note} none="none" />
      )}
    </Card>
  );
}
