/**
 * What a handler may decide, as closed frozen values, and the SMTP reply text they become on the wire.
 *
 * A handler returns one of these or nothing; nothing means continue. Making a decision with a code or an enhanced code of
 * the wrong class does not compile, and throws RangeError where types do not reach. Pure.
 */
import { byteStringOf } from '#message';
import { MAX_REPLY_LINES, formatReply, type Verdict } from '#milter/protocol';

/** The SMTP reply of a refusal. `text` is readable text; several lines are separated by `\n`. */
export interface Reply {
  readonly code: number;
  readonly enhanced: string;
  readonly text: string;
}

/** What a handler decided. Without `reply` the MTA words the refusal itself. */
export type Decision =
  | { readonly kind: 'continue' }
  | { readonly kind: 'accept' }
  | { readonly kind: 'discard' }
  | { readonly kind: 'reject'; readonly reply?: Reply }
  | { readonly kind: 'tempfail'; readonly reply?: Reply }
  | { readonly kind: 'quarantine'; readonly reason: string };

/** What a handler returns: nothing = continue. */
export type Answer = Decision | void;

/** Go on. The same as returning nothing. */
export const CONTINUE: Decision = Object.freeze({ kind: 'continue' });
/** This filter is content with the message (at connect and helo: with the connection) and is not asked again about it. */
export const accept: Decision = Object.freeze({ kind: 'accept' });
/** The client sees success, the message is thrown away. Not at connect or helo. */
export const discard: Decision = Object.freeze({ kind: 'discard' });

/** Refuse for good. At rcpt this one recipient, else the message or the connection. Without arguments the MTA's own words. */
export function reject(): Decision;
export function reject(
  code: 550 | 551 | 552 | 553 | 554,
  enhanced: `5.${number}.${number}`,
  text: string,
): Decision;
export function reject(code?: number, enhanced?: string, text?: string): Decision {
  return code === undefined
    ? REJECT
    : Object.freeze({ kind: 'reject', reply: reply(5, code, enhanced, text) });
}

/** Refuse for now; the client tries again. 421 also ends the SMTP connection. */
export function tempfail(): Decision;
export function tempfail(
  code: 421 | 450 | 451 | 452,
  enhanced: `4.${number}.${number}`,
  text: string,
): Decision;
export function tempfail(code?: number, enhanced?: string, text?: string): Decision {
  return code === undefined
    ? TEMPFAIL
    : Object.freeze({ kind: 'tempfail', reply: reply(4, code, enhanced, text) });
}

/** Let the client have its 250 and hold the message. The right to do so must be in `needs`. */
export function quarantine(reason: string): Decision {
  if (reason.trim() === '') throw new RangeError('a quarantine needs a reason');
  return Object.freeze({ kind: 'quarantine', reason });
}

const REJECT: Decision = Object.freeze({ kind: 'reject' });
const TEMPFAIL: Decision = Object.freeze({ kind: 'tempfail' });

function reply(digit: 4 | 5, code: number, enhanced = '', text = ''): Reply {
  if (!Number.isInteger(code) || Math.floor(code / 100) !== digit)
    throw new RangeError(`${code} is no ${digit}xx reply code`);
  const form = /^([45])\.\d{1,3}\.\d{1,3}$/.exec(enhanced);
  if (form?.[1] !== String(digit)) throw new RangeError(`${enhanced} is no ${digit}.x.y enhanced code`);
  return Object.freeze({ code, enhanced, text });
}

/** Bytes of text on one reply line; with codes it stays below 512 (RFC 5321 4.5.3.1.5). */
const LINE = /[^\n]{1,480}(?![\x80-\xbf])|(?<=\n|^)(?=\n|$)/g;

/** The REPLYCODE text (byte string) of a reply. Long lines are wrapped, and what goes beyond 32 lines is dropped. */
export function replyText({ code, enhanced, text }: Reply): string {
  const lines = byteStringOf(text.replaceAll('\r\n', '\n')).match(LINE) ?? [''];
  return formatReply({ code, enhanced, lines: lines.slice(0, MAX_REPLY_LINES) });
}

/** The verdict that says the decision on the wire. Quarantine is an edit, made elsewhere, and a verdict: continue. */
export function verdictOf(decision: Decision): Verdict {
  switch (decision.kind) {
    case 'accept':
    case 'discard':
      return { kind: decision.kind };
    case 'continue':
    case 'quarantine':
      return { kind: 'continue' };
    case 'reject':
    case 'tempfail':
      return decision.reply
        ? { kind: 'replycode', text: replyText(decision.reply) }
        : { kind: decision.kind };
  }
}
