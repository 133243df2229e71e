/**
 * The text of a failure notice: multipart/report with words, delivery-status and what is returned (RFC 3464, RFC 6522, RFC 6533).
 *
 * Nothing a stranger said gets in raw: status texts become one line of printable ASCII, addresses are encoded where they are
 * not ASCII. All strings are byte strings. Pure; the same input makes the same text.
 */
import { enhancedOf, latin1, mailDate, parameter, utf8Of } from '#message';
import type { Status } from '#message';
import type { EntryMeta, EntryRecipient } from '#spool';
import type { NoticeFacts } from './dsn.ts';

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

/** Makes the notice about `lost`, all of one message. */
export function reportOf(
  entry: EntryMeta,
  lost: readonly EntryRecipient[],
  returned: { readonly whole: boolean; readonly bytes: Uint8Array },
  facts: NoticeFacts,
): Report {
  const original = latin1(returned.bytes);
  let boundary = `=_${facts.id}`;
  while (original.includes(boundary)) boundary += '_';
  const words = wordsFor(lost, facts);
  const parts = [
    `Content-Type: text/plain; charset=utf-8\r\n${HIGH.test(words) ? EIGHT_BIT : ''}\r\n${words}`,
    `Content-Type: message/delivery-status\r\n\r\n${deliveryStatus(entry, lost, facts)}`,
    `Content-Type: ${returned.whole ? 'message/rfc822' : 'text/rfc822-headers'}\r\n${HIGH.test(original) ? EIGHT_BIT : ''}\r\n${original}`,
  ];
  const body = `${parts.map((p) => `--${boundary}\r\n${p}\r\n`).join('')}--${boundary}--\r\n`;
  const header = [
    `From: Mail Delivery System <MAILER-DAEMON@${facts.hostname}>`,
    `To: <${entry.sender}>`,
    'Subject: Your message could not be delivered',
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

/** What a person reads. */
function wordsFor(lost: readonly EntryRecipient[], { hostname }: NoticeFacts): string {
  const each = lost.map((r) => {
    const said = r.lastStatus === null ? '' : `${speaker(r.lastStatus)}${oneLine(r.lastStatus)}`;
    const late = r.state === 'expired' ? 'it could not be delivered in time. The last answer was: ' : '';
    return `<${r.address}>\r\n    ${late}${said}\r\n`;
  });
  const whom = lost.length === 1 ? 'this recipient' : 'these recipients';
  return [
    `This is the mail gateway at ${hostname}.`,
    '',
    `Your message could not be delivered to ${whom}, and will not be tried again:`,
    '',
    ...each,
  ].join('\r\n');
}

/** The machine-readable part (RFC 3464 2.1). */
function deliveryStatus(entry: EntryMeta, lost: readonly EntryRecipient[], facts: NoticeFacts): string {
  const envid = parameter(entry.senderParams, 'ENVID');
  const message = [
    ...(envid === undefined ? [] : [`Original-Envelope-Id: ${ascii(fromXtext(envid))}`]),
    `Reporting-MTA: dns; ${facts.hostname}`,
    `Arrival-Date: ${mailDate(entry.receivedAt)}`,
  ];
  return [message, ...lost.map((r) => recipientFields(r, facts))]
    .map((f) => f.join('\r\n') + '\r\n')
    .join('\r\n');
}

function recipientFields(r: EntryRecipient, facts: NoticeFacts): string[] {
  const said = r.lastStatus;
  const orcpt = parameter(r.params, 'ORCPT');
  const semicolon = orcpt?.indexOf(';') ?? -1;
  return [
    ...(orcpt === undefined || semicolon < 0
      ? []
      : [
          `Original-Recipient: ${ascii(orcpt.slice(0, semicolon))}; ${ascii(fromXtext(orcpt.slice(semicolon + 1)))}`,
        ]),
    `Final-Recipient: ${typedAddress(r.address)}`,
    'Action: failed',
    `Status: ${r.state === 'expired' || said === null ? '4.4.7' : enhancedOf(said)}`,
    ...(said === null
      ? []
      : [
          ...(isOurs(said) ? [] : [`Remote-MTA: dns; ${ascii(said.by)}`]),
          `Diagnostic-Code: smtp; ${oneLine(said)}`,
        ]),
    `Last-Attempt-Date: ${mailDate(facts.now)}`,
  ];
}

function isOurs(s: Status): boolean {
  return s.by === 'millrace' || s.by.startsWith('milter:');
}

function speaker(s: Status): string {
  return isOurs(s) ? '' : `${ascii(s.by)} said: `;
}

/** A status as one line of printable ASCII, cut to what a header line can hold. */
function oneLine(s: Status): string {
  return ascii(`${s.code} ${s.enhanced ? s.enhanced + ' ' : ''}${s.text.replaceAll('\n', ' / ')}`);
}

function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 600);
}

/** `rfc822; address`, or the 7-bit form of an internationalized one (RFC 6533 3). */
function typedAddress(address: string): string {
  if (!HIGH.test(address)) return `rfc822; ${ascii(address)}`;
  const encoded = utf8Of(address).replace(
    /[^\x21-\x7e]|[\\+=]/gu,
    (c) => `\\x{${c.codePointAt(0)!.toString(16).toUpperCase().padStart(2, '0')}}`,
  );
  return `utf-8; ${encoded}`;
}

/** xtext back to text (RFC 3461 4). */
function fromXtext(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
