/** What happened, in order: a line of time from the first command to the last attempt, and the facts beside it. */
import { Link } from 'wouter';
import type { HistoryRow } from '../api/shapes.ts';
import { bytes, span } from '../parts/format.ts';
import { Icon, type IconName } from '../parts/icons.tsx';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Status, toneOf } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';

interface Moment {
  readonly at: number | null;
  readonly icon: IconName;
  readonly tone: string;
  readonly title: React.ReactNode;
  readonly detail?: React.ReactNode;
}

const ICONS: Readonly<Record<string, IconName>> = {
  good: 'check',
  warn: 'clock',
  bad: 'cross',
  held: 'hand',
  calm: 'dot',
  accent: 'arrowRight',
};

export function SummaryTab({ row }: { readonly row: HistoryRow }) {
  return (
    <div className="columns summary">
      <Card title="What happened">
        <ol className="timeline">
          {momentsOf(row).map((moment, i) => (
            <li key={i} className={moment.tone}>
              <span className="timeline-mark">
                <Icon name={moment.icon} size={12} strokeWidth={2} />
              </span>
              <div>
                <div className="row apart">
                  <span>{moment.title}</span>
                  {moment.at !== null && (
                    <span className="dim small">
                      <When at={moment.at} fine />
                    </span>
                  )}
                </div>
                {moment.detail && <div className="dim small">{moment.detail}</div>}
              </div>
            </li>
          ))}
        </ol>
      </Card>
      <Facts row={row} />
    </div>
  );
}

function momentsOf(row: HistoryRow): Moment[] {
  const end = row.at + row.ms;
  return [
    {
      at: row.at,
      icon: 'arrowRight',
      tone: 'accent',
      title: (
        <>
          <Plain text={row.client} mono /> sent from <Plain text={row.from} none="the null sender" />
        </>
      ),
      detail: (
        <>
          to {row.recipients} {row.recipients === 1 ? 'recipient' : 'recipients'}, {bytes(row.size)}
        </>
      ),
    },
    ...row.filters.map((filter): Moment => {
      const tone = filter.error ? 'bad' : toneOf(filter.verdict);
      return {
        at: null,
        icon: ICONS[tone]!,
        tone,
        title: (
          <>
            Filter{' '}
            <strong>
              <Plain text={filter.name} />
            </strong>{' '}
            said <Plain text={filter.error || filter.verdict} />
          </>
        ),
        detail: (
          <>
            waited {span(filter.ms)}
            {filter.edits.length > 0 && (
              <>
                , edits: <Plain text={filter.edits.join(', ')} />
              </>
            )}
          </>
        ),
      };
    }),
    {
      at: end,
      icon: ICONS[toneOf(row.outcome)]!,
      tone: toneOf(row.outcome),
      title: (
        <>
          The client was told <Plain text={row.reply} none="nothing" mono />
        </>
      ),
      detail:
        row.by === '' ? (
          'decided by the gateway'
        ) : (
          <>
            decided by <Plain text={row.by} />
          </>
        ),
    },
    ...row.delivery.map((line): Moment => ({
      at: line.at,
      icon: ICONS[toneOf(line.state)]!,
      tone: toneOf(line.state),
      title: (
        <>
          <Plain text={line.recipient} />: {line.state}
        </>
      ),
      detail: <Plain text={[line.hop, line.reply].filter((text) => text !== '').join(': ')} />,
    })),
  ];
}

function Facts({ row }: { readonly row: HistoryRow }) {
  const facts: readonly (readonly [string, React.ReactNode])[] = [
    ['Outcome', <Status key="o" word={row.outcome} />],
    ['From', <Plain key="f" text={row.from} none="<> (null sender)" />],
    [
      row.recipients === 1 ? 'To' : `To (${row.recipients})`,
      <span key="t" className="stack" style={{ gap: 2 }}>
        {row.to.map((to) => (
          <Plain key={to} text={to} />
        ))}
        {row.recipients > row.to.length && (
          <span className="dim">and {row.recipients - row.to.length} more</span>
        )}
      </span>,
    ],
    [
      'Client',
      <span key="c">
        <Plain text={row.client} mono /> <Plain text={row.clientName} />
      </span>,
    ],
    ['HELO', <Plain key="h" text={row.helo} none="none" mono />],
    ['TLS', <Plain key="s" text={row.tls} none="not encrypted" />],
    ['Login', <Plain key="u" text={row.user} none="none" />],
    ['Listener', <Plain key="l" text={row.listener} />],
    ['Size', bytes(row.size)],
    [
      'Time',
      `${span(row.ms)} in all, ${span(row.filterMs)} in filters, ${span(row.acceptMs)} from the end of the message to the reply`,
    ],
    [
      'Queue id',
      <Link key="q" href={`/queue/entry/${row.id}`} className="mono">
        {row.id}
      </Link>,
    ],
    [
      'Session',
      <Link
        key="v"
        href={`/conversations/${encodeURIComponent(row.session)}?part=${row.part}`}
        className="mono"
      >
        {row.session}
      </Link>,
    ],
  ];
  return (
    <Card title="Facts">
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
