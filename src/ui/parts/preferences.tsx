/** What whoever looks prefers: the zone of times, and whether single keys do anything. Kept in this browser. */
import { createContext, useContext, useMemo, useState, type ReactNode } from 'react';
import type { Zone } from './format.ts';

interface Choices {
  readonly zone: Zone;
  readonly keys: boolean;
  readonly setZone: (zone: Zone) => void;
  readonly setKeys: (on: boolean) => void;
}

const Context = createContext<Choices | null>(null);

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

export function Preferences({ children }: { readonly children: ReactNode }) {
  const [zone, setZone] = useState<Zone>(() => (stored('millrace-zone') === 'local' ? 'local' : 'utc'));
  const [keys, setKeys] = useState(() => stored('millrace-keys') !== 'off');
  const choices = useMemo<Choices>(
    () => ({
      zone,
      keys,
      setZone: (value) => {
        store('millrace-zone', value);
        setZone(value);
      },
      setKeys: (on) => {
        store('millrace-keys', on ? 'on' : 'off');
        setKeys(on);
      },
    }),
    [zone, keys],
  );
  return <Context value={choices}>{children}</Context>;
}

export function usePreferences(): Choices {
  const choices = useContext(Context);
  if (!choices) throw new Error('there are no preferences here');
  return choices;
}
