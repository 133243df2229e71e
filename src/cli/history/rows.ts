/** Rows of the history as people are shown them. Pure. Nothing a stranger sent can break a line or control a terminal. */
import type { HistoryRow } from '#journal';
import { printable } from '#message';

/** Title of the table. */
export const ROW_HEADING = row('ID', 'AT', 'OUTCOME', 'SIZE', 'MS', 'FROM > TO');

/** One message for people: a line, and one more for its subject and its filters. */
export function rowText(r: HistoryRow): string {
  const to = [printable(r.to[0] ?? '', 254), r.recipients > 1 ? `+${r.recipients - 1}` : ''].filter(Boolean);
  const head = row(
    r.id,
    new Date(r.at).toISOString().slice(0, 19) + 'Z',
    r.outcome,
    String(r.size),
    r.ms.toFixed(0),
    `${printable(r.from, 254) || '<>'} > ${to.join(' ')}`,
  );
  const filters = r.filters.map((f) => `${printable(f.name, 64)}: ${printable(f.verdict, 64)}`).join(', ');
  const more = [r.subject && JSON.stringify(printable(r.subject, 80)), filters, outcomeText(r)].filter(
    Boolean,
  );
  return more.length > 0 ? `${head}\n    ${more.join('  ')}` : head;
}

/** Why a message was not simply taken. */
function outcomeText({ outcome, reply, by }: HistoryRow): string {
  if (outcome === 'accepted' || outcome === 'passed') return '';
  return [by && `by ${printable(by, 64)}`, printable(reply, 200)].filter(Boolean).join(': ');
}

/** Everything about one message. */
export function messageText(r: HistoryRow): string {
  const facts: (readonly [string, string])[] = [
    ['id', r.id],
    ['at', new Date(r.at).toISOString()],
    ['outcome', r.by === '' ? r.outcome : `${r.outcome} by ${r.by}`],
    ['reply', r.reply],
    ['client', [r.client, r.clientName, r.helo && `HELO ${r.helo}`].filter(Boolean).join(', ')],
    ['listener', r.listener],
    ['tls', r.tls || 'none'],
    ['user', r.user || 'none'],
    ['sender', r.from || '<>'],
    ...r.to.map((to) => ['recipient', to] as const),
    ...(r.recipients > r.to.length ? [['recipients', `${r.recipients} in all`] as const] : []),
    ['subject', r.subject],
    ['size', `${r.size} bytes`],
    ['took', `${ms(r.ms)}, ${ms(r.acceptMs)} from the final dot, ${ms(r.filterMs)} for filters`],
    ['session', `${r.session}, part ${r.part}`],
  ];
  for (const f of r.filters) {
    const edits = f.edits.length > 0 ? `, ${f.edits.join(' ')}` : '';
    const error = f.error === '' ? '' : `, ${f.error}`;
    facts.push(['filter', `${f.name}: ${f.verdict} in ${ms(f.ms)}${edits}${error}`]);
  }
  for (const d of r.delivery) {
    const reply = [d.hop, d.reply].filter(Boolean).join(': ');
    const attempts = d.attempts > 0 ? `, ${d.attempts} attempts` : '';
    facts.push(['delivery', `${d.recipient} ${d.state}${attempts}${reply && ` (${reply})`}`]);
  }
  return facts.map(([name, value]) => `${`${name}:`.padEnd(14)}${printable(value, 600)}`).join('\n');
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;

function row(...cells: readonly string[]): string {
  const [id = '', at = '', outcome = '', size = '', took = '', who = ''] = cells;
  return [id.padEnd(16), at.padEnd(20), outcome.padEnd(10), size.padStart(9), took.padStart(6), who].join(
    '  ',
  );
}
