/** Which rows are marked, by id, and whether all that match are meant. */
import { useMemo, useState } from 'react';

export interface Selection {
  readonly ids: ReadonlySet<string>;
  readonly all: boolean;
  readonly toggle: (id: string) => void;
  readonly add: (ids: readonly string[]) => void;
  readonly setAll: (on: boolean) => void;
  readonly clear: () => void;
}

export function useSelection(): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const [all, setAll] = useState(false);
  return useMemo<Selection>(
    () => ({
      ids,
      all,
      toggle: (id) => {
        setAll(false);
        setIds((old) => {
          const next = new Set(old);
          if (!next.delete(id)) next.add(id);
          return next;
        });
      },
      add: (more) => setIds((old) => new Set([...old, ...more])),
      setAll: (on) => {
        setAll(on);
        if (on) setIds(new Set());
      },
      clear: () => {
        setIds(new Set());
        setAll(false);
      },
    }),
    [ids, all],
  );
}
