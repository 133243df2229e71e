/** The part of a conversation that one message was, inside the message's page. */
import { Link } from 'wouter';
import { Loading, NotAllowed, Trouble } from '../parts/states.tsx';
import { Failure } from '../api/client.ts';
import { Empty } from '../parts/states.tsx';
import { PacketView } from './conversation-view.tsx';
import { usePackets } from './use-conversation.ts';

export function ConversationOf({ session, part }: { readonly session: string; readonly part: number }) {
  const { query, packets } = usePackets(session, part, false);
  if (query.isPending) return <Loading what="the conversation" />;
  if (query.isError) {
    if (query.error instanceof Failure && query.error.status === 404)
      return (
        <Empty title="This conversation is not kept">
          The capture policy left it out, or newer ones have taken its place.{' '}
          <Link href="/conversations?capture=1">See the policy</Link>
        </Empty>
      );
    if (query.error instanceof Failure && query.error.status === 403)
      return <NotAllowed detail={query.error.message} />;
    return <Trouble error={query.error} retry={() => void query.refetch()} />;
  }
  return (
    <div className="stack">
      <div className="row">
        <Link href={`/conversations/${encodeURIComponent(session)}`}>The whole conversation</Link>
      </div>
      <PacketView packets={packets} />
    </div>
  );
}
