/** Users of the submission listeners; a password is never shown, it is only set. */
import { Button, PasswordInput, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../api/client.ts';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty, FailureNote, Loading, Trouble } from '../parts/states.tsx';
import { Window } from '../parts/window.tsx';
import { ReviewWindow, type Change } from '../milters/review.tsx';

interface User {
  readonly name: string;
  readonly senders?: readonly string[];
  readonly settings?: { readonly senders?: readonly string[] };
}
interface UserPage {
  readonly revision: string;
  readonly users: readonly User[];
}

const PATH = '/api/v1/users';

export function UserList() {
  const users = useQuery({ queryKey: ['users'], queryFn: ({ signal }) => ask<UserPage>(PATH, { signal }) });
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Change | null>(null);
  return (
    <Card
      title="Users"
      aside={
        <Button size="xs" variant="default" onClick={() => setAdding(true)} disabled={!users.data}>
          Add user
        </Button>
      }
    >
      {users.isPending ? (
        <Loading what="users" rows={3} />
      ) : users.isError ? (
        <Trouble error={users.error} retry={() => void users.refetch()} />
      ) : users.data.users.length === 0 ? (
        <Empty title="There are no users in the configuration" command="millrace user hash" />
      ) : (
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Users">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">May send as</th>
                <th scope="col">
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {users.data.users.map((user) => (
                <tr key={user.name}>
                  <td>
                    <Plain text={user.name} />
                  </td>
                  <td>
                    <Plain
                      text={(user.senders ?? user.settings?.senders ?? []).join(', ')}
                      none="any address"
                    />
                  </td>
                  <td>
                    <Button
                      size="xs"
                      variant="default"
                      onClick={() =>
                        setRemoving({
                          method: 'DELETE',
                          path: `${PATH}/${encodeURIComponent(user.name)}`,
                          revision: users.data.revision,
                        })
                      }
                    >
                      Remove
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {adding && users.data && <NewUser revision={users.data.revision} close={() => setAdding(false)} />}
      {removing && (
        <ReviewWindow title="Remove this user" change={removing} close={() => setRemoving(null)} />
      )}
    </Card>
  );
}

function NewUser({ revision, close }: { readonly revision: string; readonly close: () => void }) {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: () =>
      ask(PATH, {
        method: 'POST',
        json: { settings: { name: name.trim(), password } },
        headers: { 'if-match': `"${revision}"` },
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['users'] });
      close();
    },
  });
  return (
    <Window title="New user" close={close}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate();
        }}
      >
        <TextInput
          label="Name"
          autoComplete="off"
          autoFocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          description="Only its hash is kept."
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <FailureNote error={add.error} />
        <div className="row">
          <Button type="submit" loading={add.isPending} disabled={name.trim() === '' || password === ''}>
            Add
          </Button>
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
        </div>
      </form>
    </Window>
  );
}
