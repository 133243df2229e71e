/** Server-sent events as a hook: one stream per page, resumed by the browser with the last id it saw. */
import { useEffect, useRef } from 'react';
import { connection } from './client.ts';

export type EventHandlers = Readonly<Record<string, (data: unknown) => void>>;

/** Listens while `path` is not null; handlers may change between renders. */
export function useEventStream(path: string | null, handlers: EventHandlers): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  const names = Object.keys(handlers).join(' ');
  useEffect(() => {
    if (path === null) return undefined;
    const source = new EventSource(path);
    const listen = (name: string) =>
      source.addEventListener(name, (event) => {
        const data = parsed((event as MessageEvent<string>).data);
        if (data !== undefined) latest.current[name]?.(data);
      });
    for (const name of names.split(' ')) listen(name);
    source.onopen = () => connection.report(false);
    // The browser tries again by itself unless it was refused; only then is it worth no banner.
    source.onerror = () => {
      if (source.readyState === EventSource.CONNECTING) connection.report(true);
    };
    return () => source.close();
  }, [path, names]);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
