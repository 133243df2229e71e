/** A message composed or dropped in, with a made-up client and envelope, run through all stages. */
import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../api/client.ts';
import type { DryRun } from '../api/shapes.ts';
import { Card } from '../parts/page.tsx';
import { FailureNote, Note } from '../parts/states.tsx';
import { useAgain } from './again.ts';
import { DryRunResult } from './dry-run-result.tsx';
import { ListenerField, messageFor, useDraft, type Draft } from './draft.tsx';
import './troubleshoot.css';

export function DryRunForm() {
  const [draft, set] = useDraft();
  const again = useAgain(set);
  const run = useMutation({
    mutationFn: () => ask<DryRun>('/api/v1/dry-run', { method: 'POST', json: messageFor(draft) }),
  });
  return (
    <div className="stack" style={{ gap: 20 }}>
      <FailureNote error={again.error} />
      {again.lacks !== '' && <Note tone="warn">{again.lacks}</Note>}
      <form
        className="columns try"
        onSubmit={(event) => {
          event.preventDefault();
          run.mutate();
        }}
      >
        <Card title="Who sends to whom">
          <EnvelopeFields draft={draft} set={set} />
        </Card>
        <Card title="Message">
          <MessageField draft={draft} set={set} />
          <div className="row" style={{ marginTop: 14 }}>
            <Button type="submit" loading={run.isPending}>
              Run all stages
            </Button>
            <span className="small dim">Filters see a message as any other; nothing of it is kept here.</span>
          </div>
        </Card>
      </form>
      <FailureNote error={run.error} />
      <div role="status">{run.data && <DryRunResult result={run.data} />}</div>
    </div>
  );
}

export interface FieldsProps {
  readonly draft: Draft;
  readonly set: (change: Partial<Draft>) => void;
}

export function EnvelopeFields({ draft, set }: FieldsProps) {
  const text = (
    key: 'client' | 'clientName' | 'helo' | 'user' | 'from' | 'to',
    label: string,
    description: string,
  ) => (
    <TextInput
      label={label}
      description={description}
      value={draft[key]}
      autoComplete="off"
      spellCheck={false}
      onChange={(event) => set({ [key]: event.currentTarget.value })}
    />
  );
  return (
    <div className="form-grid">
      {text('from', 'From', 'Envelope sender; empty for the null sender')}
      {text('to', 'To', 'Recipients, commas between')}
      {text('client', 'Client address', 'As if it came from there')}
      {text('clientName', 'Client name', 'What its address resolves to')}
      {text('helo', 'HELO', 'The name it says')}
      {text('user', 'Login', 'Empty: not logged in')}
      <ListenerField draft={draft} set={set} />
    </div>
  );
}

/** Typed, or dropped as a file. */
function MessageField({ draft, set }: FieldsProps) {
  const [over, setOver] = useState(false);
  const take = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    set({ file: { name: file.name, bytes } });
  };
  return (
    <div
      className={over ? 'drop over' : 'drop'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer.files[0]);
      }}
    >
      {draft.file ? (
        <div className="row">
          <strong>{draft.file.name}</strong>
          <span className="dim">{draft.file.bytes.length.toLocaleString('en-GB')} B, sent byte for byte</span>
          <Button size="xs" variant="default" onClick={() => set({ file: null })}>
            Write one instead
          </Button>
        </div>
      ) : (
        <textarea
          aria-label="Message, header and text"
          className="config-text message-text"
          spellCheck={false}
          value={draft.message}
          onChange={(event) => set({ message: event.target.value })}
        />
      )}
      <label className="small file-label">
        Drop an .eml here, or choose one:{' '}
        <input
          type="file"
          accept=".eml,message/rfc822"
          onChange={(event) => void take(event.target.files?.[0])}
        />
      </label>
    </div>
  );
}
