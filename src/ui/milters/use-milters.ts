/** The filters as they are configured, and how each is doing: two answers of the API in one. */
import { useQuery } from '@tanstack/react-query';
import { ask } from '../api/client.ts';
import type { Milter, MilterHealth, MilterList } from '../api/shapes.ts';

const PATH = '/api/v1/milters';

type Listed = Omit<MilterList, 'milters'> & { readonly milters: readonly Omit<Milter, 'health'>[] };

/** `every`: how often it is asked again. */
export function useMilters(every: number | false = false) {
  return useQuery({
    queryKey: ['milters'],
    queryFn: async ({ signal }): Promise<MilterList> => {
      const [list, health] = await Promise.all([
        ask<Listed>(PATH, { signal }),
        ask<{ milters: readonly MilterHealth[] }>('/api/v1/milter-health', { signal }),
      ]);
      const byName = new Map(health.milters.map((each) => [each.name, each]));
      // A filter that is in the file and not yet in force has no health.
      return {
        ...list,
        milters: list.milters.map((milter) => ({ ...milter, health: byName.get(milter.name) ?? null })),
      };
    },
    refetchInterval: every,
  });
}
