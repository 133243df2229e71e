/**
 * Encoded words (RFC 2047) made readable, for display only: what is not one, or cannot be decoded, stays as it is.
 *
 * Bounded by the length of what it is given. Never throws.
 */
import { bytesOf, utf8Of } from '#message';

/** `=?charset*language?B or Q?text?=`; white space between two of them does not count. */
const WORD = /=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bq])\?([^?\s]*)\?=/gi;
const BETWEEN = /(=\?[^?\s]{1,80}\?[bq]\?[^?\s]*\?=)[ \t\r\n]+(?==\?[^?\s]{1,80}\?[bq]\?[^?\s]*\?=)/gi;

/** A field's value (byte string, unfolded) as text for people. */
export function decodeWords(value: string): string {
  if (!value.includes('=?')) return utf8Of(value);
  const joined = value.replace(BETWEEN, '$1');
  let text = '';
  let at = 0;
  // Neighbours in the same character set are decoded together: a character may be torn between them.
  let pending: { charset: string; bytes: string } | null = null;
  const flush = (): void => {
    if (pending) text += decoded(pending.charset, pending.bytes);
    pending = null;
  };
  for (const match of joined.matchAll(WORD)) {
    const [whole, charset = '', encoding = '', words = ''] = match;
    if (match.index > at || pending?.charset !== charset.toLowerCase()) flush();
    text += utf8Of(joined.slice(at, match.index));
    const bytes = encoding.toLowerCase() === 'b' ? fromBase64(words) : fromQ(words);
    const before: string = pending === null ? '' : (pending as { bytes: string }).bytes;
    pending = { charset: charset.toLowerCase(), bytes: before + bytes };
    at = match.index + whole.length;
  }
  flush();
  return text + utf8Of(joined.slice(at));
}

function decoded(charset: string, bytes: string): string {
  try {
    return new TextDecoder(charset).decode(bytesOf(bytes));
  } catch {
    return utf8Of(bytes);
  }
}

const fromQ = (text: string): string =>
  text
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

function fromBase64(text: string): string {
  try {
    return atob(text.replace(/=+$/, ''));
  } catch {
    return text;
  }
}
