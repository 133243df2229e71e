/**
 * `millrace quarantine`: commands that the queue has not. Lists are written as they are read; nothing a stranger sent can break a
 * line or control a terminal.
 */
import type { HeldLine, Preview, TrailRecord } from '#gateway';
import { printable } from '#message';
import { EXIT, type Terminal } from '../terminal.ts';
import type { HeldEnd, QueueEnd } from './end.ts';
import { entryText } from './entries.ts';
import { giveOrders } from './order.ts';
import { ID } from './read.ts';

/** Writes held entries that match, oldest first. */
export async function printHeld(
  end: Pick<HeldEnd, 'held'>,
  where: readonly string[],
  json: boolean,
  terminal: Terminal,
): Promise<number> {
  for await (const page of end.held(where))
    for (const line of page) {
      await terminal.result(json ? JSON.stringify(line) : heldText(line));
      if (terminal.closed) return EXIT.ok;
    }
  return EXIT.ok;
}

/** One held entry for people. */
export function heldText(line: HeldLine): string {
  const to =
    line.recipients > line.to.length ? [...line.to, `and ${line.recipients - line.to.length} more`] : line.to;
  const lines = [
    `${line.id.padEnd(16)}  since ${line.since.slice(0, 16)}Z  until ${line.expiresAt.slice(0, 16)}Z  ${String(line.size).padStart(9)}  ${printable(line.client, 45)}`,
    `    ${printable(line.sender, 254) || '<>'} > ${to.map((a) => printable(a, 254)).join(', ')}`,
    `    ${line.malware ? 'MALWARE? ' : ''}held by ${printable(line.by, 64)}: ${printable(line.reason, 200)}`,
  ];
  if (line.subject !== '') lines.push(`    ${JSON.stringify(printable(line.subject, 200))}`);
  if (line.note !== '')
    lines.push(`    note of ${printable(line.noteBy, 80)}: ${printable(line.note, 1000)}`);
  return lines.join('\n');
}

/** Writes what is known of one entry: facts, who did what, and with `inside` its header and text. */
export async function printHeldEntry(
  end: QueueEnd,
  id: string,
  options: { readonly inside: boolean; readonly json: boolean },
  terminal: Terminal,
): Promise<number> {
  if (!ID.test(id)) return absent(id, terminal);
  const entry = await end.show(id);
  const trail = await end.trail(id);
  if (entry === null && trail.length === 0) return absent(id, terminal);
  const seen = options.inside && entry?.hold ? await end.look(id) : null;
  if (options.json) {
    await terminal.result(
      JSON.stringify({ ...(entry ?? { id }), audit: trail, ...(seen && { preview: seen }) }),
    );
    return EXIT.ok;
  }
  await terminal.result(entry ? entryText(entry) : `${'id:'.padEnd(14)}${id} (gone)`);
  for (const record of trail) await terminal.result(trailText(record));
  if (seen) await terminal.result(previewText(seen));
  return EXIT.ok;
}

/** One record of who did what. */
export function trailText({ at, verb, by, result, detail, as, text }: TrailRecord): string {
  const more = [
    result === 'done' ? '' : result,
    detail,
    as && `goes on as ${as}`,
    text && JSON.stringify(text),
  ];
  const words = more.filter((m): m is string => m !== undefined && m !== '').join(', ');
  const what = `${new Date(at).toISOString()} ${by} ${verb}${words === '' ? '' : `: ${words}`}`;
  return `${'audit:'.padEnd(14)}${printable(what, 1500)}`;
}

function previewText({ header, text, parts, cut }: Preview): string {
  const lines = ['', ...header.map(({ name, value }) => printable(`${name}: ${value}`, 1000)), ''];
  lines.push(...text.split(/\r?\n/).map((line) => printable(line.replaceAll('\t', ' '), 1000)));
  if (cut) lines.push('[there is more]');
  if (parts.length > 1)
    lines.push(
      '',
      ...parts.map((p) => printable(`[part ${p.type} ${p.name || 'without a name'}, ${p.bytes} bytes]`, 300)),
    );
  return lines.join('\n');
}

/** Asks the filters again, and with `release` lets go what they let pass. */
export async function rescanHeld(
  end: QueueEnd,
  ids: readonly string[],
  options: { readonly skip: readonly string[]; readonly release: boolean; readonly json: boolean },
  terminal: Terminal,
): Promise<number> {
  const passed: string[] = [];
  const counts = { absent: 0, failed: 0, asked: 0 };
  for (const id of ids) {
    const said = ID.test(id)
      ? await end.rescan(id, options.skip)
      : { id, verdict: 'absent' as const, detail: 'there is no such entry' };
    if (said.verdict === 'absent') counts.absent++;
    else if (said.verdict === 'unfit' || said.verdict === 'failed') counts.failed++;
    else counts.asked++;
    if (said.verdict === 'pass') passed.push(id);
    const more = said.detail === '' ? '' : `: ${printable(said.detail, 300)}`;
    await terminal.result(
      options.json ? JSON.stringify(said) : `${printable(id, 64).padEnd(16)}  ${said.verdict}${more}`,
    );
    for (const field of options.json ? [] : (said.fields ?? []))
      await terminal.result(
        `    ${field.kind} ${printable(`${field.name}: ${(field.after ?? field.before)?.value ?? ''}`, 400)}`,
      );
  }
  if (options.release && passed.length > 0) {
    const order = options.skip.length > 0 ? { skip: [...options.skip] } : { filters: 'again' as const };
    const given = await giveOrders(
      end,
      {
        verb: 'release',
        ids: passed,
        where: [],
        all: false,
        heldOnly: true,
        order,
        dryRun: false,
        yes: true,
        json: options.json,
      },
      terminal,
    );
    if (given !== EXIT.ok) return EXIT.partly;
  }
  if (counts.absent + counts.failed === 0) return EXIT.ok;
  if (counts.asked > 0) return EXIT.partly;
  return counts.failed === 0 ? EXIT.absent : EXIT.failed;
}

/** Writes a note beside an entry. */
export async function noteHeld(end: QueueEnd, id: string, text: string, terminal: Terminal): Promise<number> {
  if (!ID.test(id) || !(await end.note(id, text))) return absent(id, terminal);
  await terminal.result(text === '' ? 'the note is gone' : 'the note is written');
  return EXIT.ok;
}

function absent(id: string, terminal: Terminal): number {
  terminal.error('no such entry is held', printable(id, 64), 'see millrace quarantine list');
  return EXIT.absent;
}
