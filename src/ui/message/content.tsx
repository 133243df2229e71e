/** Looking into a mail: its header, its text, its parts, its source. Everything in it is hostile. */
import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { HistoryRow } from '../api/shapes.ts';
import { useParameters } from '../parts/address.ts';
import { Block } from '../parts/code.tsx';
import { Card } from '../parts/page.tsx';
import { Loading, Trouble } from '../parts/states.tsx';
import { textOf } from './bytes.ts';
import { HeaderTable } from './header-table.tsx';
import { MailText } from './mail-text.tsx';
import { PartList } from './part-list.tsx';
import { useBytes } from './use-message.ts';

export type ContentView = 'headers' | 'text' | 'parts' | 'source';

const WHICH = [
  { value: 'original', label: 'As it came' },
  { value: 'final', label: 'As it was queued' },
];

export function ContentTab({ row, view }: { readonly row: HistoryRow; readonly view: ContentView }) {
  const [parameters, change] = useParameters();
  const which = parameters.get('which') === 'original' ? 'original' : 'final';
  const bytes = useBytes(row.id, which, true);
  return (
    <div className="stack">
      {row.changed && (
        <div>
          <SegmentedControl
            aria-label="Which state of the message"
            size="xs"
            data={WHICH}
            value={which}
            onChange={(value) => change({ which: value === 'final' ? null : value })}
          />
        </div>
      )}
      {bytes.isPending ? (
        <Loading what="the message" />
      ) : bytes.isError ? (
        <Trouble error={bytes.error} retry={() => void bytes.refetch()} />
      ) : (
        <MailContent bytes={bytes.data} view={view} />
      )}
    </div>
  );
}

/** The bytes of a mail in one of four views; also of held mail. */
export function MailContent({ bytes, view }: { readonly bytes: Uint8Array; readonly view: ContentView }) {
  const text = useMemo(() => textOf(bytes), [bytes]);
  const end = /\r?\n\r?\n/.exec(text);
  const header = end ? text.slice(0, end.index + 2) : text;
  const mail = useMail(bytes, view === 'text' || view === 'parts');
  if (view === 'headers')
    return (
      <Card title="Header fields">
        <HeaderTable header={header} />
      </Card>
    );
  if (view === 'source')
    return (
      <Card title="Source">
        <Block text={text} label="Source of the message" />
      </Card>
    );
  if (mail.isPending) return <Loading what="the message" />;
  if (mail.isError) return <Trouble error={mail.error} />;
  return view === 'text' ? <MailText mail={mail.data} /> : <PartList mail={mail.data} />;
}

/** The mail taken apart; the parser is loaded when it is first needed. */
function useMail(bytes: Uint8Array, wanted: boolean) {
  return useQuery({
    queryKey: ['parsed', keyOf(bytes)],
    queryFn: async () => {
      const { default: PostalMime } = await import('postal-mime');
      return PostalMime.parse(new Uint8Array(bytes), {
        maxNestingDepth: 50,
        maxHeadersSize: 1_000_000,
      });
    },
    enabled: wanted,
    staleTime: Infinity,
    gcTime: 10_000,
  });
}

const keys = new WeakMap<Uint8Array, number>();
let last = 0;
/** A number for these bytes, so that the same are parsed once. */
function keyOf(bytes: Uint8Array): number {
  const known = keys.get(bytes);
  if (known !== undefined) return known;
  keys.set(bytes, ++last);
  return last;
}
