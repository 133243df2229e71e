/** Lists of the configuration as the API has them: listeners, routes. */
import { useQuery } from '@tanstack/react-query';
import { ask } from '../api/client.ts';
import type { MilterSettings } from '../api/shapes.ts';
import type { Change } from '../milters/review.tsx';

export type ListName = 'listeners' | 'routes';

export interface Item {
  readonly name: string;
  readonly index: number;
  readonly settings: MilterSettings;
  readonly effective: MilterSettings | null;
}
export interface Items {
  readonly revision: string;
  readonly items: readonly Item[];
}

export const useItems = (list: ListName) =>
  useQuery({
    queryKey: [list],
    queryFn: async ({ signal }): Promise<Items> => {
      const answer = await ask<{ revision: string } & Readonly<Record<string, unknown>>>(`/api/v1/${list}`, {
        signal,
      });
      return { revision: answer.revision, items: (answer[list] ?? []) as readonly Item[] };
    },
  });

/** The whole list, changed, as a request. */
export const changeOfList = (
  list: ListName,
  settings: readonly MilterSettings[],
  revision: string,
): Change => ({
  method: 'PUT',
  path: `/api/v1/${list}`,
  json: { [list]: settings },
  revision,
});
