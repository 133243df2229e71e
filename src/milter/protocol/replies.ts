/**
 * The text of a REPLYCODE: checked, taken apart and made harmless before a client sees it; and the default texts
 * (milter reference 13).
 *
 * A filter can never make us say 2xx or 3xx, more than one reply, a line above 512 bytes, or a control character. What does not
 * parse is null; the caller then answers with a default. Pure; never throws.
 */
import type { Verdict } from './values.ts';

/** A reply in parts, text as byte strings. */
export interface FilterReply {
  /** 400 to 599. */
  readonly code: number;
  /** `5.7.1`, or '' when the filter gave none. */
  readonly enhanced: string;
  /** Text per line, without codes; at least one. */
  readonly lines: readonly string[];
}

/** Bytes of one reply line, with code and CRLF (RFC 5321 4.5.3.1.5). */
export const MAX_REPLY_LINE = 512;
/** Lines of one reply; what goes beyond is dropped. */
export const MAX_REPLY_LINES = 32;
/** Bytes of REPLYCODE text that are looked at; what goes beyond is dropped. */
const MAX_TEXT = MAX_REPLY_LINE * MAX_REPLY_LINES * 2;

const LINE = /^([45]\d\d)(?:$|([ -])(.*)$)/s;
const ENHANCED = /^([245])\.(\d{1,3})\.(\d{1,3})(?: |$)/;

/**
 * Takes the filter's text apart. Every line must carry the same code, 4yz or 5yz; an enhanced code must be of the same class
 * (what does not look like one is text). `%%` becomes `%`, a single `%` stays. Null: not a reply.
 */
export function parseReplyCode(text: string): FilterReply | null {
  const raw = text.slice(0, MAX_TEXT).split('\r\n');
  if (raw.length > 1 && raw[raw.length - 1] === '') raw.pop();
  const code = raw[0]!.slice(0, 3);
  let enhanced = '';
  const lines: string[] = [];
  for (const [i, line] of raw.entries()) {
    const parts = LINE.exec(line);
    if (parts === null || parts[1] !== code) return null;
    let said = parts[3] ?? '';
    const status = ENHANCED.exec(said);
    if (status !== null && (i === 0 || enhanced !== '')) {
      if (status[1] !== code[0]) return null;
      const found = status[0].trimEnd();
      if (i === 0) enhanced = found;
      if (found === enhanced) said = said.slice(status[0].length);
    }
    wrap(harmless(said), MAX_REPLY_LINE - 6 - (enhanced ? enhanced.length + 1 : 0), lines);
    if (lines.length >= MAX_REPLY_LINES) break;
  }
  const value = Number(code);
  if (lines.every((line) => line === '')) return { code: value, enhanced, lines: [defaultText(value)] };
  return { code: value, enhanced, lines: lines.slice(0, MAX_REPLY_LINES) };
}

/** Percent signs un-doubled; CR, LF and TAB to spaces; other control characters gone. */
function harmless(text: string): string {
  return text
    .replaceAll('%%', '%')
    .replace(/[\r\n\t]+/g, ' ')
    .replace(/[\x00-\x1f\x7f]/g, '');
}

/** Cuts at `room` bytes, not inside a UTF-8 sequence (at most three bytes back). */
function wrap(text: string, room: number, out: string[]): void {
  let at = 0;
  while (text.length - at > room) {
    let end = at + room;
    for (let back = 0; back < 3 && (text.charCodeAt(end) & 0xc0) === 0x80; back++) end--;
    out.push(text.slice(at, end));
    at = end;
  }
  out.push(text.slice(at));
}

function defaultText(code: number): string {
  if (code === 421) return 'Service unavailable - closing connection';
  return code < 500 ? 'Service unavailable - try again later' : 'Command rejected';
}

/** 5 when a text that does not parse was at least meant as a permanent refusal, else 4: unknown means try again. */
export function replyClass(text: string): 4 | 5 {
  return text.startsWith('5') ? 5 : 4;
}

/** The text a client reads for a verdict that brings none of its own (reference 13.2, Postfix's column). */
export const DEFAULT_REPLIES: Readonly<Record<'reject' | 'tempfail' | 'shutdown', FilterReply>> = {
  reject: { code: 550, enhanced: '5.7.1', lines: ['Command rejected'] },
  tempfail: { code: 451, enhanced: '4.7.1', lines: ['Service unavailable - try again later'] },
  shutdown: { code: 421, enhanced: '4.7.1', lines: ['Service unavailable - closing connection'] },
};

/** The reply for a refusing verdict, whatever its text is worth; null for verdicts that refuse nothing. */
export function replyOf(verdict: Verdict): FilterReply | null {
  switch (verdict.kind) {
    case 'reject':
    case 'tempfail':
    case 'shutdown':
      return DEFAULT_REPLIES[verdict.kind];
    case 'replycode':
      return (
        parseReplyCode(verdict.text) ??
        DEFAULT_REPLIES[replyClass(verdict.text) === 5 ? 'reject' : 'tempfail']
      );
    default:
      return null;
  }
}

/**
 * The REPLYCODE text for a reply, for filters: percent signs doubled, code and enhanced code on every line, line breaks and
 * control characters inside a line made harmless. Throws RangeError for a code outside 400 to 599 or an enhanced code that does
 * not match it.
 */
export function formatReply(reply: FilterReply): string {
  const { code, enhanced } = reply;
  if (!Number.isInteger(code) || code < 400 || code > 599)
    throw new RangeError('a filter may reply with codes 400 to 599 only');
  if (enhanced !== '' && !(ENHANCED.test(enhanced) && enhanced[0] === String(code)[0]))
    throw new RangeError(`the enhanced code ${JSON.stringify(enhanced)} does not match ${code}`);
  const status = enhanced === '' ? '' : enhanced + ' ';
  const last = reply.lines.length - 1;
  if (last < 0) return `${code} ${status}`.trimEnd();
  return reply.lines
    .map((line, i) => {
      const text = line.replace(/[\r\n\t]+/g, ' ').replace(/[\x00-\x1f\x7f]/g, '');
      return `${code}${i === last ? ' ' : '-'}${status}${text.replaceAll('%', '%%')}`;
    })
    .join('\r\n');
}
