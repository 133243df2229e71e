/** A paged list for a component: made anew when what is asked for changes. */
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { PagedRows, type ReadBatch } from './paged-rows.ts';

/** `key` names what is asked for; `read` may be made anew at each render. */
export function usePaged<T>(key: string, read: ReadBatch<T>, idOf: (row: T) => string): PagedRows<T> {
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- the key stands for what is read
  const list = useMemo(() => new PagedRows<T>(read, idOf), [key]);
  useSyncExternalStore(list.subscribe, list.version);
  useEffect(() => list.look(0, 40), [list]);
  return list;
}
