/**
 * Functions that cut text into parts (reference 9.2).
 *
 * Total, but for the bound on elements. An empty delimiter cuts nothing: the whole text is the one part.
 */
import { ExpressionFault, LIMITS } from '../limits.ts';
import { toCount, toText, type Value } from '../values.ts';
import { plain, type FunctionGroup } from './row.ts';
import { isSpace } from './unicode.ts';

/** At most `most` cuts from the left. */
function split(text: string, by: string, most: number): Value {
  if (by === '') return [text];
  const parts: string[] = [];
  let from = 0;
  for (let cut = 0; cut < most; cut++) {
    const at = text.indexOf(by, from);
    if (at < 0) break;
    push(parts, text.slice(from, at));
    from = at + by.length;
  }
  push(parts, text.slice(from));
  return parts;
}

/** All parts, cut from the right, the last part first. */
function splitFromRight(text: string, by: string): Value {
  if (by === '') return [text];
  const parts: string[] = [];
  let end = text.length;
  while (end >= by.length) {
    const at = text.lastIndexOf(by, end - by.length);
    if (at < 0) break;
    push(parts, text.slice(at + by.length, end));
    end = at;
  }
  push(parts, text.slice(0, end));
  return parts;
}

function splitAt(text: string, by: string, at: number): Value {
  if (by === '') return [text];
  return at < 0 ? '' : [text.slice(0, at), text.slice(at + by.length)];
}

function lines(value: Value): Value {
  if (typeof value !== 'string') return value;
  const parts: string[] = [];
  let from = 0;
  for (let at = value.indexOf('\n'); at >= 0; at = value.indexOf('\n', from)) {
    push(parts, value.slice(from, at > from && value[at - 1] === '\r' ? at - 1 : at));
    from = at + 1;
  }
  if (from < value.length) push(parts, value.slice(from));
  return parts;
}

const LETTERS_AND_DIGITS = /^[\p{Alphabetic}\p{N}]+$/u;

function words(value: Value): Value {
  const text = toText(value);
  const parts: string[] = [];
  let from = -1; // start of the token being read
  for (let i = 0; i <= text.length; i++) {
    const inside = i < text.length && !isSpace(text.charCodeAt(i));
    if (inside && from < 0) from = i;
    if (inside || from < 0) continue;
    const token = text.slice(from, i);
    if (LETTERS_AND_DIGITS.test(token)) push(parts, token);
    from = -1;
  }
  return parts;
}

/** Appends within the bound, so that a long text is not cut to the end first. */
function push(parts: string[], part: string): void {
  if (parts.length >= LIMITS.elements)
    throw new ExpressionFault('expression-too-large', `text has over ${LIMITS.elements} parts`);
  parts.push(part);
}

export const splitFunctions: FunctionGroup = {
  lines: plain(1, lines),
  split: plain(2, (a, b) => split(toText(a), toText(b), Infinity)),
  rsplit: plain(2, (a, b) => splitFromRight(toText(a), toText(b))),
  split_once: plain(2, (a, b) => splitAt(toText(a), toText(b), toText(a).indexOf(toText(b)))),
  rsplit_once: plain(2, (a, b) => splitAt(toText(a), toText(b), toText(a).lastIndexOf(toText(b)))),
  split_n: plain(3, (a, b, c) => split(toText(a), toText(b), toCount(c))),
  split_words: plain(1, words),
};
