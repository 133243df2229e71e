/** Troubleshoot: a message run through everything without being sent, where a recipient would go, an expression tried out. */
import { useParams } from 'wouter';
import { useMay } from '../api/session.tsx';
import { Page, Tabs } from '../parts/page.tsx';
import { NotAllowed } from '../parts/states.tsx';
import { DryRunForm } from './dry-run.tsx';
import { ExpressionPage } from './expressions.tsx';
import { PathForm } from './path.tsx';

const TABS = [
  ['dry-run', 'Dry run'],
  ['path', 'Delivery path'],
  ['expressions', 'Expressions'],
] as const;

export function Troubleshoot() {
  const { tab: named } = useParams<{ tab?: string }>();
  const may = useMay('admin');
  const tab = TABS.find(([name]) => name === named)?.[0] ?? 'dry-run';
  return (
    <Page title="Troubleshoot" intro="Try things out; nothing is sent, kept or delivered.">
      <Tabs
        label="What to try"
        tabs={TABS.map(([name, label]) => ({ to: `/troubleshoot/${name}`, label, current: name === tab }))}
      />
      {!may ? (
        <NotAllowed detail="To try things out a token needs the scope admin: filters are asked in earnest." />
      ) : tab === 'dry-run' ? (
        <DryRunForm />
      ) : tab === 'path' ? (
        <PathForm />
      ) : (
        <ExpressionPage />
      )}
    </Page>
  );
}
