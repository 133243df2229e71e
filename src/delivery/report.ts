/**
 * The text of a delivery notice: multipart/report with words, delivery-status and what is returned (RFC 3464, RFC 6522, RFC 6533).
 *
 * Nothing a stranger said gets in raw: status texts become one line of printable ASCII, addresses are encoded where they are
 * not ASCII. All strings are byte strings. Pure; the same input makes the same text.
 */
import { decodeXtext, enhancedOf, latin1, mailDate, parameter, utf8Of } from '#message';
import type { Status } from '#message';
import type { EntryMeta, EntryRecipient } from '#spool';
import type { Success } from './agent.ts';
import type { NoticeFacts } from './dsn.ts';

/** A recipient the sender is told about, and what became of it (RFC 3464 2.3.3). */
export interface Told extends EntryRecipient {
  readonly action: 'failed' | 'delayed' | Success;
}

/** A notice, header fields and body apart. */
export interface Report {
  readonly header: string;
  readonly body: string;
  /** An address in its header is internationalized. */
  readonly needsUtf8: boolean;
  /** Some byte is above 127. */
  readonly eightBit: boolean;
}

const HIGH = /[\x80-\xff]/;

/** Makes the notice about `told`, all of one message: all lost, or all reached. */
export function reportOf(
  entry: EntryMeta,
  told: readonly Told[],
  returned: { readonly whole: boolean; readonly bytes: Uint8Array },
  facts: NoticeFacts,
): Report {
  const original = latin1(returned.bytes);
  let boundary = `=_${facts.id}`;
  while (original.includes(boundary)) boundary += '_';
  const words = wordsFor(entry, told, facts);
  const global = entry.senderParams.some((p) => p.toUpperCase() === 'SMTPUTF8');
  const status = deliveryStatus(entry, told, facts, global);
  const types = global ? GLOBAL_TYPES : TYPES;
  const parts = [
    `Content-Type: text/plain; charset=utf-8\r\n${HIGH.test(words) ? EIGHT_BIT : ''}\r\n${words}`,
    `Content-Type: ${types.status}\r\n${HIGH.test(status) ? EIGHT_BIT : ''}\r\n${status}`,
    `Content-Type: ${returned.whole ? types.whole : types.header}\r\n${HIGH.test(original) ? EIGHT_BIT : ''}\r\n${original}`,
  ];
  const body = `${parts.map((p) => `--${boundary}\r\n${p}\r\n`).join('')}--${boundary}--\r\n`;
  const header = [
    `From: Mail Delivery System <MAILER-DAEMON@${facts.hostname}>`,
    `To: <${entry.sender}>`,
    `Subject: ${subjectFor(told)}`,
    `Date: ${mailDate(facts.now)}`,
    `Message-ID: <${facts.id}@${facts.hostname}>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"`,
    ...(HIGH.test(body) ? [EIGHT_BIT.trimEnd()] : []),
    '',
  ].join('\r\n');
  return { header, body, needsUtf8: HIGH.test(entry.sender), eightBit: HIGH.test(body) || HIGH.test(header) };
}

const EIGHT_BIT = 'Content-Transfer-Encoding: 8bit\r\n';

/** Types of the parts. A sender who used SMTPUTF8 gets those that may hold UTF-8 (RFC 6533 2). */
const TYPES = {
  status: 'message/delivery-status',
  whole: 'message/rfc822',
  header: 'text/rfc822-headers',
};
const GLOBAL_TYPES = {
  status: 'message/global-delivery-status',
  whole: 'message/global',
  header: 'message/global-headers',
};

function subjectFor(told: readonly Told[]): string {
  if (told.some((r) => r.action === 'failed')) return 'Your message could not be delivered';
  if (told.some((r) => r.action === 'delayed')) return 'Your message is delayed';
  return told.some((r) => r.action === 'relayed')
    ? 'Your message was passed on'
    : 'Your message was delivered';
}

/** What a person reads. */
function wordsFor(entry: EntryMeta, told: readonly Told[], { hostname }: NoticeFacts): string {
  const of = (action: Told['action'], heading: (whom: string) => string): string[] => {
    const some = told.filter((r) => r.action === action);
    if (some.length === 0) return [];
    const whom = some.length === 1 ? 'this recipient' : 'these recipients';
    return [heading(whom), '', ...some.map((r) => wordsOn(r, textRoom(told)))];
  };
  return [
    `This is the mail gateway at ${hostname}.`,
    '',
    ...of('failed', (whom) => `Your message could not be delivered to ${whom}, and will not be tried again:`),
    ...of(
      'delayed',
      (whom) =>
        `Your message could not be delivered to ${whom} yet. It will be tried until ${mailDate(entry.expiresAt)}; you need not send it again:`,
    ),
    ...of('delivered', (whom) => `Your message was delivered to ${whom}, as you asked to be told:`),
    ...of(
      'relayed',
      (whom) =>
        `Your message was passed on for ${whom} to a host that does not report success; no more will be heard of it:`,
    ),
  ].join('\r\n');
}

function wordsOn(r: Told, room: number): string {
  const said =
    r.lastStatus === null ? 'it was not tried yet' : `${speaker(r.lastStatus)}${oneLine(r.lastStatus, room)}`;
  const late = r.state === 'expired' ? 'it could not be delivered in time. The last answer was: ' : '';
  return `<${r.address}>\r\n    ${late}${said}\r\n`;
}

/** The machine-readable part (RFC 3464 2.1). */
function deliveryStatus(
  entry: EntryMeta,
  told: readonly Told[],
  facts: NoticeFacts,
  global: boolean,
): string {
  const envid = parameter(entry.senderParams, 'ENVID');
  const message = [
    ...(envid === undefined ? [] : [`Original-Envelope-Id: ${ascii(decodeXtext(envid))}`]),
    `Reporting-MTA: dns; ${facts.hostname}`,
    `Arrival-Date: ${mailDate(entry.receivedAt)}`,
  ];
  const common = { ...facts, global, room: textRoom(told), retryUntil: entry.expiresAt };
  return [message, ...told.map((r) => recipientFields(r, common))]
    .map((f) => f.join('\r\n') + '\r\n')
    .join('\r\n');
}

/** What the blocks about recipients have in common. */
interface Common {
  readonly now: number;
  readonly global: boolean;
  /** Characters of a status text. */
  readonly room: number;
  /** Milliseconds since 1970. */
  readonly retryUntil: number;
}

function recipientFields(r: Told, { now, global, room, retryUntil }: Common): string[] {
  const said = r.lastStatus;
  const orcpt = parameter(r.params, 'ORCPT');
  const semicolon = orcpt?.indexOf(';') ?? -1;
  return [
    ...(orcpt === undefined || semicolon < 0
      ? []
      : [
          `Original-Recipient: ${ascii(orcpt.slice(0, semicolon))}; ${ascii(decodeXtext(orcpt.slice(semicolon + 1)))}`,
        ]),
    `Final-Recipient: ${typedAddress(r.address, global)}`,
    `Action: ${r.action}`,
    `Status: ${r.state === 'expired' ? '5.4.7' : said === null ? '4.4.7' : enhancedOf(said)}`,
    ...(said === null
      ? []
      : [
          ...(isOurs(said) ? [] : [`Remote-MTA: dns; ${ascii(said.by)}`]),
          `Diagnostic-Code: smtp; ${oneLine(said, room)}`,
          `Last-Attempt-Date: ${mailDate(now)}`,
        ]),
    ...(r.action === 'delayed' ? [`Will-Retry-Until: ${mailDate(retryUntil)}`] : []),
  ];
}

function isOurs(s: Status): boolean {
  return s.by === 'millrace' || s.by.startsWith('milter:');
}

function speaker(s: Status): string {
  return isOurs(s) ? '' : `${ascii(s.by)} said: `;
}

/** A status as one line of printable ASCII, cut to what a header line can hold and to this many characters. */
function oneLine(s: Status, room: number): string {
  const line = ascii(`${s.code} ${s.enhanced ? s.enhanced + ' ' : ''}${s.text.replaceAll('\n', ' / ')}`);
  return line.slice(0, room);
}

/** What all status texts of a notice share, in characters; each gets some. */
const TEXTS = 65_536;

function textRoom(told: readonly Told[]): number {
  return Math.max(100, Math.floor(TEXTS / told.length));
}

function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 600);
}

/** `rfc822; address`; an internationalized one in UTF-8 where that may stand, else in its 7-bit form (RFC 6533 3). */
function typedAddress(address: string, global: boolean): string {
  if (!HIGH.test(address)) return `rfc822; ${ascii(address)}`;
  if (global) return `utf-8; ${address.replace(/[\x00-\x1f\x7f]/g, '?')}`;
  const encoded = utf8Of(address).replace(
    /[^\x21-\x7e]|[\\+=]/gu,
    (c) => `\\x{${c.codePointAt(0)!.toString(16).toUpperCase().padStart(2, '0')}}`,
  );
  return `utf-8; ${encoded}`;
}
