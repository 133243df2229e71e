/**
 * The commands of one transaction, and which recipients cannot honestly be asked for.
 *
 * A message is never quietly changed to suit the peer: one that needs SMTPUTF8 fails with 5.6.7 where it is not offered, one
 * that is larger than the peer takes fails with 5.3.4. The one exception is 8BITMIME: without it 8-bit content is sent as
 * it is, as every relay of today does. Parameters go only to peers that offer their extension. An address that could break
 * out of its command line is refused, never sent. Pure.
 */
import { parameter, status } from '#message';
import type { Body, Status } from '#message';
import type { Extensions } from './extensions.ts';

/** One recipient; byte strings. `params` as typed by the client: `NOTIFY=NEVER`. */
export interface OutgoingRecipient {
  readonly address: string;
  readonly params: readonly string[];
}

/** A message for a next hop. */
export interface OutgoingMessage {
  /** Address without brackets, '' for the null sender. */
  readonly sender: string;
  readonly senderParams: readonly string[];
  readonly recipients: readonly OutgoingRecipient[];
  /** Header fields with CRLF each, without the blank line. */
  readonly header: Uint8Array;
  readonly body: Body;
  /** Bytes of header, blank line and body. */
  readonly size: number;
}

/** What will be said. */
export interface Plan {
  /** MAIL with CRLF. */
  readonly mail: string;
  /** RCPT commands with CRLF, for the recipients named in `asked`. */
  readonly rcpts: readonly string[];
  /** Indexes into the message's recipients, in the order of `rcpts`. */
  readonly asked: readonly number[];
  /** Answers known without asking, by recipient index. */
  readonly refused: readonly (Status | undefined)[];
}

const HIGH = /[\x80-\xff]/;
/** A mailbox that stays within its brackets: a quoted local part or one without blanks, quotes and brackets; then a domain. */
const SAFE = /^(?:"(?:[^"\\\0\r\n]|\\[^\0\r\n])*"|[^\0- <>"\x7f]+)(?:@[^\0- <>"\x7f]+)?$/;
const SAFE_PARAMETER = /^[\x21-\x3c\x3e-\x7e]+=[\x21-\x7e]+$/;
const MAX_ADDRESS = 1000;

/** Decides what to say to a peer with these extensions. */
export function planTransaction(message: OutgoingMessage, ext: Extensions, by: string): Plan {
  const whole = wholeRefusal(message, ext, by);
  const refused: (Status | undefined)[] = [];
  const rcpts: string[] = [];
  const asked: number[] = [];
  let utf8 = HIGH.test(message.sender) || parameter(message.senderParams, 'SMTPUTF8') !== undefined;
  for (let i = 0; i < message.recipients.length; i++) {
    const { address, params } = message.recipients[i]!;
    const high = HIGH.test(address);
    utf8 ||= high;
    refused[i] = whole ?? recipientRefusal(address, high, ext, by);
    if (refused[i] !== undefined) continue;
    rcpts.push(`RCPT TO:<${address}>${ext.dsn ? passed(params, ['NOTIFY', 'ORCPT']) : ''}\r\n`);
    asked.push(i);
  }
  return { mail: mailCommand(message, ext, utf8), rcpts, asked, refused };
}

/** Why no recipient can be served at all. */
function wholeRefusal(message: OutgoingMessage, ext: Extensions, by: string): Status | undefined {
  if (message.sender !== '' && !isSafe(message.sender))
    return status(553, '5.1.7', 'the sender address cannot be sent in a command');
  if (ext.maxSize > 0 && message.size > ext.maxSize)
    return status(552, '5.3.4', `the message is larger than ${by} takes (${ext.maxSize} bytes)`);
  if (ext.smtpUtf8) return undefined;
  if (HIGH.test(message.sender))
    return status(553, '5.6.7', `${by} does not take internationalized addresses (SMTPUTF8)`);
  if (parameter(message.senderParams, 'SMTPUTF8') !== undefined && holdsHighByte(message.header))
    return status(550, '5.6.7', `${by} does not take internationalized header fields (SMTPUTF8)`);
  return undefined;
}

function recipientRefusal(address: string, high: boolean, ext: Extensions, by: string): Status | undefined {
  if (!isSafe(address)) return status(553, '5.1.3', 'the address cannot be sent in a command');
  if (high && !ext.smtpUtf8)
    return status(553, '5.6.7', `${by} does not take internationalized addresses (SMTPUTF8)`);
  return undefined;
}

function mailCommand(message: OutgoingMessage, ext: Extensions, utf8: boolean): string {
  let line = `MAIL FROM:<${message.sender}>`;
  if (ext.size) line += ` SIZE=${message.size}`;
  const params = message.senderParams;
  if (params.length > 0) {
    if (ext.eightBitMime && parameter(params, 'BODY')?.toUpperCase() === '8BITMIME') line += ' BODY=8BITMIME';
    if (ext.dsn) line += passed(params, ['RET', 'ENVID']);
    if (ext.mtPriority) line += passed(params, ['MT-PRIORITY']);
  }
  if (utf8 && ext.smtpUtf8) line += ' SMTPUTF8';
  return line + '\r\n';
}

/** The parameters of these names as typed, each with a space before it. */
function passed(params: readonly string[], names: readonly string[]): string {
  let text = '';
  for (const p of params)
    if (names.includes(p.slice(0, p.indexOf('=')).toUpperCase()) && SAFE_PARAMETER.test(p)) text += ' ' + p;
  return text;
}

function isSafe(address: string): boolean {
  return address !== '' && address.length <= MAX_ADDRESS && SAFE.test(address);
}

function holdsHighByte(bytes: Uint8Array): boolean {
  return bytes.some((b) => b > 127);
}
