/** What a dry run is made of; kept while one goes from tab to tab. */
import { NativeSelect } from '@mantine/core';
import { useState } from 'react';
import { useItems } from '../settings/items.ts';

export interface Draft {
  readonly from: string;
  readonly to: string;
  readonly client: string;
  readonly clientName: string;
  readonly helo: string;
  readonly user: string;
  readonly listener: string;
  readonly message: string;
  readonly file: { readonly name: string; readonly bytes: Uint8Array } | null;
}

let kept: Draft = {
  from: 'sender@example.org',
  to: 'you@example.com',
  client: '192.0.2.1',
  clientName: 'mail.example.org',
  helo: 'mail.example.org',
  user: '',
  listener: '',
  message: 'From: sender@example.org\nTo: you@example.com\nSubject: A try\n\nHello.\n',
  file: null,
};

export function useDraft(): [Draft, (change: Partial<Draft>) => void] {
  const [draft, setDraft] = useState(kept);
  return [
    draft,
    (change) => {
      kept = { ...kept, ...change };
      setDraft(kept);
    },
  ];
}

/** The listener it comes in at: one of those there are. */
export function ListenerField({
  draft,
  set,
}: {
  readonly draft: Draft;
  readonly set: (change: Partial<Draft>) => void;
}) {
  const names = useItems('listeners').data?.items.map((item) => item.name) ?? [];
  const [first = ''] = names;
  if (draft.listener === '' && first !== '') queueMicrotask(() => set({ listener: first }));
  return (
    <NativeSelect
      label="Listener"
      description="The door it comes in at"
      data={names}
      value={draft.listener}
      onChange={(event) => set({ listener: event.currentTarget.value })}
    />
  );
}

/** The request. */
export function messageFor(draft: Draft): Readonly<Record<string, unknown>> {
  const { file } = draft;
  return {
    from: draft.from.trim(),
    to: draft.to.split(/[\s,]+/).filter((each) => each !== ''),
    client: draft.client.trim(),
    clientName: draft.clientName.trim(),
    helo: draft.helo.trim(),
    user: draft.user.trim(),
    listener: draft.listener,
    ...(file
      ? { message: base64(file.bytes), encoding: 'base64' }
      : { message: draft.message.replace(/\r?\n/g, '\r\n') }),
  };
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192)
    binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}
