/** One conversation: what it was about, its parts, its packets. */
import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from 'wouter';
import { ask } from '../api/client.ts';
import { useMay } from '../api/session.tsx';
import type { ConversationLine } from '../api/shapes.ts';
import { useParameters } from '../parts/address.ts';
import { bytes, span } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Page, Tabs } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { FailureNote, Loading, Note, Trouble } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { LinkButton } from '../message/message.tsx';
import { listAddress, useEscape } from '../shell/keys.ts';
import { PacketView } from './conversation-view.tsx';
import { useConversation, usePackets } from './use-conversation.ts';

export function Conversation() {
  const { session } = useParams<{ session: string }>();
  const [parameters] = useParameters();
  const wanted = parameters.get('part');
  const part = wanted === null || !/^\d+$/.test(wanted) ? undefined : Number(wanted);
  const { query, packets, going } = usePackets(session, part, true);
  const view = useConversation(session, going);
  useEscape('/conversations');
  if (view.isPending || query.isPending) return <Loading what="the conversation" />;
  if (view.isError) return <Trouble error={view.error} retry={() => void view.refetch()} />;
  if (query.isError) return <Trouble error={query.error} retry={() => void query.refetch()} />;
  const { line, parts } = view.data;
  const base = `/conversations/${encodeURIComponent(session)}`;
  return (
    <Page
      title={`Conversation with ${line.client}`}
      heading={
        <>
          Conversation with <Plain text={line.client} />
        </>
      }
      crumbs={[{ label: 'Conversations', to: listAddress('/conversations') }, session]}
      actions={<Actions line={line} />}
    >
      <Summary line={line} parts={parts} open={going || parts.some((each) => each.open)} />
      <Tabs
        label="Parts of the conversation"
        tabs={[
          { to: base, label: 'All', current: part === undefined },
          ...parts.map((each) => ({
            to: `${base}?part=${each.part}`,
            label: each.part === 0 ? 'Connection' : `Message ${each.part}`,
            current: part === each.part,
          })),
        ]}
      />
      <PacketView packets={packets} />
    </Page>
  );
}

function Summary({
  line,
  parts,
  open,
}: {
  readonly line: ConversationLine;
  readonly parts: readonly ConversationLine[];
  readonly open: boolean;
}) {
  const dropped = parts.reduce((sum, each) => sum + each.dropped, 0);
  return (
    <div className="stack">
      <div className="row" style={{ gap: 18 }}>
        {open ? <Status word="open" label="still open" /> : <Status word="done" label="ended" />}
        <span className="dim">
          began <When at={line.at} fine />
        </span>
        <span className="dim">
          listener <Plain text={line.listener} />
        </span>
        <span className="dim">{bytes(parts.reduce((sum, each) => sum + each.bytes, 0) || line.bytes)}</span>
        {parts
          .filter((each) => each.id !== '')
          .slice(0, 5)
          .map((each) => (
            <Link key={each.part} href={`/messages/${each.id}`}>
              message {each.part}: {each.outcome || 'under way'} in {span(each.ms)}
            </Link>
          ))}
      </div>
      {dropped > 0 && (
        <Note>
          {bytes(dropped)} of content are not kept: the oldest body bytes go first, and never slow mail.
        </Note>
      )}
    </div>
  );
}

function Actions({ line }: { readonly line: ConversationLine }) {
  const may = useMay('operator');
  const client = useQueryClient();
  const path = `/api/v1/conversations/${encodeURIComponent(line.session)}`;
  const pin = useMutation({
    mutationFn: (pinned: boolean) => ask(`${path}/pin`, { method: 'POST', json: { pinned } }),
    onSettled: () => client.invalidateQueries({ queryKey: ['conversation', line.session] }),
  });
  return (
    <>
      {may && (
        <Button
          variant="default"
          size="xs"
          aria-pressed={line.pinned}
          leftSection={<Icon name="pin" size={14} />}
          loading={pin.isPending}
          onClick={() => pin.mutate(!line.pinned)}
        >
          {line.pinned ? 'Pinned: let go' : 'Pin'}
        </Button>
      )}
      {may && <LinkButton to={`${path}/export?format=json`} label="JSON" icon="download" />}
      {may && <LinkButton to={`${path}/export?format=pcapng`} label="pcapng" icon="download" />}
      {may && <LinkButton to={`${path}/export?format=test`} label="Filter test" icon="download" />}
      <FailureNote error={pin.error} />
    </>
  );
}
