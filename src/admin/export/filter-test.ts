/**
 * A recorded conversation as a test for the filter SDK: its messages, sent again through `millrace/filter/testing`.
 *
 * Client, HELO, login, envelope and the bytes of each message are as recorded; what the filters decided then stands in a comment
 * and is what the test expects of the filter that is named first. Everything from outside is written as a JavaScript literal.
 */
import { latin1, utf8Of } from '#message';
import type { ConversationLine, PacketRow } from '#journal';
import type { Conversation } from './index.ts';
import { isContent } from './pcapng.ts';

/** Bytes of messages in one test. */
const MAX_BYTES = 4_194_304;

/** One message to be sent again. */
interface Replayed {
  readonly line: ConversationLine;
  readonly from: string;
  readonly to: readonly string[];
  readonly bytes: Uint8Array;
}

/** The text of the test; null when no message is kept as a whole. */
export function filterTest(whole: Conversation): string | null {
  const messages: Replayed[] = [];
  let size = 0;
  for (const line of whole.parts) {
    const found = line.part > 0 ? replayed(whole, line) : null;
    if (!found || (size += found.bytes.length) > MAX_BYTES) continue;
    messages.push(found);
  }
  if (messages.length === 0) return null;
  const { client } = whole.parts[0]!;
  const helo = argumentOf(whole.packets, /^(?:EHLO|HELO|LHLO)$/);
  return `${HEAD(whole.session)}
${messages.map((m) => testOf(m, client, helo)).join('\n')}`;
}

const HEAD = (
  session: string,
): string => `// Conversation ${session}, recorded by Millrace, as a test of one of its filters.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drive } from 'millrace/filter/testing';
import { filter } from './filter.ts'; // the filter under test
`;

function testOf({ line, from, to, bytes }: Replayed, client: string, helo: string): string {
  const rcpts = to.map((address) => `.rcpt(${literal(address)})`).join('');
  const content = Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,100}/g) ?? [''];
  const connect = client === '' ? '' : `.connect({ address: ${literal(client)} })`;
  const title = `message ${line.id} from ${from || '<>'}: ${line.outcome}`;
  return `
test(${literal(title)}, async () => {
  await using mta = drive(filter);
  mta${connect}.helo(${literal(helo || 'client.example')});
  const bytes = Buffer.from(
    [
${content.map((text) => `      '${text}',`).join('\n')}
    ].join(''),
    'base64',
  );
  const out = await mta.mail(${literal(from)})${rcpts}.message({ bytes });
  // Then: ${printed(line)}
  assert.equal(out.decision.kind, ${literal(EXPECTED[line.outcome] ?? 'continue')}, out.diff());
});
`;
}

/** What a filter says that makes such an outcome. */
const EXPECTED: Readonly<Record<string, string>> = {
  rejected: 'reject',
  tempfailed: 'tempfail',
  discarded: 'discard',
  held: 'quarantine',
};

const printed = (line: ConversationLine): string =>
  literal(`${line.outcome}, filters ${line.milters.join(', ') || 'none'}, ${line.errors} errors`);

/** A string literal whatever is in it: no line end, no end of a comment, no script. */
function literal(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff<>/]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function replayed(whole: Conversation, line: ConversationLine): Replayed | null {
  const rows = whole.packets.filter((row) => row.part === line.part);
  const changes = whole.changes.find(({ id }) => id === line.id && id !== '');
  if (changes) {
    const { sender, recipients, header, body, bodySize } = changes.original;
    if (body.length === bodySize)
      return { line, from: sender, to: recipients, bytes: Buffer.concat([header, CRLF, body]) };
  }
  const bytes = recorded(rows);
  if (bytes === null) return null;
  const to = rows.flatMap((row) => pathIn(row, /^RCPT$/) ?? []);
  return { line, from: line.from, to: to.length > 0 ? to : [line.rcpt].filter(Boolean), bytes };
}

const CRLF = Buffer.from('\r\n');

/** The content as it came, from the client's lane; else as the first filter that got all of it was shown it. */
function recorded(rows: readonly PacketRow[]): Uint8Array | null {
  const content = rows.filter((row) => row.lane === 'client' && isContent(row));
  if (content.length > 0 && content.every((row) => row.cut === 0)) return joined(content);
  for (const lane of new Set(rows.filter((row) => row.kind === 'milter').map((row) => row.lane))) {
    const sent = rows.filter((row) => row.lane === lane && row.direction === 'sent' && row.kind === 'milter');
    const parts = sent.filter((row) => row.code === 'SMFIC_HEADER' || row.code === 'SMFIC_BODY');
    if (!parts.some((row) => row.code === 'SMFIC_BODY') || parts.some((row) => row.cut > 0)) continue;
    const header = parts.filter((row) => row.code === 'SMFIC_HEADER').map(fieldLine);
    return Buffer.concat([...header, CRLF, joined(parts.filter((row) => row.code === 'SMFIC_BODY'))]);
  }
  return null;
}

const joined = (rows: readonly PacketRow[]): Buffer =>
  Buffer.concat(rows.map((row) => Buffer.from(row.data, 'base64')));

/** `name NUL value NUL` as a line of a header. */
function fieldLine(row: PacketRow): Buffer {
  const [name = '', value = ''] = latin1(Buffer.from(row.data, 'base64')).split('\0');
  const space = /^[ \t]/.test(value) ? '' : ' ';
  return Buffer.from(`${name}:${space}${value.replace(/\r?\n/g, '\r\n')}\r\n`, 'latin1');
}

/** What a command of the client has behind its verb; '' when there is none. */
function argumentOf(packets: readonly PacketRow[], code: RegExp): string {
  const row = packets.findLast((r) => r.kind === 'smtp' && r.direction === 'received' && code.test(r.code));
  const line = row ? utf8Of(latin1(Buffer.from(row.data, 'base64'))).trim() : '';
  return /^\S+\s+(\S+)/.exec(line)?.[1] ?? '';
}

/** The address of a RCPT command; null for any other row. */
function pathIn(row: PacketRow, code: RegExp): string | null {
  if (row.kind !== 'smtp' || row.direction !== 'received' || !code.test(row.code)) return null;
  const line = utf8Of(latin1(Buffer.from(row.data, 'base64')));
  return /<([^>]*)>/.exec(line)?.[1] ?? null;
}
