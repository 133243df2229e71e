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

/** `going`: it may not be over, so its parts are asked for again. */
export const useConversation = (session: string, going: boolean) =>
  useQuery({
    queryKey: ['conversation', session],
    queryFn: ({ signal }) =>
      ask<ConversationView>(`/api/v1/conversations/${encodeURIComponent(session)}`, { signal }),
    refetchInterval: going ? 2000 : false,
  });

/** Packets painted in a second, at most. */
const RATE = 30;

export interface Packets {
  readonly rows: readonly PacketRow[];
  /** Packets that came and are not painted yet. */
  readonly waiting: number;
}

/** Our last word on a connection (RFC 5321 3.8, 4.2.1). */
const isGoodbye = ({ kind, direction, code }: PacketRow): boolean =>
  kind === 'smtp' && direction === 'sent' && (code === '221' || code === '421');

/** `part` undefined: all parts. `follow`: more may come; `going`: it is listened for, until the gateway says that this was all. */
export function usePackets(session: string, part: number | undefined, follow: boolean) {
  const { live } = useLive();
  const [rows, setRows] = useState<readonly PacketRow[]>([]);
  const [waiting, setWaiting] = useState(0);
  const [ended, setEnded] = useState('');
  const queue = useRef<PacketRow[]>([]);
  const heard = useRef(false);
  const path = `/api/v1/conversations/${encodeURIComponent(session)}`;
  const query = useQuery({
    queryKey: ['packets', session, part ?? 'all'],
    queryFn: ({ signal }) =>
      ask<{ packets: readonly PacketRow[] }>(withQuery(`${path}/packets`, { part }), { signal }),
    staleTime: Infinity,
    gcTime: 0,
  });
  const loaded = query.data?.packets;
  useEffect(() => {
    queue.current = [];
    setRows(loaded ?? []);
  }, [loaded]);
  const from = loaded?.at(-1);
  const over = ended === path || loaded?.some(isGoodbye) === true;
  const going = follow && live && loaded !== undefined && !over;
  useEventStream(going ? withQuery(`${path}/events`, { part: from?.part, after: from?.n }) : null, {
    packet: (data) => {
      const row = data as PacketRow;
      heard.current = true;
      if (part === undefined || row.part === part) queue.current.push(row);
    },
    end: () => {
      setEnded(path);
      // What filters are told after the last reply is in the whole, not in the stream.
      if (heard.current) void query.refetch();
    },
  });
  useEffect(() => {
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
  }, []);
  return { query, packets: { rows, waiting } satisfies Packets, going };
}
