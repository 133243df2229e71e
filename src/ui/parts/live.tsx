/** Whether pages follow what happens, or stand still: one switch for all of them. */
import { createContext, useContext, useMemo, useState, type ReactNode } from 'react';

interface Following {
  readonly live: boolean;
  readonly setLive: (on: boolean) => void;
}
const Context = createContext<Following>({ live: true, setLive: () => undefined });

export function Live({ children }: { readonly children: ReactNode }) {
  const [live, setLive] = useState(true);
  const value = useMemo(() => ({ live, setLive }), [live]);
  return <Context value={value}>{children}</Context>;
}

export const useLive = (): Following => useContext(Context);

/** For queries that are asked again every so often: not while paused. */
export function useEvery(ms: number): number | false {
  return useLive().live ? ms : false;
}
