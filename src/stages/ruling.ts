/**
 * Rulings: what the filters' verdicts mean for the SMTP client (milter reference 7.2, 13).
 *
 * A Ruling is a value. `pass` lets the command go on; `refuse` is the reply to it; `discard` means the client sees success to
 * the end and the message is thrown away. A reply text of a filter that is not a well-formed 4yz or 5yz reply is the filter's
 * fault, never a reply.
 */
import { status, type Status } from '#message';
import {
  DEFAULT_REPLIES,
  parseReplyCode,
  type FilterReply,
  type EventName,
  type Verdict,
} from '#milter/protocol';
import type { OnError } from './settings.ts';

/** What the chain answers to an event. */
export type Ruling =
  | { readonly kind: 'pass' }
  | { readonly kind: 'refuse'; readonly status: Status }
  | { readonly kind: 'discard'; readonly by: string };

/** Nobody objects. */
export const PASS: Ruling = Object.freeze({ kind: 'pass' });

/** The client went away while filters were asked; nobody hears this. */
export const GONE = Object.freeze({ kind: 'refuse', status: status(421, '4.4.2', 'Connection lost') });

/** How a verdict counts: a ruling, `accept` (this filter is done), or `fault` (the filter's error, see `why`). */
export type Meaning =
  | { readonly kind: 'ruling'; readonly ruling: Ruling }
  | { readonly kind: 'accept' }
  | { readonly kind: 'fault'; readonly why: string };

const PASSED: Meaning = Object.freeze({ kind: 'ruling', ruling: PASS });
const ACCEPTED: Meaning = Object.freeze({ kind: 'accept' });

/** What `verdict`, given by filter `name` in answer to `event`, means. */
export function meaningOf(event: EventName, verdict: Verdict, name: string): Meaning {
  const by = `milter:${name}`;
  const refuse = ({ code, enhanced, lines }: FilterReply): Meaning => ({
    kind: 'ruling',
    ruling: { kind: 'refuse', status: status(code, enhanced, lines.join('\n'), by) },
  });
  switch (verdict.kind) {
    case 'continue':
    case 'skip':
      return PASSED;
    case 'accept':
      return ACCEPTED;
    case 'reject': {
      const { reject } = DEFAULT_REPLIES;
      const whole = event === 'connect' || event === 'body' || event === 'end';
      return refuse(whole ? { ...reject, code: 554 } : reject);
    }
    case 'tempfail':
      return refuse(DEFAULT_REPLIES.tempfail);
    case 'shutdown':
    case 'connfail':
      return refuse(DEFAULT_REPLIES.shutdown);
    case 'discard':
      return { kind: 'ruling', ruling: { kind: 'discard', by: name } };
    case 'replycode': {
      const reply = parseReplyCode(verdict.text);
      if (!reply) return { kind: 'fault', why: 'a reply text that is no 4yz or 5yz reply' };
      return refuse(reply);
    }
  }
}

/** The reply to the command at hand while a filter cannot be used; null = the filter counts as absent (reference 14.2). */
export function replyForFailure(onError: OnError): Status | null {
  switch (onError) {
    case 'tempfail': {
      const { code, enhanced, lines } = DEFAULT_REPLIES.tempfail;
      return status(code, enhanced, lines.join('\n'));
    }
    case 'reject':
      return status(550, '5.5.0', 'Service unavailable');
    case 'accept':
    case 'quarantine':
      return null;
  }
}
