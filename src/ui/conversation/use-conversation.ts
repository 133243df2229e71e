/** The packets of a conversation, and those that come while one looks. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { ask, withQuery } from '../api/client.ts';
import { useEventStream } from '../api/events.ts';
import type { ConversationLine, PacketRow } from '../api/shapes.ts';
import { useLive } from '../parts/live.tsx';
import { keyOf } from './folds.ts';

export interface ConversationView {
  readonly line: ConversationLine;
  readonly parts: readonly ConversationLine[];
}

export const useConversation = (session: string) => {
  const { live } = useLive();
  return useQuery({
    queryKey: ['conversation', session],
    queryFn: ({ signal }) =>
      ask<ConversationView>(`/api/v1/conversations/${encodeURIComponent(session)}`, { signal }),
    refetchInterval: (query) =>
      live && (query.state.data?.line.open || query.state.data?.parts.some((part) => part.open))
        ? 2000
        : false,
  });
};

/** Packets painted in a second, at most. */
const RATE = 30;

export interface Packets {
  readonly rows: readonly PacketRow[];
  /** Packets that came and are not painted yet. */
  readonly waiting: number;
}

/** `part` undefined: all parts. `open`: more may come. */
export function usePackets(session: string, part: number | undefined, open: boolean) {
  const { live } = useLive();
  const [rows, setRows] = useState<readonly PacketRow[]>([]);
  const [waiting, setWaiting] = useState(0);
  const [ended, setEnded] = useState('');
  const queue = useRef<PacketRow[]>([]);
  const path = `/api/v1/conversations/${encodeURIComponent(session)}`;
  const query = useQuery({
    queryKey: ['packets', session, part ?? 'all'],
    queryFn: ({ signal }) =>
      ask<{ packets: readonly PacketRow[] }>(withQuery(`${path}/packets`, { part }), { signal }),
    staleTime: Infinity,
    gcTime: 0,
  });
  useEffect(() => {
    queue.current = [];
    setRows(query.data?.packets ?? []);
  }, [query.data]);
  const take = (data: unknown): void => {
    const row = data as PacketRow;
    if (part === undefined || row.part === part) queue.current.push(row);
  };
  const from = query.data?.packets.at(-1);
  const follows = open && live && query.data !== undefined && ended !== path;
  useEventStream(follows ? withQuery(`${path}/events`, { part: from?.part, after: from?.n }) : null, {
    packet: take,
    end: () => setEnded(path),
  });
  useEffect(() => {
    if (!open) return undefined;
    const timer = setInterval(() => {
      setWaiting(queue.current.length);
      const batch = queue.current.splice(0, Math.ceil(RATE / 4));
      if (batch.length > 0)
        setRows((old) => {
          const known = new Set(old.map(keyOf));
          return [...old, ...batch.filter((row) => !known.has(keyOf(row)))];
        });
    }, 250);
    return () => clearInterval(timer);
  }, [open]);
  return { query, packets: { rows, waiting } satisfies Packets };
}
