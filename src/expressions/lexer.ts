/**
 * Cuts the text of an expression into tokens (reference 4).
 *
 * Never throws: what is no token is reported, and then there are no tokens. Linear in the text, whose length the caller
 * bounds.
 */
import type { Findings } from './diagnostics.ts';
import { integerOfDigits, multiply } from './integers.ts';
import { floatOf, type Value } from './values.ts';

/** Operators in their one spelling: `&`, `|`, `=`, `=>`, `=<` are synonyms and come out as these. */
export type Operator =
  '+' | '-' | '*' | '/' | '^' | '!' | '&&' | '||' | '==' | '!=' | '>' | '<' | '>=' | '<=';

/** Brackets and the comma. */
export type Mark = '(' | ')' | '[' | ']' | ',';

/** A token and its stretch of the text. */
export type Token = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'number'; readonly value: Value }
  /** `raw` is for regular expressions: as written, but escaped quotes without their backslash. */
  | { readonly kind: 'text'; readonly value: string; readonly raw: string }
  | { readonly kind: 'capture'; readonly index: number }
  | { readonly kind: 'operator'; readonly operator: Operator }
  | { readonly kind: 'mark'; readonly mark: Mark }
  | { readonly kind: 'end' }
);

/** All tokens, the last of kind `end`; null when an error was reported. */
export function tokensOf(source: string, findings: Findings): Token[] | null {
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    if (BLANKS.includes(source[at]!)) {
      at++;
      continue;
    }
    const token = tokenAt(source, at, findings);
    if (token === null) return null;
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: 'end', start: source.length, end: source.length });
  return tokens;
}

const BLANKS = ' \t\r\n';
const NAME = /[A-Za-z_][A-Za-z0-9_.]*/y;
const NUMBER = /[0-9][0-9A-Za-z_.]*/y; // everything that clings to a digit, so that `10x` is one bad number
const CAPTURE = /\$(?:[0-9]+|[A-Za-z_][A-Za-z0-9_.]*)?/y;
const WORD = /[\p{L}\p{N}_]+|[^]/uy;

const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['+', '+'],
  ['-', '-'],
  ['*', '*'],
  ['/', '/'],
  ['^', '^'],
  ['!', '!'],
  ['&&', '&&'],
  ['&', '&&'],
  ['||', '||'],
  ['|', '||'],
  ['==', '=='],
  ['=', '=='],
  ['!=', '!='],
  ['>', '>'],
  ['<', '<'],
  ['>=', '>='],
  ['=>', '>='],
  ['<=', '<='],
  ['=<', '<='],
]);

function run(pattern: RegExp, source: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0] ?? null;
}

function tokenAt(source: string, start: number, findings: Findings): Token | null {
  const first = source[start]!;
  if (first === "'" || first === '"') return textAt(source, start, findings);
  const operator = OPERATORS.get(source.slice(start, start + 2));
  if (operator !== undefined && source.length > start + 1)
    return { kind: 'operator', operator, start, end: start + 2 };
  const single = OPERATORS.get(first);
  if (single !== undefined) return { kind: 'operator', operator: single, start, end: start + 1 };
  if ('()[],'.includes(first)) return { kind: 'mark', mark: first as Mark, start, end: start + 1 };
  const name = run(NAME, source, start);
  if (name !== null) return { kind: 'name', name, start, end: start + name.length };
  const number = run(NUMBER, source, start);
  if (number !== null) return numberToken(number, start, findings);
  if (first === '$') return captureAt(source, start, findings);
  const odd = run(WORD, source, start) ?? first;
  const hint = first === '}' || first === '{' ? 'braces have no meaning here' : 'text belongs between quotes';
  findings.error('invalid-character', { start, end: start + odd.length }, 'no token starts with this', hint);
  return null;
}

/** Factors of the duration units, in milliseconds. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

function numberToken(written: string, start: number, findings: Findings): Token | null {
  const span = { start, end: start + written.length };
  const [, digits = '', fraction, unit = ''] = /^(\d+)(\.\d+)?([A-Za-z]*)$/.exec(written) ?? [];
  if (digits === '') {
    const hint = /^[\d.]+$/.test(written) ? 'an address belongs between quotes' : '';
    findings.error('invalid-number', span, 'this is neither a number nor a duration', hint);
    return null;
  }
  if (fraction !== undefined && unit === '')
    return { kind: 'number', value: floatOf(Number(written)), ...span };
  const factor = unit === '' ? 1 : fraction === undefined ? UNITS.get(unit.toLowerCase()) : undefined;
  if (factor === undefined) {
    findings.error(
      'invalid-number',
      span,
      'unknown unit',
      'whole numbers with ms, s, m, h or d are durations',
    );
    return null;
  }
  const integer = integerOfDigits(digits);
  const value = integer === null ? null : multiply(integer, factor);
  if (value === null || (typeof value === 'bigint' && value !== BigInt(digits) * BigInt(factor))) {
    findings.error('invalid-number', span, 'larger than a 64-bit integer');
    return null;
  }
  return { kind: 'number', value, ...span };
}

function captureAt(source: string, start: number, findings: Findings): Token | null {
  const written = run(CAPTURE, source, start)!;
  const span = { start, end: start + written.length };
  if (written === '$') {
    findings.error('invalid-character', span, '`$` stands alone', 'captures are $0, $1 and so on');
    return null;
  }
  const index = Number(written.slice(1));
  if (Number.isNaN(index)) {
    findings.error(
      'unknown-variable',
      span,
      'there are no globals here',
      'variables are written without `$`',
    );
    return null;
  }
  return { kind: 'capture', index, ...span };
}

/** A string between equal quotes. A backslash always takes the next character with it, whatever that is. */
function textAt(source: string, start: number, findings: Findings): Token | null {
  const quote = source[start]!;
  let value = '';
  let raw = '';
  let from = start + 1; // where the stretch not yet copied begins
  for (let i = from; i < source.length; i++) {
    const c = source[i]!;
    if (c === quote) {
      const rest = source.slice(from, i);
      return { kind: 'text', value: value + rest, raw: raw + rest, start, end: i + 1 };
    }
    if (c !== '\\') continue;
    const plain = source.slice(from, i);
    const escaped = source[i + 1] ?? '';
    value += plain + (ESCAPES.get(escaped) ?? `\\${escaped}`);
    raw += plain + (escaped === "'" || escaped === '"' ? escaped : `\\${escaped}`);
    i += 1;
    from = i + 1;
  }
  findings.error('unterminated-string', { start, end: source.length }, `the closing ${quote} is missing`);
  return null;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
]);

/** Where the n-th unit of a string token's `raw` stands in the text. */
export function placeInRaw(source: string, token: { readonly start: number }, unit: number): number {
  let at = token.start + 1;
  let seen = 0;
  while (seen < unit && at < source.length) {
    const step = source[at] === '\\' ? 2 : 1;
    const quote = step === 2 && (source[at + 1] === "'" || source[at + 1] === '"');
    seen += quote ? 1 : step;
    at += step;
  }
  return seen > unit ? at - 1 : at;
}
