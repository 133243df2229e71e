/** A message of the history as the draft of a dry run: its envelope, and its bytes as they came, as far as they are kept. */
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { ask, askBytes } from '../api/client.ts';
import type { HistoryRow } from '../api/shapes.ts';
import { useParameters } from '../parts/address.ts';
import type { Draft } from './draft.tsx';

/** Takes over the message that the address names; why that is not possible, or what it lacks, or ''. */
export function useAgain(set: (change: Partial<Draft>) => void): {
  readonly error: unknown;
  readonly lacks: string;
} {
  const [parameters] = useParameters();
  const id = parameters.get('again');
  const path = `/api/v1/history/${encodeURIComponent(id ?? '')}`;
  const found = useQuery({
    queryKey: ['again', id],
    queryFn: async ({ signal }) => ({
      row: await ask<HistoryRow>(path, { signal }),
      bytes: await askBytes(`${path}/message?which=original`, signal),
    }),
    enabled: id !== null,
    staleTime: Infinity,
  });
  const { data } = found;
  useEffect(() => {
    if (data) set(draftOf(data.row, data.bytes));
    // Once for each message: what is typed afterwards stays.
  }, [data]);
  const cut = data ? Math.max(0, data.row.size - data.bytes.length) : 0;
  return {
    error: found.error,
    lacks:
      cut === 0
        ? ''
        : `The last ${cut.toLocaleString('en-GB')} bytes of it are not kept: filters see it cut.`,
  };
}

function draftOf(row: HistoryRow, bytes: Uint8Array): Partial<Draft> {
  const { client, clientName, helo, user, from, to, listener, id } = row;
  return {
    ...{ client, clientName, helo, user, from, listener },
    to: to.join(', '),
    file: { name: `${id}.eml`, bytes },
  };
}
