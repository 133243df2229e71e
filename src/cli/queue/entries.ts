/**
 * Entries as people and other programs are shown them: a table, the lines of `postqueue -j`, results of orders. Pure.
 *
 * Whatever a stranger may have put into addresses and texts cannot break a line or control a terminal.
 */
import type { ActResult } from '#gateway';
import { printable } from '#message';
import type { QueueLine } from '#spool';

/** Column titles of the table. */
export const QUEUE_HEADING = row('ID', 'STATE', 'SIZE', 'RECEIVED', 'NEXT', 'TRIES', 'SENDER');

/** The entry for people: one line, one more for each unfinished recipient and for the trouble. */
export function queueText(line: QueueLine): string {
  const next = line.nextAttempt ?? '-';
  const lines = [
    row(
      line.id,
      line.state,
      String(line.size),
      minute(line.receivedAt),
      line.state === 'leased' ? 'now' : minute(next),
      String(line.attempts),
      line.sender === '' ? '<>' : printable(line.sender, 254),
    ),
  ];
  if (line.hold)
    lines.push(`    held by ${printable(line.hold.by, 64)}: ${printable(line.hold.reason, 200)}`);
  for (const r of line.recipients)
    if (r.state === 'pending')
      lines.push(
        `    ${printable(r.address, 254)}${r.lastError ? `  (${printable(r.lastError, 200)})` : ''}`,
      );
  return lines.join('\n');
}

/** Everything about one entry, for people. */
export function entryText(line: QueueLine): string {
  const facts: (readonly [string, string])[] = [
    ['id', line.id],
    ['state', line.state],
    ['sender', line.sender === '' ? '<>' : line.sender],
    ['size', `${line.size} bytes`],
    ['received', line.receivedAt],
    ['next attempt', line.state === 'leased' ? 'now' : (line.nextAttempt ?? '-')],
    ['expires', line.expiresAt],
    ['attempts', String(line.attempts)],
  ];
  if (line.hold) {
    facts.push(['held', line.hold.reason]);
    facts.push(['held by', `${line.hold.by} since ${line.hold.since}`]);
  }
  for (const r of line.recipients) {
    const error = r.lastError ? ` (${r.lastError})` : '';
    facts.push(['recipient', `${r.address} ${r.state}, ${r.attempts} attempts${error}`]);
  }
  return facts.map(([name, value]) => `${`${name}:`.padEnd(14)}${printable(value, 600)}`).join('\n');
}

/** One line of `postqueue -j` (Postfix, postqueue(1)): exactly its fields. */
export interface PostqueueLine {
  readonly queue_name: 'active' | 'deferred' | 'hold' | 'incoming';
  readonly queue_id: string;
  /** Seconds since 1970. */
  readonly arrival_time: number;
  readonly message_size: number;
  readonly forced_expire: false;
  readonly sender: string;
  readonly recipients: readonly { readonly address: string; readonly delay_reason?: string }[];
}

/** The entry as Postfix would list it. */
export function postqueueLine(line: QueueLine): PostqueueLine {
  const names = {
    leased: 'active',
    held: 'hold',
    queued: line.attempts > 0 ? 'deferred' : 'incoming',
  } as const;
  return {
    queue_name: names[line.state as keyof typeof names],
    queue_id: line.id,
    arrival_time: Math.floor(Date.parse(line.receivedAt) / 1000),
    message_size: line.size,
    forced_expire: false,
    sender: line.sender === '' ? 'MAILER-DAEMON' : line.sender,
    recipients: line.recipients
      .filter((r) => r.state === 'pending')
      .map(({ address, lastError }) => ({ address, ...(lastError !== '' && { delay_reason: lastError }) })),
  };
}

/** What became of an order, for people. */
export function resultText({ id, result, detail, as }: ActResult): string {
  const goesOn = as === undefined ? '' : `goes on as ${as}`;
  const more = [goesOn, printable(detail, 300)].filter((text) => text !== '').join(', ');
  return `${printable(id, 64).padEnd(16)}  ${result}${more === '' ? '' : `: ${more}`}`;
}

function row(...cells: readonly [string, string, string, string, string, string, string]): string {
  const [id, state, size, received, next, tries, sender] = cells;
  return [
    id.padEnd(16),
    state.padEnd(6),
    size.padStart(9),
    received.padEnd(17),
    next.padEnd(17),
    tries.padStart(5),
    sender,
  ].join('  ');
}

function minute(time: string): string {
  return time === '-' ? time : `${time.slice(0, 16)}Z`;
}
