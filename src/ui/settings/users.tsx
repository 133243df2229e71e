/** Settings › Users and tokens: who may send, and who may use this. */
import { useMay } from '../api/session.tsx';
import { Page } from '../parts/page.tsx';
import { NotAllowed } from '../parts/states.tsx';
import { TokenList } from './token-list.tsx';
import { UserList } from './user-list.tsx';

export function Users() {
  const may = useMay('admin');
  return (
    <Page
      title="Users and tokens"
      crumbs={['Settings', 'Users and tokens']}
      intro="Users log in to send mail, and to these pages where admin.users gives them a scope; tokens open these pages and the API."
    >
      {may ? (
        <>
          <UserList />
          <TokenList />
        </>
      ) : (
        <NotAllowed detail="To see users and tokens a token needs the scope admin." />
      )}
    </Page>
  );
}
