/** Before anything is changed: the difference in the configuration's text, what is to be considered, and only then the word. */
import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { ask, Failure } from '../api/client.ts';
import type { Finding, Review } from '../api/shapes.ts';
import { Difference } from '../parts/code.tsx';
import { Plain } from '../parts/plain.tsx';
import { FailureNote, Loading, Note } from '../parts/states.tsx';
import { Window } from '../parts/window.tsx';

/** A change of settings as a request; `revision` is what it was made from. */
export interface Change {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly json?: unknown;
  readonly revision: string;
}

interface Props {
  readonly title: string;
  readonly change: Change;
  /** Told of errors that belong to fields; the window closes then. */
  readonly refused?: (errors: readonly Finding[]) => void;
  readonly close: (applied: boolean) => void;
}

/** The change as a dry run, or for good. */
export function sendChange(change: Change, dryRun: boolean): Promise<Review> {
  return ask<Review>(`${change.path}${dryRun ? '?dryRun=true' : ''}`, {
    method: change.method,
    ...(change.json !== undefined && { json: change.json }),
    headers: { 'if-match': `"${change.revision}"` },
  });
}

export function ReviewWindow({ title, change, refused, close }: Props) {
  const client = useQueryClient();
  const review = useQuery({
    queryKey: ['review', change],
    queryFn: () => sendChange(change, true),
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  });
  const apply = useMutation({
    mutationFn: () => sendChange(change, false),
    onSuccess: () =>
      client.invalidateQueries({
        predicate: ({ queryKey }) =>
          ['milters', 'config', 'listeners', 'routes', 'users', 'overview'].includes(String(queryKey[0])),
      }),
  });
  const rollback = useMutation({
    mutationFn: () => ask('/api/v1/config/rollback', { method: 'POST', json: { revision: change.revision } }),
    onSuccess: async () => {
      await client.invalidateQueries();
      close(true);
    },
  });
  const errors = review.data?.errors ?? findingsOf(review.error);
  useEffect(() => {
    if (errors.length > 0 && refused) refused(errors);
  }, [errors, refused]);
  const applied = apply.isSuccess;
  return (
    <Window
      title={applied ? 'Saved' : title}
      wide
      close={() => close(applied)}
      foot={
        applied ? (
          <>
            <Button variant="default" loading={rollback.isPending} onClick={() => rollback.mutate()}>
              Roll back
            </Button>
            <Button onClick={() => close(true)}>Close</Button>
          </>
        ) : (
          <>
            <Button variant="default" onClick={() => close(false)}>
              Leave it as it was
            </Button>
            <Button
              disabled={!review.data || errors.length > 0}
              loading={apply.isPending}
              onClick={() => apply.mutate()}
            >
              Apply
            </Button>
          </>
        )
      }
    >
      {review.isPending && <Loading what="what changes" rows={4} />}
      {review.error && <FailureNote error={review.error} />}
      {errors.map((each, i) => (
        <FindingNote key={i} finding={{ ...each, severity: 'error' }} />
      ))}
      {review.data && (
        <>
          {applied ? (
            <Note tone="good">
              It holds now. No session was dropped; those under way end with the settings they began with.
            </Note>
          ) : (
            <p>This is what changes in the configuration. It applies without dropping a session.</p>
          )}
          {review.data.warnings.map((each, i) => (
            <FindingNote key={i} finding={{ ...each, severity: 'warning' }} />
          ))}
          <Difference text={review.data.diff} label="Difference in the configuration" />
        </>
      )}
      <FailureNote error={apply.error ?? rollback.error} />
    </Window>
  );
}

export function FindingNote({ finding }: { readonly finding: Finding }) {
  return (
    <Note tone={finding.severity === 'error' ? 'bad' : 'warn'}>
      {finding.path && (
        <>
          <Plain text={finding.path} mono />:{' '}
        </>
      )}
      <Plain text={finding.message} /> <Plain text={finding.remedy ?? ''} />
    </Note>
  );
}

/** What a refusal says of fields. */
export function findingsOf(error: unknown): readonly Finding[] {
  if (!(error instanceof Failure)) return [];
  const { errors } = (error.body ?? {}) as { errors?: unknown };
  if (Array.isArray(errors)) return errors as Finding[];
  return error.path === ''
    ? []
    : [{ path: error.path, message: error.message, remedy: '', severity: 'error' }];
}
