/** A conversation to read: filter box, table or drawing, and the packet in focus; keys n, p and e. */
import { SegmentedControl, TextInput } from '@mantine/core';
import { useEffect, useMemo, useState } from 'react';
import type { PacketRow } from '../api/shapes.ts';
import { useParameters } from '../parts/address.ts';
import { usePreferences } from '../parts/preferences.tsx';
import { Empty } from '../parts/states.tsx';
import { keysAreTaken } from '../shell/keys.ts';
import { isError, isNews, keyOf, linesOf, type Line } from './folds.ts';
import { PacketDetail } from './packet-detail.tsx';
import { filterOf } from './packet-filter.ts';
import { PacketTable } from './packet-table.tsx';
import { Sequence } from './sequence.tsx';
import type { Packets } from './use-conversation.ts';
import './conversation.css';

/** Lines that are drawn at once. */
const MOST = 1500;

export function PacketView({ packets: { rows, waiting } }: { readonly packets: Packets }) {
  const [parameters, change] = useParameters();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const filter = parameters.get('filter') ?? '';
  const lines = useMemo(() => linesOf(rows), [rows]);
  const shown = useMemo(() => lines.filter(filterOf(filter)).slice(0, MOST), [lines, filter]);
  const lanes = useMemo(
    () => [...new Set(rows.map((row) => row.lane))].toSorted((a, b) => rankOf(a) - rankOf(b)),
    [rows],
  );
  const current = parameters.get('n') ?? shown[0]?.key ?? '';
  const choose = (key: string): void => change({ n: key });
  useWalk(shown, current, choose);
  const byKey = useMemo(() => new Map<string, PacketRow>(rows.map((row) => [keyOf(row), row])), [rows]);
  const line = lines.find((each) => each.key === current);
  const toggle = (key: string): void =>
    setOpen((old) => {
      const next = new Set(old);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  const drawn = parameters.get('view') === 'sequence';
  return (
    <div className="stack" style={{ gap: 16 }}>
      <div className="row apart">
        <TextInput
          aria-label="Filter packets"
          placeholder="filter: rspamd  code=RCPT  errors  slower=5ms"
          w="100%"
          maw={360}
          size="xs"
          value={filter}
          onChange={(event) => change({ filter: event.currentTarget.value })}
        />
        <span className="dim small" role="status">
          {shown.length === lines.length
            ? `${lines.length} lines`
            : `${shown.length} of ${lines.length} lines`}
          , {rows.length} packets
          {waiting > 0 && `, +${waiting} more coming`}
        </span>
        <SegmentedControl
          size="xs"
          aria-label="Table or drawing"
          data={[
            { value: 'table', label: 'Table' },
            { value: 'sequence', label: 'Sequence' },
          ]}
          value={drawn ? 'sequence' : 'table'}
          onChange={(value) => change({ view: value === 'table' ? null : value })}
        />
      </div>
      {shown.length === 0 ? (
        <div className="card">
          <Empty title={lines.length === 0 ? 'No packets yet' : 'No packet fits the filter'} />
        </div>
      ) : drawn ? (
        <Sequence lines={shown} lanes={lanes} current={current} choose={choose} />
      ) : (
        <PacketTable
          lines={shown}
          lanes={lanes}
          current={current}
          choose={choose}
          open={open}
          toggle={toggle}
        />
      )}
      <PacketDetail row={byKey.get(current)} macros={line?.macros ?? []} rows={rows} />
    </div>
  );
}

const rankOf = (lane: string): number => (lane === 'client' ? 0 : lane === 'gateway' ? 1 : 2);

/** n and p walk through answers that are news, e through what went wrong. */
function useWalk(lines: readonly Line[], current: string, choose: (key: string) => void): void {
  const { keys } = usePreferences();
  useEffect(() => {
    if (!keys) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      if (keysAreTaken(event) || !['n', 'p', 'e'].includes(event.key)) return;
      const at = lines.findIndex((line) => line.key === current);
      const fits = event.key === 'e' ? isError : isNews;
      const found =
        event.key === 'p'
          ? lines.slice(0, Math.max(0, at)).findLast(fits)
          : (lines.slice(at + 1).find(fits) ?? (event.key === 'e' ? lines.find(fits) : undefined));
      event.preventDefault();
      if (!found) return;
      choose(found.key);
      requestAnimationFrame(() =>
        document.querySelector<HTMLElement>(`.packets [data-key="${found.key}"]`)?.focus(),
      );
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [keys, lines, current, choose]);
}
