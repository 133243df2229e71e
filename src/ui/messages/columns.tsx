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
  { key: 'at', label: 'Time', width: '76px', cell: (row) => <When at={row.at} /> },
  { key: 'outcome', label: 'Outcome', width: '108px', cell: (row) => <Status word={row.outcome} /> },
  {
    key: 'from',
    label: 'From and to',
    width: 'minmax(170px, 1.2fr)',
    cell: (row) => (
      <span className="two-lines">
        <span>
          <Plain text={row.from} none="<>" tip />
        </span>
        <span>
          → <Recipients to={row.to} all={row.recipients} />
        </span>
      </span>
    ),
  },
  {
    key: 'subject',
    label: 'Subject and reply',
    width: 'minmax(200px, 2fr)',
    cell: (row) => (
      <span className="two-lines">
        <Link href={`/messages/${row.id}`} tabIndex={-1}>
          <Plain text={row.subject} none="no subject" tip />
        </Link>
        <span>
          <Plain text={row.reply} none="no reply" mono tip />
        </span>
      </span>
    ),
  },
  { key: 'filters', label: 'Filters', width: '186px', cell: (row) => <FilterChips row={row} /> },
  {
    key: 'client',
    label: 'Client, listener',
    width: '116px',
    cell: (row) => (
      <span className="two-lines">
        <span>
          <Plain text={row.client} mono tip />
        </span>
        <span>
          <Plain text={row.listener} tip />
        </span>
      </span>
    ),
  },
  { key: 'size', label: 'Size', width: '62px', numeric: true, cell: (row) => bytes(row.size) },
  {
    key: 'ms',
    label: 'Took, in filters',
    width: '94px',
    numeric: true,
    cell: (row) => (
      <span className="two-lines">
        <span>{span(row.ms)}</span>
        <span>{span(row.filterMs)}</span>
      </span>
    ),
  },
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
