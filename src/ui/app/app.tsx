/** Signed in: the shell with its page. Not: the door. */
import { SessionScope, useSessionQuery } from '../api/session.tsx';
import { Loading, Trouble } from '../parts/states.tsx';
import { Live } from '../parts/live.tsx';
import { Shell } from '../shell/shell.tsx';
import { SignIn } from '../shell/sign-in.tsx';
import { Pages } from './pages.tsx';

export function App() {
  const session = useSessionQuery();
  if (session.isPending) return <Loading what="Millrace" />;
  if (session.isError) return <Trouble error={session.error} retry={() => void session.refetch()} />;
  if (!session.data) return <SignIn />;
  return (
    <SessionScope session={session.data}>
      <Live>
        <Shell>
          <Pages />
        </Shell>
      </Live>
    </SessionScope>
  );
}
