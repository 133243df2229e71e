/**
 * Byte strings: how text travels through the gateway.
 *
 * SMTP and milter text has no declared character set, so every wire string in this code base is a *byte string*:
 * one character (U+0000 to U+00FF) per byte. Nothing is ever lost or replaced. UTF-8 is decoded only where a human
 * or an expression reads (utf8Of) and encoded only where text of ours becomes wire text (byteStringOf).
 * Pure; never throws on any input.
 */

/** Bytes to byte string, one character per byte. `start`/`end` as in subarray. */
export function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const step = 8192; // stays below every engine's limit on call arguments
  if (end - start <= step) return String.fromCharCode.apply(null, bytes.subarray(start, end) as never);
  let text = '';
  for (let at = start; at < end; at += step)
    text += String.fromCharCode.apply(null, bytes.subarray(at, Math.min(end, at + step)) as never);
  return text;
}

/** Byte string to bytes. Characters above U+00FF are a caller's mistake and lose their high bits. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Byte string to readable text: UTF-8 when it is well formed, else the Latin-1 characters as they stand. */
export function utf8Of(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text;
  try {
    return decodeURIComponent(
      text.replace(/[%\x80-\xff]/g, (c) => '%' + c.charCodeAt(0).toString(16).padStart(2, '0')),
    );
  } catch {
    return text;
  }
}

/** Readable text to a byte string of its UTF-8 form. Lone surrogates become U+FFFD. */
export function byteStringOf(text: string): string {
  if (!/[^\x00-\x7f]/.test(text)) return text;
  return encodeURIComponent(text.replace(LONE_SURROGATE, '\ufffd')).replace(
    /%([0-9A-F]{2})/g,
    (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
  );
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * Text made harmless for one log line or one reply line: what controls a terminal, a line or the direction of writing becomes
 * `?`, length is capped.
 */
export function printable(text: string, max = 512): string {
  if (text.length > max) return printable(text.slice(0, endBefore(text, max - 1)), max) + '…';
  return UNSEEN.test(text) ? text.replace(EVERY_UNSEEN, '?') : text;
}

/** C0, DEL, C1; line and paragraph separators; marks, embeddings and isolates of direction; the byte order mark. */
const UNSEEN = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const EVERY_UNSEEN = new RegExp(UNSEEN.source, 'g');

/** Where to cut so that no pair of surrogates is torn. */
function endBefore(text: string, at: number): number {
  const code = text.charCodeAt(at - 1);
  return code >= 0xd800 && code <= 0xdbff ? at - 1 : at;
}
