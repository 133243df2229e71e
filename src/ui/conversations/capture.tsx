/** What is kept of conversations: everything, nothing, or what fits; who may change it is asked by the gateway. */
import { Button, Checkbox, NumberInput, SegmentedControl, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../api/client.ts';
import { useMay } from '../api/session.tsx';
import type { CapturePolicy } from '../api/shapes.ts';
import { durationOf } from '../messages/query.ts';
import { bytes, count, span } from '../parts/format.ts';
import { Plain } from '../parts/plain.tsx';
import { FailureNote, Loading, Note } from '../parts/states.tsx';
import { Window } from '../parts/window.tsx';

const KEY = ['capture'];
interface Captured {
  readonly policy: CapturePolicy;
  readonly figures: { readonly sessions: number; readonly bytes: number; readonly capacity: number };
}
const usePolicy = () =>
  useQuery({ queryKey: KEY, queryFn: ({ signal }) => ask<Captured>('/api/v1/capture', { signal }) });

/** The policy in a sentence. */
export function CaptureSummary() {
  const policy = usePolicy();
  if (!policy.data) return null;
  return (
    <p className="small dim">
      <Plain text={sentenceOf(policy.data.policy)} /> {count(policy.data.figures.sessions)} parts are kept,{' '}
      {bytes(policy.data.figures.bytes)} of {bytes(policy.data.figures.capacity)}.
    </p>
  );
}

function sentenceOf(policy: CapturePolicy): string {
  const body =
    policy.body === undefined
      ? ''
      : policy.body === 0
        ? ', without content'
        : `, with the first ${bytes(policy.body)} of content`;
  if (policy.mode === 'off') return 'Nothing is captured.';
  if (policy.mode === 'all') return `Everything is captured${body}; log-ins never are.`;
  const parts = [
    policy.client?.length && `clients in ${policy.client.join(', ')}`,
    policy.sender && `sender ${policy.sender}`,
    policy.recipient && `recipient ${policy.recipient}`,
    policy.milter && `filter ${policy.milter}`,
    policy.errorsOnly && 'errors only',
    policy.slowerThan && `slower than ${span(policy.slowerThan)}`,
  ].filter(Boolean);
  return `Captured: ${parts.join(', ') || 'what fits the policy'}${body}.`;
}

export function Capture({ close }: { readonly close: () => void }) {
  const policy = usePolicy();
  return (
    <Window title="Capture policy" close={close}>
      {policy.data ? (
        <CaptureForm policy={policy.data.policy} close={close} />
      ) : policy.isError ? (
        <FailureNote error={policy.error} />
      ) : (
        <Loading what="the policy" />
      )}
    </Window>
  );
}

function CaptureForm({ policy, close }: { readonly policy: CapturePolicy; readonly close: () => void }) {
  const may = useMay('operator');
  const client = useQueryClient();
  const [draft, setDraft] = useState({
    mode: String(policy.mode),
    client: policy.client?.join(' ') ?? '',
    sender: policy.sender ?? '',
    recipient: policy.recipient ?? '',
    milter: policy.milter ?? '',
    errorsOnly: policy.errorsOnly ?? false,
    slowerThan: policy.slowerThan ? `${policy.slowerThan}ms` : '',
    body: policy.body ?? 65_536,
  });
  const save = useMutation({
    mutationFn: () => ask('/api/v1/capture', { method: 'PUT', json: policyOf(draft) }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: KEY });
      close();
    },
  });
  const text = (
    key: 'client' | 'sender' | 'recipient' | 'milter' | 'slowerThan',
    label: string,
    placeholder: string,
  ) => (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={draft[key]}
      onChange={(event) => setDraft({ ...draft, [key]: event.currentTarget.value })}
    />
  );
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <SegmentedControl
        aria-label="What is captured"
        data={[
          { value: 'all', label: 'Everything' },
          { value: 'matching', label: 'What fits' },
          { value: 'off', label: 'Nothing' },
        ]}
        value={draft.mode}
        onChange={(mode) => setDraft({ ...draft, mode })}
      />
      {draft.mode === 'matching' && (
        <div className="columns" style={{ gap: 12 }}>
          {text('client', 'Clients (networks)', '192.0.2.0/24 2001:db8::/32')}
          {text('sender', 'Sender', '*@example.org')}
          {text('recipient', 'Recipient', '*@example.org')}
          {text('milter', 'Filter', 'rspamd')}
          {text('slowerThan', 'Slower than', '500ms')}
          <Checkbox
            label="Only with errors"
            checked={draft.errorsOnly}
            onChange={(event) => setDraft({ ...draft, errorsOnly: event.currentTarget.checked })}
            mt={28}
          />
        </div>
      )}
      {draft.mode !== 'off' && (
        <NumberInput
          label="Bytes of content kept of each message"
          description="0 keeps none. The names and passwords of log-ins are never kept."
          min={0}
          hideControls
          value={draft.body}
          onChange={(value) => setDraft({ ...draft, body: Number(value) || 0 })}
        />
      )}
      <Note>
        Capture is noted in the log with who changed it. Old conversations make way for new ones; pin those
        you need.
      </Note>
      <FailureNote error={save.error} />
      <div className="row">
        <Button type="submit" loading={save.isPending} disabled={!may}>
          Use this policy
        </Button>
        {!may && <span className="dim">To change it a token needs the scope operator.</span>}
      </div>
    </form>
  );
}

interface Draft {
  readonly mode: string;
  readonly client: string;
  readonly sender: string;
  readonly recipient: string;
  readonly milter: string;
  readonly errorsOnly: boolean;
  readonly slowerThan: string;
  readonly body: number;
}

function policyOf(draft: Draft): CapturePolicy {
  const mode = draft.mode as CapturePolicy['mode'];
  if (mode !== 'matching') return { mode, body: draft.body };
  const clients = draft.client.split(/[\s,]+/).filter((each) => each !== '');
  const slower = durationOf(draft.slowerThan);
  return {
    mode,
    body: draft.body,
    ...(clients.length > 0 && { client: clients }),
    ...(draft.sender && { sender: draft.sender }),
    ...(draft.recipient && { recipient: draft.recipient }),
    ...(draft.milter && { milter: draft.milter }),
    ...(draft.errorsOnly && { errorsOnly: true }),
    ...(slower !== null && { slowerThan: slower }),
  };
}
