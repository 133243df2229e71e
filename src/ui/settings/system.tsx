/** Settings › System: the configuration as text, its history, and how the machine is. */
import { Page, Tabs } from '../parts/page.tsx';
import { NotAllowed } from '../parts/states.tsx';
import { useMay } from '../api/session.tsx';
import { useParameters } from '../parts/address.ts';
import { ConfigEditor } from './config-editor.tsx';
import { ConfigHistory } from './config-history.tsx';
import { SystemHealth } from './system-health.tsx';

const TABS = [
  ['config', 'Configuration'],
  ['history', 'History'],
  ['health', 'Health'],
] as const;

export function System() {
  const [parameters] = useParameters();
  const may = useMay('admin');
  const tab = TABS.find(([name]) => name === parameters.get('tab'))?.[0] ?? (may ? 'config' : 'health');
  return (
    <Page title="System" crumbs={['Settings', 'System']}>
      <Tabs
        label="About the system"
        tabs={TABS.map(([name, label]) => ({
          to: `/settings/system?tab=${name}`,
          label,
          current: name === tab,
        }))}
      />
      {tab === 'health' ? (
        <SystemHealth />
      ) : !may ? (
        <NotAllowed detail="To see the configuration a token needs the scope admin." />
      ) : tab === 'history' ? (
        <ConfigHistory />
      ) : (
        <ConfigEditor />
      )}
    </Page>
  );
}
