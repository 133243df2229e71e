/** The columns of the history: who, what, how it ended, and who said so. */
import { Link } from 'wouter';
import type { HistoryRow } from '../api/shapes.ts';
import type { Column } from '../list/rows.tsx';
import { bytes, span } from '../parts/format.ts';
import { Plain } from '../parts/plain.tsx';
import { Status, toneOf } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';

/** First recipient, and how many more. */
export function Recipients({ to, all }: { readonly to: readonly string[]; readonly all: number }) {
  const more = all - 1;
  return (
    <>
      <Plain text={to[0] ?? ''} none="nobody" tip />
      {more > 0 && <span className="dim"> +{more}</span>}
    </>
  );
}

export const COLUMNS: readonly Column<HistoryRow>[] = [
  { key: 'at', label: 'Time', width: '78px', cell: (row) => <When at={row.at} /> },
  { key: 'outcome', label: 'Outcome', width: '112px', cell: (row) => <Status word={row.outcome} /> },
  {
    key: 'from',
    label: 'From',
    width: 'minmax(140px, 1fr)',
    cell: (row) => <Plain text={row.from} none="<>" tip />,
  },
  {
    key: 'to',
    label: 'To',
    width: 'minmax(140px, 1fr)',
    cell: (row) => <Recipients to={row.to} all={row.recipients} />,
  },
  {
    key: 'subject',
    label: 'Subject',
    width: 'minmax(180px, 2fr)',
    cell: (row) => (
      <Link href={`/messages/${row.id}`} tabIndex={-1}>
        <Plain text={row.subject} none="no subject" tip />
      </Link>
    ),
  },
  { key: 'filters', label: 'Filters', width: '190px', cell: (row) => <FilterChips row={row} /> },
  {
    key: 'reply',
    label: 'Reply',
    width: 'minmax(120px, 1fr)',
    cell: (row) => <Plain text={row.reply} mono tip />,
  },
  { key: 'size', label: 'Size', width: '66px', numeric: true, cell: (row) => bytes(row.size) },
  { key: 'ms', label: 'Total', width: '62px', numeric: true, cell: (row) => span(row.ms) },
  { key: 'filterMs', label: 'In filters', width: '66px', numeric: true, cell: (row) => span(row.filterMs) },
  { key: 'client', label: 'Client', width: '112px', cell: (row) => <Plain text={row.client} mono tip /> },
  { key: 'listener', label: 'Listener', width: '90px', cell: (row) => <Plain text={row.listener} tip /> },
];

/** One chip per filter; what a filter said is in words for those who do not see colours. */
function FilterChips({ row }: { readonly row: HistoryRow }) {
  const shown = row.filters.slice(0, 3);
  return (
    <span className="filter-chips">
      {shown.map((filter) => (
        <Status
          key={filter.name}
          word={filter.error ? 'error' : filter.verdict}
          tone={filter.error ? 'bad' : toneOf(filter.verdict)}
          label={filter.name}
          title={`${filter.name}: ${filter.error || filter.verdict}, ${span(filter.ms)}${filter.edits.length ? `, ${filter.edits.length} edits` : ''}`}
        />
      ))}
      {row.filters.length > shown.length && <span className="dim">+{row.filters.length - shown.length}</span>}
    </span>
  );
}
