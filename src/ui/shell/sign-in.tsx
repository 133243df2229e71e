/** The door: a token opens it, or the password of a user who may use the pages. */
import { Button, PasswordInput, SegmentedControl, TextInput } from '@mantine/core';
import { useRef, useState, type SyntheticEvent } from 'react';
import { Failure } from '../api/client.ts';
import { useSignIn, type Credentials } from '../api/session.tsx';

/** By what one signs in. */
type Way = 'token' | 'password';

export function SignIn() {
  const [way, setWay] = useState<Way>('token');
  const [token, setToken] = useState('');
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const signIn = useSignIn();
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    const shown = way === 'token' ? { token: token.trim() } : { user: user.trim(), password };
    if (Object.values(shown).includes(''))
      return setError(way === 'token' ? 'Enter a token.' : 'Enter name and password.');
    setBusy(true);
    try {
      await signIn(shown);
    } catch (failure) {
      setError(wordsOf(failure, shown));
      setBusy(false);
      first.current?.focus();
    }
  };
  const typed =
    (set: (text: string) => void) => (event: { readonly currentTarget: { readonly value: string } }) => {
      set(event.currentTarget.value);
      setError('');
    };
  return (
    <main className="sign-in">
      <title>Sign in · Millrace</title>
      <form className="card" onSubmit={(event) => void submit(event)} noValidate>
        <img src="/millrace.svg" alt="" />
        <h1>Sign in to Millrace</h1>
        <SegmentedControl
          aria-label="How to sign in"
          value={way}
          onChange={(next) => {
            setWay(next);
            setError('');
          }}
          data={[
            { value: 'token', label: 'With a token' },
            { value: 'password', label: 'With a password' },
          ]}
        />
        {way === 'token' ? (
          <PasswordInput
            key="token"
            ref={first}
            label="Token"
            size="md"
            autoFocus
            autoComplete="current-password"
            value={token}
            error={error}
            onChange={typed(setToken)}
          />
        ) : (
          <>
            <TextInput
              ref={first}
              label="Name"
              size="md"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              value={user}
              onChange={typed(setUser)}
            />
            <PasswordInput
              key="password"
              label="Password"
              size="md"
              autoComplete="current-password"
              value={password}
              error={error}
              onChange={typed(setPassword)}
            />
          </>
        )}
        <Button type="submit" size="md" loading={busy}>
          Sign in
        </Button>
        <p className="small dim">
          {way === 'token' ? (
            <>
              The first token lies in the file that <code>admin.token</code> names; without one it is{' '}
              <code>admin.token</code> in the state folder.
            </>
          ) : (
            <>
              Users of this gateway who stand in <code>admin.users</code> sign in with the password they have
              for mail.
            </>
          )}
        </p>
      </form>
    </main>
  );
}

function wordsOf(failure: unknown, shown: Credentials): string {
  if (failure instanceof Failure && failure.status === 401)
    return 'token' in shown ? 'This token is not known here.' : 'Name or password is wrong.';
  return failure instanceof Error ? failure.message : 'It failed.';
}
