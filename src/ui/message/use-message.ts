/** What is known of one message: its row, what filters changed, its bytes. */
import { useQuery } from '@tanstack/react-query';
import { ask, askBytes } from '../api/client.ts';
import { useMay } from '../api/session.tsx';
import type { Changes, HistoryRow } from '../api/shapes.ts';
import { useEvery } from '../parts/live.tsx';

export const useRow = (id: string) => {
  const every = useEvery(5000);
  return useQuery({
    queryKey: ['history', id],
    queryFn: ({ signal }) => ask<HistoryRow>(`/api/v1/history/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: every,
  });
};

/** Only operators may look into mail. */
export function useChanges(id: string, wanted: boolean) {
  const may = useMay('operator');
  return useQuery({
    queryKey: ['changes', id],
    queryFn: ({ signal }) => ask<Changes>(`/api/v1/history/${encodeURIComponent(id)}/changes`, { signal }),
    enabled: wanted && may,
    staleTime: Infinity,
  });
}

export function useBytes(id: string, which: 'original' | 'final', wanted: boolean) {
  const may = useMay('operator');
  return useQuery({
    queryKey: ['bytes', id, which],
    queryFn: ({ signal }) =>
      askBytes(`/api/v1/history/${encodeURIComponent(id)}/message?which=${which}`, signal),
    enabled: wanted && may,
    staleTime: Infinity,
  });
}
