/**
 * Replies as wire text (RFC 5321 4.2, RFC 2034): from a Status to lines, whatever text somebody put into it.
 *
 * Promises: every line ends in CRLF and has at most 512 bytes with it, no control character gets through but TAB, the code has
 * three digits, and the enhanced code's class is that of the reply. Pure; never throws.
 */
import { enhancedOf, type Status } from '#message';

/** RFC 5321 4.5.3.1.5, with CRLF. */
const MAX_LINE = 512;
/** A filter may send many lines; nobody reads more. */
const MAX_LINES = 100;

const ENHANCED = /^[245]\.[0-9]{1,3}\.[0-9]{1,3}$/;
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f\u0100-\uffff]/;
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f\u0100-\uffff]/g;

/** The reply for `s`, CRLF included. A code outside 200 to 599 is sent as 451: unknown means try again. */
export function formatReply(s: Status): string {
  const code = s.code >= 200 && s.code <= 599 ? s.code | 0 : 451;
  const enhanced = code >= 300 && code < 400 ? '' : enhancedText(s, code);
  const { text } = s;
  if (!CONTROL.test(text) && text.length + enhanced.length < MAX_LINE - 6)
    return `${code} ${enhanced}${text}\r\n`;
  return formatLines(code, text.split(/\r\n|\n|\r/), enhanced);
}

/** A reply of several lines as they stand, each with `prefix` before its text; long lines are cut into several. */
export function formatLines(code: number, texts: readonly string[], prefix = ''): string {
  const room = MAX_LINE - 6 - prefix.length;
  const lines: string[] = [];
  for (const text of texts) {
    const clean = text.replace(CONTROLS, '?');
    let at = 0;
    do {
      lines.push(clean.slice(at, at + room));
      at += room;
    } while (at < clean.length && lines.length < MAX_LINES);
    if (lines.length >= MAX_LINES) break;
  }
  let reply = '';
  for (let i = 0; i < lines.length; i++)
    reply += `${code}${i === lines.length - 1 ? ' ' : '-'}${prefix}${lines[i]}\r\n`;
  return reply;
}

function enhancedText(s: Status, code: number): string {
  if (s.enhanced === '') return '';
  if (s.enhanced.charCodeAt(0) === 48 + Math.floor(code / 100) && ENHANCED.test(s.enhanced))
    return s.enhanced + ' ';
  return enhancedOf({ ...s, code, enhanced: '' }) + ' ';
}
