/** One message: everything that is known of it, in tabs. */
import { Button } from '@mantine/core';
import { useParams } from 'wouter';
import { useMay } from '../api/session.tsx';
import type { HistoryRow } from '../api/shapes.ts';
import { Icon } from '../parts/icons.tsx';
import { Page, Tabs } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Loading, NotAllowed, Trouble } from '../parts/states.tsx';
import { visible } from '../parts/visible.ts';
import { ConversationOf } from '../conversation/embedded.tsx';
import { listAddress, useEscape } from '../shell/keys.ts';
import { ContentTab } from './content.tsx';
import { CopyMenu } from './copy-menu.tsx';
import { DeliveryTab } from './delivery.tsx';
import { FiltersTab } from './filters.tsx';
import { SummaryTab } from './summary.tsx';
import { useRow } from './use-message.ts';
import './message.css';

const TABS = [
  ['summary', 'Summary'],
  ['filters', 'Filters'],
  ['conversation', 'Conversation'],
  ['headers', 'Headers'],
  ['text', 'Text'],
  ['parts', 'Parts'],
  ['source', 'Source'],
  ['delivery', 'Delivery'],
] as const;

export function Message() {
  const { id, tab = 'summary' } = useParams<{ id: string; tab?: string }>();
  const row = useRow(id);
  useEscape('/messages');
  if (row.isPending) return <Loading what="the message" />;
  if (row.isError) return <Trouble error={row.error} retry={() => void row.refetch()} />;
  const { subject } = row.data;
  return (
    <Page
      title={subject === '' ? `Message ${id}` : visible(subject)}
      heading={<Plain text={subject} none="no subject" />}
      crumbs={[{ label: 'Messages', to: listAddress('/messages') }, id]}
      actions={<CopyMenu row={row.data} />}
    >
      <Tabs
        label="About this message"
        tabs={TABS.map(([name, label]) => ({
          to: `/messages/${id}${name === 'summary' ? '' : `/${name}`}`,
          label,
          current: name === tab,
          count:
            name === 'filters'
              ? row.data.filters.length
              : name === 'delivery'
                ? row.data.delivery.length
                : undefined,
        }))}
      />
      <Tab tab={tab} row={row.data} />
    </Page>
  );
}

function Tab({ tab, row }: { readonly tab: string; readonly row: HistoryRow }) {
  const may = useMay('operator');
  switch (tab) {
    case 'filters':
      return <FiltersTab row={row} />;
    case 'conversation':
      return <ConversationOf session={row.session} part={row.part} />;
    case 'headers':
    case 'text':
    case 'parts':
    case 'source':
      return may ? (
        <ContentTab row={row} view={tab} />
      ) : (
        <NotAllowed detail="To look into mail a token needs the scope operator." />
      );
    case 'delivery':
      return <DeliveryTab row={row} />;
    default:
      return <SummaryTab row={row} />;
  }
}

/** A link that looks like a button. */
export function LinkButton({
  to,
  label,
  icon,
}: {
  readonly to: string;
  readonly label: string;
  readonly icon: 'download' | 'queue';
}) {
  return (
    <Button
      component="a"
      href={to}
      variant="default"
      size="xs"
      leftSection={<Icon name={icon} size={14} />}
      {...(icon === 'download' && { download: true })}
    >
      {label}
    </Button>
  );
}
