/** Orders about messages: each asks first, the harmless button is the one in focus; many run as a job whose progress is shown. */
import { Button, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { ask } from '../api/client.ts';
import type { ActResult, Job, Verb } from '../api/shapes.ts';
import { count } from '../parts/format.ts';
import { Plain } from '../parts/plain.tsx';
import { FailureNote, Note } from '../parts/states.tsx';
import { Window } from '../parts/window.tsx';

/** About which messages: these, or all that fit. */
export type About =
  { readonly ids: readonly string[] } | { readonly where: readonly string[]; readonly count: number | null };

/** What else an order says. */
export type Details = Readonly<Record<string, unknown>>;

interface Props {
  readonly verb: Verb;
  readonly about: About;
  readonly details?: Details;
  readonly close: (done: boolean) => void;
}

const SAYS: Readonly<Record<Verb, readonly [title: string, button: string, says: string]>> = {
  retry: ['Try again now', 'Try again', 'They are due at once, whatever their schedule says.'],
  hold: ['Hold', 'Hold', 'They are not delivered until somebody releases them.'],
  release: [
    'Release',
    'Release',
    'What a filter held goes through the filters again; what they let pass is delivered.',
  ],
  bounce: [
    'Give up and tell the sender',
    'Bounce',
    'They leave the queue, and each sender is told. This cannot be undone.',
  ],
  delete: ['Delete', 'Delete', 'They are gone, and nobody is told. This cannot be undone.'],
  redirect: [
    'Send to another address',
    'Redirect',
    'The new recipient takes the place of the old ones. This cannot be undone.',
  ],
};

/** What a release means with what was chosen before. */
function releaseSays({ filters, skip }: Details): string {
  if (filters === 'none') return 'No filter is asked again; what is released is delivered.';
  if (Array.isArray(skip))
    return `All filters but ${skip.join(', ')} are asked again; what they let pass is delivered.`;
  return filters === 'again'
    ? 'All filters are asked again; what they let pass is delivered.'
    : SAYS.release[2];
}
const DANGEROUS: readonly Verb[] = ['bounce', 'delete', 'redirect'];

export function OrderWindow({ verb, about, details = {}, close }: Props) {
  const [reason, setReason] = useState('');
  const [to, setTo] = useState('');
  const [job, setJob] = useState<Job | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const client = useQueryClient();
  const safe = useRef<HTMLButtonElement>(null);
  useEffect(() => safe.current?.focus(), []);
  const [title, button, says] = SAYS[verb];
  const all = 'ids' in about ? about.ids.length : about.count;
  const run = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await carryOut(
        verb,
        about,
        { ...details, ...(reason !== '' && { reason }), ...(verb === 'redirect' && { to }) },
        setJob,
      );
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  // What lies under the window is read again when it goes: a message that has left would take the window with it.
  const leave = (done: boolean): void => {
    if (done) {
      void client.invalidateQueries({ queryKey: ['queue'] });
      void client.invalidateQueries({ queryKey: ['overview'] });
    }
    close(done);
  };
  const dangerous = DANGEROUS.includes(verb);
  return (
    <Window
      title={title}
      close={() => leave(job !== null)}
      foot={
        job?.finished ? (
          <Button onClick={() => leave(true)}>Close</Button>
        ) : (
          <>
            <Button ref={safe} variant="default" onClick={() => leave(job !== null)}>
              Leave it
            </Button>
            <Button
              color={dangerous ? 'red' : 'accent'}
              variant={dangerous ? 'light' : 'filled'}
              loading={busy}
              disabled={verb === 'redirect' && to.trim() === ''}
              onClick={() => void run()}
            >
              {button} {all === null ? 'all that match' : all === 1 ? 'it' : count(all)}
            </Button>
          </>
        )
      }
    >
      {!job && (
        <>
          <p>
            {all === 1
              ? 'One message.'
              : all === null
                ? 'All messages that match.'
                : `${count(all)} messages.`}{' '}
            {verb === 'release' ? releaseSays(details) : says}
          </p>
          {verb === 'redirect' && (
            <TextInput
              label="New recipient"
              value={to}
              onChange={(event) => setTo(event.currentTarget.value)}
            />
          )}
          {(verb === 'hold' || verb === 'bounce' || verb === 'delete') && (
            <TextInput
              label="Reason"
              description="Stands in the log and in the audit trail."
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
          )}
        </>
      )}
      {job && <Progress job={job} />}
      <FailureNote error={error} />
    </Window>
  );
}

/** One message at once; several as a job that is followed until it ends. */
async function carryOut(verb: Verb, about: About, details: Details, tell: (job: Job) => void): Promise<void> {
  if ('ids' in about && about.ids.length === 1) {
    const [id = ''] = about.ids;
    const result = await oneOrder(id, verb, details);
    const done = result.result === 'done';
    return tell({
      id: '',
      total: 1,
      done: done ? 1 : 0,
      failed: done ? 0 : 1,
      finished: true,
      results: [result],
    });
  }
  const whom =
    'ids' in about ? { ids: about.ids } : about.where.length > 0 ? { where: about.where } : { all: true };
  const { id } = await ask<{ id: string }>('/api/v1/jobs', {
    method: 'POST',
    json: { verb, ...whom, ...details },
    headers: { 'idempotency-key': crypto.randomUUID() },
  });
  for (;;) {
    const job = await ask<Job>(`/api/v1/jobs/${id}`);
    tell(job);
    if (job.finished) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** An order that is answered with a result even where it was not carried out. */
async function oneOrder(id: string, verb: Verb, details: Details): Promise<ActResult> {
  try {
    return await ask<ActResult>(`/api/v1/queue/${encodeURIComponent(id)}/${verb}`, {
      method: 'POST',
      json: details,
    });
  } catch (error) {
    const body = error instanceof Error && 'body' in error ? (error.body as Partial<ActResult> | null) : null;
    if (body && typeof body.result === 'string')
      return { id, result: body.result, detail: body.detail ?? '' };
    throw error;
  }
}

function Progress({ job }: { readonly job: Job }) {
  const troubles = job.results.filter((each) => each.result !== 'done' && each.result !== 'would');
  const passed = job.results.filter((each) => each.result === 'done' && each.detail !== '').slice(-3);
  return (
    <div className="stack" role="status">
      {job.total !== null && (
        <progress
          value={job.done + job.failed}
          max={Math.max(1, job.total)}
          aria-label="Progress"
          style={{ width: '100%' }}
        />
      )}
      <Note tone={job.failed > 0 ? 'warn' : job.finished ? 'good' : 'calm'}>
        {job.finished ? 'Finished: ' : 'Under way: '}
        {count(job.done)} done{job.failed > 0 && `, ${count(job.failed)} not`}
        {job.total !== null && !job.finished && ` of ${count(job.total)}`}.
      </Note>
      {job.stopped && <Note tone="warn">Somebody stopped it before its end.</Note>}
      {job.trouble !== undefined && job.trouble !== '' && (
        <Note tone="bad">
          It ended early: <Plain text={job.trouble} />
        </Note>
      )}
      {[...troubles.slice(-8), ...passed].map((each) => (
        <p key={each.id} className="small">
          <code>{each.id}</code> {each.result}: <Plain text={each.detail} />
          {each.as && (
            <>
              {' '}
              goes on as <code>{each.as}</code>
            </>
          )}
        </p>
      ))}
    </div>
  );
}
