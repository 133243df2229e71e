/** Tokens of the API: what each may do, when it was last used; a new one is shown once. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../api/client.ts';
import type { Scope, Token } from '../api/shapes.ts';
import { Copy } from '../parts/copy.tsx';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty, FailureNote, Loading, Note, Trouble } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { Window } from '../parts/window.tsx';

const KEY = ['tokens'];
const PATH = '/api/v1/tokens';
const SCOPES = [
  { value: 'viewer', label: 'viewer: looks, but not into mail' },
  { value: 'operator', label: 'operator: queue, quarantine, content' },
  { value: 'admin', label: 'admin: everything' },
];

export function TokenList() {
  const tokens = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => ask<readonly Token[]>(PATH, { signal }),
  });
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<string | null>(null);
  return (
    <Card
      title="Tokens"
      aside={
        <Button size="xs" variant="default" onClick={() => setAdding(true)}>
          New token
        </Button>
      }
    >
      {tokens.isPending ? (
        <Loading what="tokens" rows={3} />
      ) : tokens.isError ? (
        <Trouble error={tokens.error} retry={() => void tokens.refetch()} />
      ) : tokens.data.length === 0 ? (
        <Empty title="There are no tokens" command="millrace token create NAME viewer" />
      ) : (
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Tokens">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">May</th>
                <th scope="col">Made</th>
                <th scope="col">Last used</th>
                <th scope="col">
                  <span className="sr-only">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {tokens.data.map((token) => (
                <tr key={token.name}>
                  <td>
                    <Plain text={token.name} />
                  </td>
                  <td>{token.scope}</td>
                  <td>
                    {token.created === null ? (
                      <span className="dim">in the configuration</span>
                    ) : (
                      <When at={token.created} />
                    )}
                  </td>
                  <td>
                    {token.lastUsed === null ? (
                      <span className="dim">never</span>
                    ) : (
                      <When at={token.lastUsed} relative />
                    )}
                  </td>
                  <td>
                    {token.created !== null && (
                      <Button size="xs" variant="default" onClick={() => setRemoving(token.name)}>
                        Revoke
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {adding && <NewToken close={() => setAdding(false)} />}
      {removing !== null && <Revoke name={removing} close={() => setRemoving(null)} />}
    </Card>
  );
}

function NewToken({ close }: { readonly close: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Scope>('viewer');
  const client = useQueryClient();
  const make = useMutation({
    mutationFn: () => ask<Token>(PATH, { method: 'POST', json: { name: name.trim(), scope } }),
    onSuccess: () => client.invalidateQueries({ queryKey: KEY }),
  });
  if (make.data)
    return (
      <Window title="The new token" close={close} foot={<Button onClick={close}>I have it</Button>}>
        <Note tone="warn">It is shown this once.</Note>
        <div className="row">
          <code className="command">{make.data.token}</code>
          <Copy text={make.data.token ?? ''} label="Copy" />
        </div>
      </Window>
    );
  return (
    <Window title="New token" close={close}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        <TextInput
          label="Name"
          description="Stands in the log and the audit trail."
          autoFocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <NativeSelect
          label="May"
          data={SCOPES}
          value={scope}
          onChange={(event) => setScope(event.currentTarget.value as Scope)}
        />
        <FailureNote error={make.error} />
        <div className="row">
          <Button type="submit" loading={make.isPending} disabled={name.trim() === ''}>
            Make it
          </Button>
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
        </div>
      </form>
    </Window>
  );
}

function Revoke({ name, close }: { readonly name: string; readonly close: () => void }) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => ask(`${PATH}/${encodeURIComponent(name)}`, { method: 'DELETE' }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: KEY });
      close();
    },
  });
  return (
    <Window
      title={`Revoke ${name}`}
      close={close}
      foot={
        <>
          <Button variant="default" onClick={close} autoFocus>
            Leave it
          </Button>
          <Button color="red" variant="light" loading={revoke.isPending} onClick={() => revoke.mutate()}>
            Revoke
          </Button>
        </>
      }
    >
      <p>Whoever uses it is refused from now on, and its sessions end.</p>
      <FailureNote error={revoke.error} />
    </Window>
  );
}
