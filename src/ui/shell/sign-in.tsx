/** The door: a token opens it. */
import { Button, PasswordInput } from '@mantine/core';
import { useState, type SyntheticEvent } from 'react';
import { Failure } from '../api/client.ts';
import { useSignIn } from '../api/session.tsx';

export function SignIn() {
  const [token, setToken] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const signIn = useSignIn();
  const submit = async (event: SyntheticEvent): Promise<void> => {
    event.preventDefault();
    if (token.trim() === '') return setError('Enter a token.');
    setBusy(true);
    try {
      await signIn(token.trim());
    } catch (failure) {
      setError(
        failure instanceof Failure && failure.status === 401
          ? 'This token is not known here.'
          : failure instanceof Error
            ? failure.message
            : 'It failed.',
      );
      setBusy(false);
    }
  };
  return (
    <main className="sign-in">
      <title>Sign in · Millrace</title>
      <form className="card" onSubmit={(event) => void submit(event)} noValidate>
        <img src="/millrace.svg" alt="" />
        <div>
          <h1>Sign in to Millrace</h1>
          <p className="dim">With a token of this gateway.</p>
        </div>
        <PasswordInput
          label="Token"
          size="md"
          autoFocus
          autoComplete="current-password"
          value={token}
          error={error}
          onChange={(event) => {
            setToken(event.currentTarget.value);
            setError('');
          }}
        />
        <Button type="submit" size="md" loading={busy}>
          Sign in
        </Button>
        <p className="small dim">
          The first token lies in the file that <code>admin.token</code> names; without one it is{' '}
          <code>admin.token</code> in the state folder.
        </p>
      </form>
    </main>
  );
}
