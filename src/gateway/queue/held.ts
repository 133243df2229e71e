/** A held entry as operators are shown it: what the queue knows of it, what its header says, what was noted. */
import { decodeWords } from '#journal';
import { HeaderSplitter, utf8Of, type HeaderField } from '#message';
import { queueLine, type EntryMeta, type SpoolStore } from '#spool';
import type { Note, Trail } from './trail.ts';

/** Characters of a subject, or of an address field, that are shown. */
const MAX_SHOWN = 200;
/** Recipients that are shown. */
const MAX_TO = 20;

/** One held entry. Times ISO 8601 in UTC; text as strangers wrote it. */
export interface HeldLine {
  readonly id: string;
  readonly receivedAt: string;
  /** Since when it is held. */
  readonly since: string;
  /** When it is given up. */
  readonly expiresAt: string;
  readonly reason: string;
  /** The filter's name, or `operator:NAME`. */
  readonly by: string;
  /** Envelope sender; '' for the null sender. */
  readonly sender: string;
  /** What the header says. */
  readonly from: string;
  readonly subject: string;
  /** Recipients that wait, the first 20, and how many there are. */
  readonly to: readonly string[];
  readonly recipients: number;
  readonly size: number;
  readonly client: string;
  readonly clientName: string;
  readonly listener: string;
  readonly user: string;
  /** The reason or the filter speaks of malware. */
  readonly malware: boolean;
  readonly note: string;
  readonly noteBy: string;
}

/** The line of an entry that is held; `header`: its bytes, or null when they cannot be read. */
export function heldLine(
  entry: EntryMeta,
  header: Uint8Array | null,
  note: Note | undefined,
  holdExpire: number,
): HeldLine {
  const line = queueLine(entry);
  const fields = header ? fieldsIn(header) : [];
  const waiting = line.recipients.filter((r) => r.state === 'pending').map((r) => r.address);
  const { reason = '', by = '', since = line.receivedAt } = line.hold ?? {};
  const { origin } = entry;
  return {
    id: line.id,
    receivedAt: line.receivedAt,
    since,
    expiresAt: new Date(Date.parse(since) + holdExpire).toISOString(),
    reason,
    by,
    sender: line.sender,
    from: textOf(fields, 'from', MAX_SHOWN),
    subject: textOf(fields, 'subject', MAX_SHOWN),
    to: waiting.slice(0, MAX_TO),
    recipients: waiting.length,
    size: line.size,
    client: origin.clientAddress,
    clientName: utf8Of(origin.clientName),
    listener: origin.listener,
    user: utf8Of(origin.user),
    malware: looksLikeMalware(`${by} ${reason}`),
    note: note?.text ?? '',
    noteBy: note?.by ?? '',
  };
}

/** What lines of held entries are made from. */
export interface HeldDesk {
  readonly store: Pick<SpoolStore, 'content'>;
  readonly trail: Pick<Trail, 'notes'>;
  readonly holdExpire: () => number;
}

/** The lines of entries; the header of each is read. */
export async function heldLines(
  { store, trail, holdExpire }: HeldDesk,
  entries: readonly EntryMeta[],
): Promise<readonly HeldLine[]> {
  const notes = await trail.notes();
  const lines = [];
  for (const entry of entries) {
    const content = await store.content(entry.id);
    lines.push(heldLine(entry, content?.header ?? null, notes.get(entry.id), holdExpire()));
  }
  return lines;
}

const MALWARE = /virus|malware|infected|trojan|ransom|worm\b|eicar|clamav|clamd|\bclam\b|phish/i;

/** Whether the name of a filter or its reason speaks of malware. */
export const looksLikeMalware = (text: string): boolean => MALWARE.test(text);

/** The fields of a header block. */
export function fieldsIn(header: Uint8Array): readonly HeaderField[] {
  const fields: HeaderField[] = [];
  const splitter = new HeaderSplitter();
  splitter.push(header, fields);
  splitter.end(fields);
  return fields;
}

/** The decoded text of the first field of a name; '' when there is none. */
export function textOf(fields: readonly HeaderField[], key: string, max: number): string {
  const field = fields.find((f) => f.key === key);
  return field ? readable(field.text(), max) : '';
}

/** A field's value as text for people, encoded words decoded, at most `max` characters of it. */
export function readable(value: string, max: number): string {
  // Encoding makes a character at most so much longer.
  const text = decodeWords(value.slice(0, max * 12)).replace(/[\r\n]+/g, ' ');
  const code = text.charCodeAt(max - 1);
  return text.length <= max ? text : text.slice(0, code >= 0xd800 && code <= 0xdbff ? max - 1 : max);
}
