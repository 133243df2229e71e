/**
 * The language as a list: every variable of a place and every function with its signature and one line on what it does.
 *
 * For completion in editors and pages; docs/expressions.md has the same lines, which a test compares. Pure data.
 */
import { FUNCTIONS } from './functions/index.ts';
import { variablesOf, type VariableSet } from './variables.ts';

/** A function as it is offered. */
export interface FunctionWord {
  readonly name: string;
  readonly signature: string;
  readonly tells: string;
  /** It can be used; the others are known, and refused. */
  readonly available: boolean;
}

/** A variable as it is offered. */
export interface VariableWord {
  readonly name: string;
  readonly type: 'text' | 'integer' | 'array';
  /** First stage at which it is known; '' where that has no meaning. */
  readonly since: string;
}

/** Signature and meaning, in the order of the document. */
const SIGNATURES: readonly (readonly [signature: string, tells: string])[] = [
  [
    'matches(pattern, x)',
    '1 when the pattern is found in x; `$0`, `$1`, ... are then the match and its groups. RE2 syntax: no look-around, no back-references',
  ],
  [
    'system(name)',
    "`'hostname'` and `'domain'` our name, `'node_hostname'` the machine's, `'node_id'` 0, `'node_role'` empty",
  ],
  ['if_then(c, a, b)', 'a when c is true, else b'],
  ['is_empty(x)', 'x is the empty text or list'],
  ['is_number(x)', 'x is a number (a text of digits is none)'],
  ['trim(x)', 'without white space at both ends; maps'],
  ['trim_start(x)', 'at the start only; maps'],
  ['trim_end(x)', 'at the end only; maps'],
  ['len(x)', 'bytes of a text in UTF-8; elements of a list'],
  ['to_lowercase(x)', 'lower case; maps'],
  ['to_uppercase(x)', 'upper case; maps'],
  ['is_lowercase(x)', 'no letter is of another case; maps'],
  ['is_uppercase(x)', 'likewise; maps'],
  ['has_digits(x)', 'holds a digit 0 to 9; maps'],
  ['count_chars(x)', 'characters'],
  ['count_spaces(x)', 'white space characters'],
  ['count_uppercase(x)', 'upper-case letters'],
  ['count_lowercase(x)', 'lower-case letters'],
  ['contains(x, y)', 'the text x holds y; the list x has an element equal to y'],
  ['contains_ignore_case(x, y)', 'likewise in any case'],
  ['eq_ignore_case(x, y)', 'equal, A to Z in any case'],
  ['starts_with(x, y)', 'x begins with y'],
  ['ends_with(x, y)', 'x ends with y'],
  ['strip_prefix(x, y)', "x without y at its start, `''` when it is not there; maps"],
  ['strip_suffix(x, y)', "x without y at its end, `''` when it is not there; maps"],
  ['substring(x, start, count)', 'so many characters from `start`, counted from 0'],
  ['lines(x)', 'list of lines'],
  ['split(x, by)', 'list of parts'],
  ['rsplit(x, by)', 'the same from the right, the last part first'],
  ['split_once(x, by)', "two parts at the first `by`, `''` when there is none"],
  ['rsplit_once(x, by)', "two parts at the last `by`, `''` when there is none"],
  ['split_n(x, by, n)', 'at most n cuts'],
  ['split_words(x)', 'words of letters and digits alone'],
  ['hash(x, algorithm)', "hex digest: `'md5'`, `'sha1'`, `'sha256'`, `'sha512'`"],
  ['count(x)', "elements of a list; 0 for `''`, 1 for anything else"],
  ['sort(x, ascending)', 'sorted list'],
  ['dedup(x)', 'list without repeats'],
  ['winnow(x)', 'list without empty texts'],
  ['is_intersect(x, y)', 'two lists share an element; a list has the element'],
  ['is_email(x)', 'x is a mail address with a domain of two labels or more'],
  ['email_part(x, part)', "`'local'` or `'domain'` of an address; maps"],
  ['is_ip_addr(x)', 'x is an IP address'],
  ['is_ipv4_addr(x)', 'an IPv4 one'],
  ['is_ipv6_addr(x)', 'an IPv6 one'],
  ['ip_reverse_name(x)', 'as reverse zones write it, without the zone'],
  ['is_ip_in_cidr(x, network)', 'the address lies in the network'],
  ['is_local_domain(x)', 'not available yet: an error'],
  ['is_local_address(x)', 'not available yet: an error'],
  ['dns_query(name, type)', 'not available yet: an error'],
  ['metric(name)', 'not available yet: an error'],
  ['key_get(store, key)', 'not available yet: an error'],
  ['key_exists(store, key)', 'not available yet: an error'],
  ['key_set(store, key, x)', 'not available yet: an error'],
  ['counter_get(store, name)', 'not available yet: an error'],
  ['counter_incr(store, name, by)', 'not available yet: an error'],
  ['sql_query(store, sql, values)', 'not available yet: an error'],
];

/** All functions, those that are not available here behind the others. */
export function functionWords(): readonly FunctionWord[] {
  return SIGNATURES.map(([signature, tells]) => {
    const name = signature.slice(0, signature.indexOf('('));
    return { name, signature, tells, available: FUNCTIONS.get(name)?.kind !== 'late' };
  });
}

/** The variables of a place. */
export function variableWords(set: VariableSet): readonly VariableWord[] {
  return [...variablesOf(set)].map(([name, { type, since }]) => ({ name, type, since: since ?? '' }));
}
