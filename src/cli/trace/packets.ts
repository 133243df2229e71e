/** Packets and conversations as people are shown them. Pure. Nothing a stranger sent can break a line or control a terminal. */
import type { ConversationLine, PacketRow } from '#journal';
import { printable } from '#message';

/** Title of the table of packets. */
export const PACKET_HEADING = `${'MS'.padStart(10)}  ${'Δ'.padStart(8)}  ${'LANE'.padEnd(14)}     PACKET`;

/** One packet: a line, its fields and odd things below it. `hex`: its bytes too. */
export function packetText(row: PacketRow, hex: boolean): string {
  const { kind, direction, lane, code, summary, waited, note, cut } = row;
  const arrow = kind === 'decision' ? '==' : kind === 'note' ? ' !' : direction === 'sent' ? '->' : '<-';
  const wait = waited === null ? '' : `  [${waited.toFixed(1)} ms]`;
  // A command or reply of SMTP stands in its summary as a whole.
  const what = kind === 'milter' ? `${code} ${summary}` : summary;
  const head = [
    row.at.toFixed(1).padStart(10),
    `+${row.delta.toFixed(1)}`.padStart(8),
    printable(lane, 14).padEnd(14),
    arrow,
    `${printable(what, 400)}${wait}`,
  ].join('  ');
  const lines = [head];
  const fields = row.fields.filter(({ name, value }) => !summary.includes(`${name}: ${value}`));
  for (const { name, value } of fields)
    lines.push(`${INDENT}${printable(name, 60)} = ${printable(value, 400)}`);
  if (note !== '') lines.push(`${INDENT}! ${printable(note, 400)}`);
  if (hex) lines.push(...hexLines(Buffer.from(row.data, 'base64')));
  if (hex && cut > 0) lines.push(`${INDENT}${cut} more bytes are not kept`);
  return lines.join('\n');
}

const INDENT = ' '.repeat(42);

/** Offset, sixteen bytes, and what is printable of them. */
function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const hex = part.map((b) => b.toString(16).padStart(2, '0')).join(' ');
    const text = part.map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('');
    lines.push(`${INDENT}${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines;
}

/** Title of the table of conversations. */
export const LINE_HEADING = row('SESSION', 'PART', 'AT', 'CLIENT', 'MS', 'SLOWEST', 'OUTCOME', 'FROM > RCPT');

/** One part of a conversation. */
export function lineText(line: ConversationLine): string {
  const who = line.part === 0 ? '' : `${printable(line.from, 254) || '<>'} > ${printable(line.rcpt, 254)}`;
  const outcome = line.open ? 'open' : line.outcome || '-';
  const marks = [line.errors > 0 ? `${line.errors} errors` : '', line.pinned ? 'pinned' : ''].filter(Boolean);
  return row(
    printable(line.session, 64),
    String(line.part),
    new Date(line.at).toISOString().slice(0, 19) + 'Z',
    printable(line.client, 45) || '-',
    line.ms.toFixed(0),
    line.slowest.toFixed(1),
    outcome,
    [who, marks.join(', ')].filter(Boolean).join('  '),
  );
}

function row(...cells: readonly string[]): string {
  const [session = '', part = '', at = '', client = '', ms = '', slowest = '', outcome = '', who = ''] =
    cells;
  return [
    session.padEnd(16),
    part.padStart(4),
    at.padEnd(20),
    client.padEnd(15),
    ms.padStart(7),
    slowest.padStart(8),
    outcome.padEnd(10),
    who,
  ]
    .join('  ')
    .trimEnd();
}
