/** The answer to EHLO and LHLO: what the server offers (RFC 5321 4.1.1.1). Pure; never throws. */
import { formatLines } from './replies.ts';
import { XCLIENT_OFFERS } from './xclient.ts';

/** What is offered on this connection now. */
export interface OfferedExtensions {
  /** Bytes; Infinity is offered as SIZE without a number (RFC 1870 3). */
  readonly maxMessageSize: number;
  readonly starttls: boolean;
  readonly dsn: boolean;
  /** SASL mechanisms (RFC 4954); none = AUTH is not offered. */
  readonly auth: readonly string[];
  /** XCLIENT and XFORWARD. */
  readonly xclient?: boolean;
}

/** The EHLO or LHLO reply of `hostname`, wire text. */
export function ehloReply(hostname: string, offered: OfferedExtensions): string {
  const lines = [hostname, 'PIPELINING'];
  lines.push(Number.isFinite(offered.maxMessageSize) ? `SIZE ${offered.maxMessageSize}` : 'SIZE');
  if (offered.starttls) lines.push('STARTTLS');
  lines.push('ENHANCEDSTATUSCODES', '8BITMIME');
  if (offered.dsn) lines.push('DSN');
  if (offered.auth.length > 0) lines.push(`AUTH ${offered.auth.join(' ')}`);
  lines.push('SMTPUTF8', 'MT-PRIORITY', 'HELP');
  if (offered.xclient) lines.push(...XCLIENT_OFFERS);
  return formatLines(250, lines);
}
