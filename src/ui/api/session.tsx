/** Who is signed in, for every page: the session of the API, and what its scope allows. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, useContext, useEffect, type ReactNode } from 'react';
import { ask, Failure, onSignedOut, rememberCsrf } from './client.ts';
import type { Scope, Session } from './shapes.ts';

const SCOPES: readonly Scope[] = ['viewer', 'operator', 'admin'];
const Current = createContext<Session | null>(null);
const KEY = ['session'];

/** The session, or null for nobody; `pending` before the first answer. */
export function useSessionQuery() {
  const client = useQueryClient();
  useEffect(() => onSignedOut(() => client.setQueryData(KEY, null)), [client]);
  return useQuery({
    queryKey: KEY,
    queryFn: async () => {
      try {
        return taken(await ask<Session>('/api/v1/session'));
      } catch (error) {
        if (error instanceof Failure && error.status === 401) return null;
        throw error;
      }
    },
    staleTime: Infinity,
  });
}

/** What opens the door. */
export type Credentials = { readonly token: string } | { readonly user: string; readonly password: string };

/** Signs in. */
export function useSignIn(): (shown: Credentials) => Promise<void> {
  const client = useQueryClient();
  return async (shown) => {
    const session = await ask<Session>('/api/v1/session', { method: 'POST', json: shown });
    client.setQueryData(KEY, taken(session));
  };
}

/** Signs out, and forgets everything that was read. */
export function useSignOut(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await ask('/api/v1/session', { method: 'DELETE' }).catch(() => undefined);
    client.clear();
    client.setQueryData(KEY, null);
  };
}

function taken(session: Session): Session {
  rememberCsrf(session.csrf);
  return session;
}

export function SessionScope({
  session,
  children,
}: {
  readonly session: Session;
  readonly children: ReactNode;
}) {
  return <Current value={session}>{children}</Current>;
}

/** The session of whoever looks. */
export function useSession(): Session {
  const session = useContext(Current);
  if (!session) throw new Error('there is no session here');
  return session;
}

/** Whether the session may do what needs this scope. */
export function useMay(scope: Scope): boolean {
  return SCOPES.indexOf(useSession().scope) >= SCOPES.indexOf(scope);
}
