/** What of an entry is shown in each state. */
import { Link } from 'wouter';
import type { Entry } from '../api/shapes.ts';
import type { Column } from '../list/rows.tsx';
import { bytes, span, timeOf } from '../parts/format.ts';
import { Plain } from '../parts/plain.tsx';
import { Status } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';

const waiting = (entry: Entry): string[] =>
  entry.recipients.filter((each) => each.state === 'pending').map((each) => each.address);

const id: Column<Entry> = {
  key: 'id',
  label: 'Queue id',
  width: '148px',
  cell: (entry) => (
    <Link href={`/queue/entry/${entry.id}`} tabIndex={-1} className="mono">
      {entry.id}
    </Link>
  ),
};
const from: Column<Entry> = {
  key: 'from',
  label: 'From',
  width: 'minmax(120px, 1fr)',
  cell: (entry) => <Plain text={entry.sender} none="<>" tip />,
};
const to: Column<Entry> = {
  key: 'to',
  label: 'To',
  width: 'minmax(120px, 1fr)',
  cell: (entry) => {
    const [first, ...more] =
      waiting(entry).length > 0 ? waiting(entry) : entry.recipients.map((each) => each.address);
    return (
      <>
        <Plain text={first ?? ''} tip />
        {more.length > 0 && <span className="dim"> +{more.length}</span>}
      </>
    );
  },
};
const size: Column<Entry> = {
  key: 'size',
  label: 'Size',
  width: '70px',
  numeric: true,
  cell: (entry) => bytes(entry.size),
};
const age: Column<Entry> = {
  key: 'age',
  label: 'Age',
  width: '70px',
  numeric: true,
  cell: (entry) => span(Date.now() - (timeOf(entry.receivedAt) ?? Date.now())),
};

export const COLUMNS: Readonly<Record<'active' | 'deferred' | 'held', readonly Column<Entry>[]>> = {
  active: [
    id,
    {
      key: 'state',
      label: 'State',
      width: '120px',
      cell: (entry) => (
        <Status word={entry.state} label={entry.state === 'leased' ? 'on its way' : 'waits its turn'} />
      ),
    },
    from,
    to,
    size,
    age,
  ],
  deferred: [
    id,
    from,
    to,
    { key: 'attempts', label: 'Tries', width: '54px', numeric: true, cell: (entry) => entry.attempts },
    {
      key: 'next',
      label: 'Next try',
      width: '92px',
      cell: (entry) => <When at={entry.nextAttempt} relative />,
    },
    {
      key: 'error',
      label: 'Last answer',
      width: 'minmax(200px, 2fr)',
      cell: (entry) => <Plain text={entry.lastError} none="none" mono tip />,
    },
    size,
    age,
  ],
  held: [
    id,
    from,
    to,
    {
      key: 'reason',
      label: 'Held because',
      width: 'minmax(160px, 1.6fr)',
      cell: (entry) => <Plain text={entry.hold?.reason ?? ''} none="no reason given" tip />,
    },
    { key: 'by', label: 'By', width: '130px', cell: (entry) => <Plain text={entry.hold?.by ?? ''} tip /> },
    { key: 'since', label: 'Since', width: '86px', cell: (entry) => <When at={entry.hold?.since} /> },
    {
      key: 'expires',
      label: 'Given up',
      width: '86px',
      cell: (entry) => <When at={entry.expiresAt} relative />,
    },
    size,
  ],
};
