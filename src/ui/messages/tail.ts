/**
 * New rows while one looks: painted in small batches, at most RATE a second, the others counted.
 *
 * Only where the newest row is in sight; whoever reads further down is told how many there are, and nothing moves under the eyes.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import { useEventStream } from '../api/events.ts';
import type { PagedRows } from '../list/paged-rows.ts';

/** Rows painted in a second. */
const RATE = 30;
const EVERY_MS = 250;

export interface Tail {
  /** Rows that came and are not in the list. */
  readonly waiting: number;
  /** Told whether the newest row is in sight. */
  readonly setTop: (top: boolean) => void;
  /** Begins anew with the newest. */
  readonly catchUp: () => void;
}

/** `path`: the stream, with the conditions of the list. */
export function useTail<T>(options: {
  readonly path: string;
  readonly topic: 'history' | 'conversations';
  readonly list: PagedRows<T>;
  readonly live: boolean;
}): Tail {
  const { path, topic, list, live } = options;
  const [waiting, setWaiting] = useState(0);
  const top = useRef(true);
  const pending = useRef<T[]>([]);
  const missed = useRef(0);
  useEventStream(live ? path : null, {
    [topic]: (data) => {
      if (top.current && pending.current.length < RATE * 2) pending.current.push(data as T);
      else missed.current++;
    },
    more: (data) => {
      missed.current += (data as { n?: number }).n ?? 0;
    },
  });
  useEffect(() => {
    const timer = setInterval(() => {
      const batch = top.current ? pending.current.splice(0, Math.ceil((RATE * EVERY_MS) / 1000)) : [];
      if (!top.current) missed.current += pending.current.splice(0).length;
      for (const row of batch) list.take(row);
      setWaiting(missed.current);
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [list]);
  const catchUp = useCallback(() => {
    missed.current = 0;
    pending.current = [];
    setWaiting(0);
    list.reset();
  }, [list]);
  const setTop = useCallback((now: boolean) => {
    top.current = now;
  }, []);
  return { waiting, setTop, catchUp };
}
