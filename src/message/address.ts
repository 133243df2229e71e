/**
 * Mail addresses as the envelope carries them: byte strings, case kept, never rewritten.
 *
 * Parsing of SMTP paths is in smtp/protocol; here are the noun and the few questions everyone asks of it.
 */

/** A reverse-path or forward-path as it was typed, and what it means. */
export interface Path {
  /** As typed, with angle brackets and any source route: what milters are shown. `<>` for the null sender. */
  readonly raw: string;
  /** Without brackets and route: `local@domain`; '' for the null sender; may lack a domain (`postmaster`). */
  readonly address: string;
}

/** A Path made from a bare address (for addresses that a filter or we ourselves made). */
export function pathOf(address: string): Path {
  return { raw: `<${address}>`, address };
}

/** What follows the last `@`, or '' when there is none. Case kept. */
export function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? '' : address.slice(at + 1);
}

/** What precedes the last `@`, or the whole when there is none. */
export function localPartOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? address : address.slice(0, at);
}

/** Removes blanks and one pair of angle brackets: filters send addresses with or without them. */
export function withoutBrackets(text: string): string {
  const t = text.trim();
  return t.startsWith('<') && t.endsWith('>') ? t.slice(1, -1) : t;
}

/** ASCII lower case: what may be folded in a domain without knowing its character set. */
export function asciiLower(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (s) => s.toLowerCase()) : text;
}

/** The same mailbox: local part exactly, domain in any case (milter reference 12.2 DELRCPT; RFC 5321 2.4). */
export function sameAddress(a: string, b: string): boolean {
  return a === b || addressKey(a) === addressKey(b);
}

/** One text for all spellings of an address. */
export function addressKey(address: string): string {
  return `${localPartOf(address)}@${asciiLower(domainOf(address))}`;
}
