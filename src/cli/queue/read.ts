/** Queue commands that only look: list, show, shape, stats. Lists are written as they are read, however long they are. */
import type { Shape, Stats } from '#gateway';
import { printable } from '#message';
import { EXIT, type Terminal } from '../terminal.ts';
import type { QueueEnd } from './end.ts';
import { entryText, postqueueLine, QUEUE_HEADING, queueText } from './entries.ts';

export type Format = 'table' | 'json' | 'postqueue';

/** Writes the entries that match, oldest first, until the end or until nobody reads any more. */
export async function printQueue(
  end: Pick<QueueEnd, 'list'>,
  where: readonly string[],
  format: Format,
  terminal: Terminal,
): Promise<number> {
  let first = true;
  for await (const page of end.list(where)) {
    for (const line of page) {
      if (first && format === 'table') await terminal.result(QUEUE_HEADING);
      first = false;
      const text =
        format === 'table' ? queueText(line) : JSON.stringify(format === 'json' ? line : postqueueLine(line));
      await terminal.result(text);
      if (terminal.closed) return EXIT.ok;
    }
  }
  return EXIT.ok;
}

/** An id: nothing else is asked for. */
export const ID = /^[A-Za-z0-9]{1,64}$/;

/** Writes one entry; with `part` its bytes, unchanged, in place of what is known about it. */
export async function printEntry(
  end: QueueEnd,
  id: string,
  part: 'facts' | 'header' | 'message',
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  if (!ID.test(id)) return absent(id, terminal);
  if (part === 'facts') {
    const line = await end.show(id);
    if (line === null) return absent(id, terminal);
    await terminal.result(json ? JSON.stringify(line) : entryText(line));
    return EXIT.ok;
  }
  const bytes = await end.bytes(id, part);
  if (bytes === null) return absent(id, terminal);
  for await (const chunk of bytes) {
    if (terminal.closed) break;
    await terminal.bytes(chunk);
  }
  return EXIT.ok;
}

function absent(id: string, terminal: Terminal): number {
  terminal.error('there is no such entry', printable(id, 64), 'see millrace queue list');
  return EXIT.absent;
}

/** Writes the table of ages by domain, `limit` domains of it. */
export async function printShape(
  shape: Shape,
  limit: number,
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  const rows = shape.rows.slice(0, limit + 1);
  if (json) {
    for (const { domain, total, counts } of rows)
      await terminal.result(JSON.stringify({ domain, total, ages: shape.ages, counts }));
    return EXIT.ok;
  }
  const heading = ['T', ...shape.ages.map(String), `${shape.ages.at(-1)}+`];
  const width = Math.max(20, ...rows.map((r) => printable(r.domain, 60).length));
  const line = (name: string, cells: readonly string[]): string =>
    name.padStart(width) + cells.map((c) => ` ${c.padStart(6)}`).join('');
  await terminal.result(line('', heading));
  for (const { domain, total, counts } of rows)
    await terminal.result(line(printable(domain, 60) || '<>', [total, ...counts].map(String)));
  return EXIT.ok;
}

/** Writes the figures. */
export async function printStats(stats: Stats, json: boolean, terminal: Terminal): Promise<number> {
  if (json) await terminal.result(JSON.stringify(stats));
  else
    for (const [name, value] of Object.entries(stats))
      await terminal.result(`${`${name}:`.padEnd(14)}${value ?? '-'}`);
  return EXIT.ok;
}
