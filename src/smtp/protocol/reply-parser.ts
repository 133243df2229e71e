/**
 * Cuts a next hop's replies out of the bytes it sends and turns each into a Status.
 *
 * Used by smtp/client. Every reply is bounded in line length, number of lines and size; a peer that breaks a bound or the
 * grammar (RFC 5321 4.2) costs a ReplyFault, after which the parser must not be used again. Reply texts come out with
 * control characters replaced, bytes above 127 as they came. Never keeps more than one unfinished reply. Pure.
 */
import { latin1, status } from '#message';
import type { Status } from '#message';

const LF = 10;

/** Bounds of one reply, in bytes; line ends count. */
export interface ReplyLimits {
  /** One line (RFC 5321 4.5.3.1.5 says 512; real peers send longer ones). Default 2048. */
  readonly maxLine: number;
  /** Lines of one reply. Default 128. */
  readonly maxLines: number;
  /** The whole reply. Default 16384. */
  readonly maxSize: number;
}

export const REPLY_LIMITS: ReplyLimits = { maxLine: 2048, maxLines: 128, maxSize: 16_384 };

/** The peer's bytes are no reply: `reply-syntax`, or too much of one: `reply-too-long`. */
export class ReplyFault extends Error {
  readonly code: 'reply-syntax' | 'reply-too-long';

  constructor(code: 'reply-syntax' | 'reply-too-long', message: string) {
    super(message);
    this.name = 'ReplyFault';
    this.code = code;
  }
}

/** One per connection and direction; start a new one after STARTTLS, so that nothing said before it counts after it. */
export class ReplyParser {
  readonly #by: string;
  readonly #limits: ReplyLimits;
  /** The unfinished line, as a byte string. */
  #held = '';
  /** Code of the unfinished multi-line reply, 0 between replies. */
  #code = 0;
  #lines: string[] = [];
  #size = 0;

  /** `by` is the next hop's name: the `by` of every Status. */
  constructor(by: string, limits: ReplyLimits = REPLY_LIMITS) {
    this.#by = by;
    this.#limits = limits;
  }

  /** True while part of a reply is held back. */
  get unfinished(): boolean {
    return this.#held !== '' || this.#code !== 0;
  }

  /** Takes bytes; appends finished replies to `out`. Throws ReplyFault; replies before the fault are in `out`. */
  push(chunk: Uint8Array, out: Status[]): void {
    let start = 0;
    while (start < chunk.length) {
      const lf = chunk.indexOf(LF, start);
      const end = lf < 0 ? chunk.length : lf + 1;
      const length = this.#held.length + end - start;
      if (length > this.#limits.maxLine) throw new ReplyFault('reply-too-long', 'a reply line is too long');
      this.#size += end - start;
      if (this.#size > this.#limits.maxSize) throw new ReplyFault('reply-too-long', 'a reply is too long');
      const text = latin1(chunk, start, end);
      this.#held = this.#held === '' ? text : this.#held + text;
      if (lf < 0) return;
      const line = this.#held;
      this.#held = '';
      start = end;
      const reply = this.#line(line);
      if (reply !== null) out.push(reply);
    }
  }

  /** One whole line with its line end; gives the reply when it was the last one. */
  #line(line: string): Status | null {
    if (line.charCodeAt(line.length - 2) !== 13)
      throw new ReplyFault('reply-syntax', 'a reply line does not end in CRLF');
    const code = codeOf(line);
    const mark = line.length === 5 ? ' ' : line[3];
    if (code < 0 || (mark !== ' ' && mark !== '-'))
      throw new ReplyFault('reply-syntax', 'a line is no reply: it does not begin with a reply code');
    if (this.#code !== 0 && code !== this.#code)
      throw new ReplyFault('reply-syntax', 'the code changes within a reply');
    const text = line.slice(4, -2);
    if (mark === '-') {
      if (this.#lines.length + 1 >= this.#limits.maxLines)
        throw new ReplyFault('reply-too-long', 'a reply has too many lines');
      this.#code = code;
      this.#lines.push(text);
      return null;
    }
    this.#size = 0;
    if (this.#code === 0) return replyOf(code, text, this.#by);
    const lines = this.#lines;
    lines.push(text);
    this.#code = 0;
    this.#lines = [];
    return multiLineReplyOf(code, lines, this.#by);
  }
}

/** The reply code at the start of a line, 200 to 599, or -1. */
function codeOf(line: string): number {
  const a = line.charCodeAt(0) - 48;
  const b = line.charCodeAt(1) - 48;
  const c = line.charCodeAt(2) - 48;
  return a >= 2 && a <= 5 && b >= 0 && b <= 9 && c >= 0 && c <= 9 ? a * 100 + b * 10 + c : -1;
}

const ENHANCED = /^([245]\.\d{1,3}\.\d{1,3})(?: |$)/;

/** The enhanced code a text begins with (RFC 2034), when its class is that of the reply code; else ''. */
function enhancedAt(code: number, text: string): string {
  const c = text.charCodeAt(1) === 46 ? ENHANCED.exec(text)?.[1] : undefined;
  return c !== undefined && c.charCodeAt(0) - 48 === Math.trunc(code / 100) ? c : '';
}

function replyOf(code: number, text: string, by: string): Status {
  const enhanced = enhancedAt(code, text);
  return status(code, enhanced, clean(enhanced ? text.slice(enhanced.length + 1) : text), by);
}

function multiLineReplyOf(code: number, lines: readonly string[], by: string): Status {
  const enhanced = enhancedAt(code, lines[0]!);
  const texts = enhanced
    ? lines.map((l) => (l === enhanced || l.startsWith(enhanced + ' ') ? l.slice(enhanced.length + 1) : l))
    : lines;
  return status(code, enhanced, texts.map(clean).join('\n'), by);
}

/** Control characters become `?`: the text will stand in logs, notices and records. */
function clean(text: string): string {
  return /[\x00-\x1f\x7f]/.test(text) ? text.replace(/[\x00-\x1f\x7f]/g, '?') : text;
}
