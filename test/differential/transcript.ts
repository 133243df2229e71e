/**
 * An outcome as text that two MTAs can be compared by, line by line.
 *
 * Only what must differ between two runs is replaced: queue ids (numbered in order of appearance), ports, the program's version,
 * the bytes of the own Received field, the number of connections. Replies are kept as code and enhanced code; the whole text only where a filter wrote it.
 */
import { createHash } from 'node:crypto';
import type { TakenMessage } from '../support/next-hop.ts';
import type { HeardFrame } from './recorder.ts';
import type { Outcome, Replied } from './scenario.ts';

/** A comparable outcome: one fact per line. */
export interface Transcript {
  readonly replies: readonly string[];
  readonly events: readonly string[];
  readonly delivered: readonly string[];
  readonly held: number;
}

/** Reply lines whose text a filter wrote hold this word. */
export const BY_FILTER = 'filter';
/** Longest text shown as it is. */
const SHOWN = 160;

/** The comparable form of an outcome. */
export function transcriptOf(outcome: Outcome): Transcript {
  const ids = new Map<string, string>();
  const number = (id: string): string => {
    if (!ids.has(id)) ids.set(id, `<id ${ids.size + 1}>`);
    return ids.get(id)!;
  };
  const value = (name: string, text: string): string => {
    if (name === 'i') return number(text);
    if (name === 'v') return '<version>';
    if (name === 'b') return '<date>';
    // A connection that has just ended may still be counted.
    if (name === '{client_connections}') return text.replace(/^[1-9]$/, '<few>');
    if (name === '{client_port}') return port(text, outcome.clientPort);
    if (name === '{daemon_port}') return port(text, outcome.port);
    return text;
  };
  return {
    replies: outcome.replies.map(replyLine),
    events: outcome.heard.map((frame) => eventLine(frame, value, outcome.clientPort)),
    delivered: outcome.delivered
      .map((message) => messageLines(message).join('\n'))
      .toSorted()
      .flatMap((text) => text.split('\n')),
    held: outcome.held,
  };
}

const port = (text: string, expected: number): string => (text === String(expected) ? '<port>' : text);

function replyLine({ to, lines }: Replied): string {
  const said = shown(to);
  if (lines.length === 0) return `${said} -> closed`;
  if (lines.some((line) => line.includes(BY_FILTER))) return `${said} -> ${lines.join(' | ')}`;
  const last = lines.at(-1) ?? '';
  const [, code = shown(last), enhanced = ''] = /^(\d{3})[ -]?(\d\.\d{1,3}\.\d{1,3})?/.exec(last) ?? [];
  return `${said} -> ${code}${enhanced && ` ${enhanced}`}`;
}

function eventLine(
  { command, payload }: HeardFrame,
  value: (name: string, text: string) => string,
  clientPort: number,
): string {
  if (command === 'O') return `O ${hex(payload)}`;
  if (command === 'D') {
    const texts = payload.slice(1).split('\0');
    if (texts.pop() !== '' || texts.length % 2 !== 0) return `D malformed ${hex(payload)}`;
    const pairs: string[] = [];
    for (let i = 0; i < texts.length; i += 2) pairs.push(`${texts[i]}=${value(texts[i]!, texts[i + 1]!)}`);
    return ['D', payload[0], ...pairs].join(' ');
  }
  if (command === 'C') {
    const [, host, family, rest] = /^([^\0]*)\0(.)([^]*)$/.exec(payload) ?? [];
    const number = rest ? String(rest.charCodeAt(0) * 256 + rest.charCodeAt(1)) : '';
    return `C ${host} ${family} ${port(number, clientPort)} ${shown(rest?.slice(2) ?? '')}`;
  }
  return `${command} ${shown(payload)}`.trimEnd();
}

const hex = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('hex');

/** Text on one line; of a long one the length and a digest. */
function shown(text: string): string {
  const printable = text
    .replaceAll('\\', '\\\\')
    .replace(/[\x00-\x1f\x7f-\xff]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replaceAll('\\x0d\\x0a', '\\r\\n')
    .replaceAll('\\x0a', '\\n');
  if (printable.length <= SHOWN) return printable;
  const digest = createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 12);
  return `${printable.slice(0, 40)}... ${text.length} bytes ${digest}`;
}

/** Envelope, header fields and body; the own trace field shows only its place. */
function messageLines(message: TakenMessage): string[] {
  const { sender, senderParameters, recipients, recipientParameters, content } = message;
  const lines = [
    `MAIL <${shown(sender)}> ${parameters(senderParameters)}`.trimEnd(),
    ...recipients
      .map((r, i) => `RCPT <${shown(r)}> ${parameters(recipientParameters[i]!)}`.trimEnd())
      .toSorted(),
  ];
  const blank = content.startsWith('\r\n') ? 0 : content.indexOf('\r\n\r\n') + 2;
  const header = blank === 1 ? content : content.slice(0, blank);
  for (const field of header.split(/(?<=\r\n)(?![ \t])/)) {
    if (field !== '') lines.push(isOwn(field) ? 'own Received' : `field ${shown(field)}`);
  }
  lines.push(blank === 1 ? 'no blank line' : `body ${shown(content.slice(blank + 2))}`);
  return lines;
}

const isOwn = (field: string): boolean =>
  /^Received:[^]*\bby mx\.test \((?:Postfix|Millrace|8\.[\d./-]+[^)]*)\)/.test(field);

/** In order of the alphabet; SIZE tells the size of the own trace field. */
const parameters = (text: string): string =>
  text
    .replace(/\bSIZE=\d+/, 'SIZE=<size>')
    .split(' ')
    .toSorted()
    .join(' ');

/** Every part of a transcript, for people to read. */
export const linesOf = (t: Transcript): string[] => [
  ...t.replies.map((line) => `reply     ${line}`),
  ...t.events.map((line) => `filter    ${line}`),
  ...t.delivered.map((line) => `delivered ${line}`),
  `held      ${t.held}`,
];
