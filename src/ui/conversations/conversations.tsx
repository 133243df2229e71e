/** Recent conversations, and what is captured of them. */
import { Button, Checkbox, TextInput } from '@mantine/core';
import { Link, useLocation } from 'wouter';
import { ask, withQuery } from '../api/client.ts';
import type { ConversationLine, ConversationPage } from '../api/shapes.ts';
import { Rows, type Column } from '../list/rows.tsx';
import { usePaged } from '../list/use-paged.ts';
import { requestOf } from '../messages/query.ts';
import { useTail } from '../messages/tail.ts';
import { useParameters, type Parameters } from '../parts/address.ts';
import { bytes, count, span } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { useLive } from '../parts/live.tsx';
import { Page } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useListAddress } from '../shell/keys.ts';
import { Capture, CaptureSummary } from './capture.tsx';

const WORDS = ['client', 'from', 'rcpt', 'milter', 'slower'] as const;
const ALL_WORDS = [...WORDS, 'errors', 'open', 'pinned'];
const LABELS = {
  client: 'Client',
  from: 'From',
  rcpt: 'To',
  milter: 'Filter',
  slower: 'Slower than',
} as const;
const idOf = (line: ConversationLine): string => `${line.session}-${line.part}`;
const address = (line: ConversationLine): string =>
  `/conversations/${encodeURIComponent(line.session)}${line.part > 0 ? `?part=${line.part}` : ''}`;

const COLUMNS: readonly Column<ConversationLine>[] = [
  { key: 'at', label: 'Time', width: '78px', cell: (line) => <When at={line.at} /> },
  {
    key: 'state',
    label: 'Outcome',
    width: '124px',
    cell: (line) =>
      line.open ? <Status word="open" label="under way" /> : <Status word={line.outcome || 'connection'} />,
  },
  {
    key: 'client',
    label: 'Client',
    width: 'minmax(100px, 1fr)',
    cell: (line) => (
      <Link href={address(line)} tabIndex={-1}>
        <Plain text={line.client} mono tip />
      </Link>
    ),
  },
  {
    key: 'from',
    label: 'From',
    width: 'minmax(100px, 1.4fr)',
    cell: (line) => <Plain text={line.from} none={line.part === 0 ? '–' : '<>'} tip />,
  },
  {
    key: 'rcpt',
    label: 'To',
    width: 'minmax(100px, 1.4fr)',
    cell: (line) => <Plain text={line.rcpt} none="–" tip />,
  },
  {
    key: 'milters',
    label: 'Filters',
    width: 'minmax(80px, 1fr)',
    cell: (line) => <Plain text={line.milters.join(', ')} none="none" tip />,
  },
  { key: 'packets', label: 'Packets', width: '66px', numeric: true, cell: (line) => count(line.packets) },
  { key: 'bytes', label: 'Bytes', width: '72px', numeric: true, cell: (line) => bytes(line.bytes) },
  { key: 'ms', label: 'Took', width: '66px', numeric: true, cell: (line) => span(line.ms) },
  {
    key: 'slowest',
    label: 'Longest wait',
    width: '92px',
    numeric: true,
    cell: (line) => (line.slowest > 0 ? span(line.slowest) : '–'),
  },
  {
    key: 'errors',
    label: 'Trouble',
    width: '80px',
    cell: (line) => (
      <span className="row" style={{ flexWrap: 'nowrap' }}>
        {line.errors > 0 && (
          <Status word="error" label={String(line.errors)} title={`${line.errors} errors`} />
        )}
        {line.pinned && <Icon name="pin" size={13} aria-hidden={false} role="img" aria-label="pinned" />}
      </span>
    ),
  },
];

export function Conversations() {
  const [parameters, change] = useParameters();
  const [, navigate] = useLocation();
  const { live } = useLive();
  useListAddress('/conversations');
  const words = requestOf(parameters, ALL_WORDS);
  const key = JSON.stringify(words);
  const narrowed = key !== '{}';
  const list = usePaged<ConversationLine>(
    key,
    async (before, signal) => {
      const { lines, next } = await ask<ConversationPage>(
        withQuery('/api/v1/conversations', { ...words, before, limit: 200 }),
        { signal },
      );
      return { rows: lines, next };
    },
    idOf,
  );
  const tail = useTail<ConversationLine>({
    path: withQuery('/api/v1/events', { topics: 'conversations', ...words }),
    topic: 'conversations',
    list,
    live,
  });
  return (
    <Page
      title="Conversations"
      intro="What clients, this gateway and the filters said to each other, packet by packet."
      actions={
        <Button
          variant="default"
          leftSection={<Icon name="edit" size={14} />}
          onClick={() => change({ capture: '1' })}
        >
          Capture policy
        </Button>
      }
    >
      <CaptureSummary />
      <Conditions parameters={parameters} change={change} />
      {tail.waiting > 0 && (
        <Button className="new-rows" size="xs" radius="xl" onClick={tail.catchUp}>
          {count(tail.waiting)} new: show them
        </Button>
      )}
      <Rows
        name="conversations"
        label="Conversations"
        list={list}
        columns={COLUMNS}
        idOf={idOf}
        open={(line) => navigate(address(line))}
        onTop={tail.setTop}
        empty={
          <Empty
            title={narrowed ? 'No conversation fits' : 'No conversation is kept yet'}
            command="swaks --server localhost:25 --to you@example.org"
          >
            {narrowed ? 'Take a condition away.' : 'Whoever sends a message makes one:'}
          </Empty>
        }
      />
      {parameters.get('capture') === '1' && <Capture close={() => change({ capture: null })} />}
    </Page>
  );
}

function Conditions({
  parameters,
  change,
}: {
  readonly parameters: URLSearchParams;
  readonly change: (changes: Parameters) => void;
}) {
  return (
    <form
      className="filters"
      role="search"
      aria-label="Conditions"
      onSubmit={(event) => event.preventDefault()}
    >
      {WORDS.map((word) => (
        <TextInput
          key={word}
          label={LABELS[word]}
          size="xs"
          w={140}
          defaultValue={parameters.get(word) ?? ''}
          onBlur={(event) => change({ [word]: event.currentTarget.value })}
          onKeyDown={(event) => event.key === 'Enter' && change({ [word]: event.currentTarget.value })}
        />
      ))}
      {(['errors', 'open', 'pinned'] as const).map((word) => (
        <Checkbox
          key={word}
          label={{ errors: 'with errors', open: 'under way', pinned: 'pinned' }[word]}
          checked={parameters.has(word)}
          onChange={(event) => change({ [word]: event.currentTarget.checked ? 'true' : null })}
          pb={6}
        />
      ))}
    </form>
  );
}
