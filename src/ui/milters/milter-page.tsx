/** The page of the milter form: a new filter, a copy of one, or one that is there. */
import { useRef } from 'react';
import { useParams } from 'wouter';
import { useMay } from '../api/session.tsx';
import type { Milter } from '../api/shapes.ts';
import { useParameters } from '../parts/address.ts';
import { Page } from '../parts/page.tsx';
import { Empty, Loading, NotAllowed, Trouble } from '../parts/states.tsx';
import { useEscape } from '../shell/keys.ts';
import { MILTERS } from '../shell/places.ts';
import { MilterForm } from './milter-form.tsx';
import { CRUMBS } from './milters.tsx';
import { useMilters } from './use-milters.ts';

export function MilterPage() {
  const { name: encoded } = useParams<{ name: string }>();
  const [parameters] = useParameters();
  const name = decoded(encoded);
  const may = useMay('admin');
  const list = useMilters();
  // What the form began with: it is not taken away when the list changes, by its own change or by somebody else's.
  const began = useRef<{ key: string; milter: Milter | undefined; revision: string } | null>(null);
  useEscape(MILTERS);
  const isNew = name === 'new';
  const crumbs = [...CRUMBS, { label: 'Milters', to: MILTERS }, isNew ? 'New' : name];
  // A form never begins with what the cache remembers of the file while that is being read again.
  const isOld = list.isFetching && !list.isFetchedAfterMount;
  if (list.isPending || (began.current === null && isOld)) return <Loading what="the milter" />;
  if (list.isError) return <Trouble error={list.error} retry={() => void list.refetch()} />;
  const of = parameters.get('of');
  const key = isNew ? `new ${of}` : `edit ${name}`;
  if (began.current?.key !== key || (!isNew && !began.current.milter)) {
    const milter = list.data.milters.find((each) => each.name === (isNew ? of : name));
    began.current = { key, milter, revision: list.data.revision };
  }
  const { milter, revision } = began.current;
  if (!milter && !isNew)
    return (
      <Page title="No such milter" crumbs={crumbs}>
        <Empty title={`There is no milter called ${name}`}>It may have been renamed or deleted.</Empty>
      </Page>
    );
  if (isNew && !may) return <NotAllowed detail="To add a filter a token needs the scope admin." />;
  const settings = milter?.settings ?? {};
  return (
    <Page
      title={isNew ? 'New milter' : name}
      crumbs={crumbs}
      intro={milter && !isNew ? milter.says : undefined}
    >
      <MilterForm
        key={key}
        initial={isNew && milter ? { ...settings, name: `${milter.name} copy` } : settings}
        name={isNew ? null : name}
        revision={revision}
        writable={may && list.data.writable}
      />
    </Page>
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
