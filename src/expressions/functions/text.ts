/** Functions on text (reference 9.2), without those that split. Total. */
import { asciiLower, byteStringOf, bytesOf } from '#message';
import { equals } from '../compare.ts';
import { HASHES } from '../environment.ts';
import { boundedText } from '../limits.ts';
import { isArray, toCount, toText, utf8Length, type Value } from '../values.ts';
import { mapping, plain, yesNo, type Answer, type FunctionGroup } from './row.ts';
import { countCharacters, isSpace, sliceCharacters, trimmed } from './unicode.ts';

const NOT_LOWER = /(?!\p{Lowercase})\p{Alphabetic}/u;
const NOT_UPPER = /(?!\p{Uppercase})\p{Alphabetic}/u;

/** Occurrences of a global pattern. */
function occurrences(text: string, pattern: RegExp): number {
  let count = 0;
  pattern.lastIndex = 0;
  while (pattern.test(text)) count++;
  return count;
}

function countSpaces(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) if (isSpace(text.charCodeAt(i))) count++;
  return count;
}

function contains(haystack: Value, needle: Value): Value {
  if (isArray(haystack)) return yesNo(haystack.some((element) => equals(element, needle)));
  return yesNo(toText(haystack).includes(toText(needle)));
}

function containsIgnoreCase(haystack: Value, needle: Value): Value {
  const wanted = toText(needle).toLowerCase();
  if (!isArray(haystack)) return yesNo(toText(haystack).toLowerCase().includes(wanted));
  return yesNo(haystack.some((element) => typeof element === 'string' && element.toLowerCase() === wanted));
}

function stripPrefix(value: Value, prefix: Value): Value {
  const text = toText(value);
  const start = toText(prefix);
  return text.startsWith(start) ? text.slice(start.length) : '';
}

function stripSuffix(value: Value, suffix: Value): Value {
  const text = toText(value);
  const end = toText(suffix);
  return text.endsWith(end) ? text.slice(0, text.length - end.length) : '';
}

const hash: Answer = (value, algorithm, _, environment) => {
  const name = HASHES.find((known) => known === algorithm);
  return name ? environment.hash(name, bytesOf(byteStringOf(toText(value)))) : '';
};

export const textFunctions: FunctionGroup = {
  trim: mapping(1, (a) => trimmed(toText(a), true, true)),
  trim_start: mapping(1, (a) => trimmed(toText(a), true, false)),
  trim_end: mapping(1, (a) => trimmed(toText(a), false, true)),
  len: plain(1, (a) => (isArray(a) ? a.length : utf8Length(toText(a)))),
  to_lowercase: mapping(1, (a) => boundedText(toText(a).toLowerCase())),
  to_uppercase: mapping(1, (a) => boundedText(toText(a).toUpperCase())),
  is_lowercase: mapping(1, (a) => yesNo(!NOT_LOWER.test(toText(a)))),
  is_uppercase: mapping(1, (a) => yesNo(!NOT_UPPER.test(toText(a)))),
  has_digits: mapping(1, (a) => yesNo(/[0-9]/.test(toText(a)))),
  count_chars: plain(1, (a) => countCharacters(toText(a))),
  count_spaces: plain(1, (a) => countSpaces(toText(a))),
  count_uppercase: plain(1, (a) => occurrences(toText(a), /\p{Uppercase}/gu)),
  count_lowercase: plain(1, (a) => occurrences(toText(a), /\p{Lowercase}/gu)),
  contains: plain(2, contains),
  contains_ignore_case: plain(2, containsIgnoreCase),
  eq_ignore_case: plain(2, (a, b) => yesNo(asciiLower(toText(a)) === asciiLower(toText(b)))),
  starts_with: plain(2, (a, b) => yesNo(toText(a).startsWith(toText(b)))),
  ends_with: plain(2, (a, b) => yesNo(toText(a).endsWith(toText(b)))),
  strip_prefix: mapping(2, stripPrefix),
  strip_suffix: mapping(2, stripSuffix),
  substring: plain(3, (a, b, c) => sliceCharacters(toText(a), toCount(b), toCount(c))),
  hash: { kind: 'plain', arity: 2, answer: hash, constant: false },
};
