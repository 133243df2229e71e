/** The state of a page in its address: parameters read and written without a step in the history for every letter. */
import { useCallback, useMemo } from 'react';
import { useLocation, useSearch } from 'wouter';

export type Parameters = Readonly<Record<string, string | null>>;

/** The parameters, and a way to change some of them; null takes one away. */
export function useParameters(): [URLSearchParams, (changes: Parameters, push?: boolean) => void] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const parameters = useMemo(() => new URLSearchParams(search), [search]);
  const change = useCallback(
    (changes: Parameters, push = false) => {
      const next = new URLSearchParams(window.location.search);
      for (const [name, value] of Object.entries(changes))
        if (value === null || value === '') next.delete(name);
        else next.set(name, value);
      const text = next.toString();
      navigate(text === '' ? path : `${path}?${text}`, { replace: !push });
    },
    [path, navigate],
  );
  return [parameters, change];
}
