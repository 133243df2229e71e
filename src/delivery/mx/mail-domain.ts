/**
 * What follows the @ of a recipient, as DNS is asked about it: a domain in its ASCII form, or an address literal.
 *
 * Internationalized domains become A-labels (RFC 5890). Whatever is neither is told as a permanent Status; nothing of such a text
 * reaches DNS or a connection. Never throws.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { byteStringOf, domainOf, status, utf8Of } from '#message';
import type { Status } from '#message';
import { canonicalIp } from '#smtp/protocol';

/** Where mail to an address belongs. `name` is what log and limits call it, also for what is `nowhere`. */
export type MailDomain =
  /** Lower case, A-labels, without a final dot. */
  | { readonly kind: 'domain'; readonly name: string }
  /** RFC 5321 4.1.3; `address` in canonical form. */
  | { readonly kind: 'literal'; readonly name: string; readonly address: string }
  | { readonly kind: 'nowhere'; readonly name: string; readonly status: Status };

/** Of a recipient's address (byte string). */
export function mailDomainOf(address: string): MailDomain {
  const text = domainOf(address);
  if (text === '') return nowhere(status(553, '5.1.3', 'the address has no domain'));
  if (text.startsWith('[')) return literalOf(text);
  const ascii = asciiForm(text);
  if (isHostName(ascii)) return { kind: 'domain', name: ascii };
  return nowhere(status(550, '5.1.2', 'what follows the @ is no domain name'));
}

/**
 * Labels of 1 to 63 letters, digits, hyphens and underscores, 253 in all; hyphens inside. The last label is not a number: what
 * looks like an IPv4 address is no name.
 */
export function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*(?!\d+$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(
      text,
    )
  );
}

/** Lower case, A-labels, without the dot at the end; what is no domain comes back as something that is no host name. */
export function asciiForm(text: string): string {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  if (!/[\x80-\xff]/.test(bare)) return bare.toLowerCase();
  const readable = utf8Of(bare);
  // Bytes that are no UTF-8 must not become some other domain.
  return byteStringOf(readable) === bare ? domainToASCII(readable) : '';
}

function literalOf(text: string): MailDomain {
  const inside = /^\[(?:(IPv6:)?([0-9A-Fa-f:.]{2,45}))\]$/i.exec(text);
  const [, tag, written = ''] = inside ?? [];
  const address = (tag ? isIPv6(written) : isIPv4(written)) ? canonicalIp(written) : null;
  if (address === null) return nowhere(status(550, '5.1.2', 'the address literal is of no known kind'));
  return { kind: 'literal', name: `[${address}]`, address };
}

const nowhere = (why: Status): MailDomain => ({ kind: 'nowhere', name: '?', status: why });
