/**
 * The values of the language and their conversions (reference 6).
 *
 * Four types: integer, float, text, array. An integer is a JavaScript number as long as that is exact, and a bigint beyond;
 * never both for the same value, so `===` tells equal integers. A float is boxed, so that 1 and 1.0 stay apart. Text is
 * readable text, not a byte string: whoever hands in wire text decodes it first (utf8Of). Conversions are total.
 */
import { boundedText } from './limits.ts';
import { integerOfDigits } from './integers.ts';

/** A double; boxed, because a bare number is an integer. */
export interface Float {
  readonly float: number;
}

/** An integer: number within ±(2^53 - 1), bigint beyond, saturated to 64 bits. */
export type Integer = number | bigint;

/** An integer or a float. */
export type Numeric = Integer | Float;

/** Any value. Arrays may nest. Nobody changes a value. */
export type Value = string | Numeric | readonly Value[];

/** Boxes a double. */
export const floatOf = (float: number): Float => ({ float });

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isFloat(value: Value): value is Float {
  return typeof value === 'object' && !Array.isArray(value);
}

export function isNumeric(value: Value): value is Numeric {
  return typeof value !== 'string' && !Array.isArray(value);
}

/** Not zero, not empty. `'0'` and `'false'` are true. */
export function truthy(value: Value): boolean {
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'string') return value !== '';
  if (typeof value === 'bigint') return true; // a bigint is never small, so never zero
  return isArray(value) ? value.length > 0 : value.float !== 0;
}

/** As text: floats in their shortest form without exponent, arrays as their non-array elements joined by CR LF. */
export function toText(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (!isArray(value)) return textOfDouble(value.float);
  let text = '';
  let first = true;
  for (const element of value) {
    if (isArray(element)) continue;
    text = first ? toText(element) : boundedText(`${text}\r\n${toText(element)}`);
    first = false;
  }
  return text;
}

/** As a number: text that is not wholly a number is 0; an array is 1 when empty, else 0. */
export function toNumber(value: Value): Numeric {
  if (typeof value === 'string') return numberOfText(value);
  if (isArray(value)) return value.length === 0 ? 1 : 0;
  return value;
}

/** As a position or a count: a whole JavaScript number; whatever lies beyond any end (negative too) is Infinity. */
export function toCount(value: Value): number {
  return countOf(value) ?? 0;
}

/** Like toCount, but null when the value is of no kind that can count. */
export function countOf(value: Value): number | null {
  let count: number;
  if (typeof value === 'number') count = value;
  else if (typeof value === 'bigint') return Infinity;
  else if (typeof value === 'string') {
    if (!DIGITS.test(value)) return null;
    count = Number(value);
  } else if (isArray(value)) return null;
  else count = Math.trunc(value.float) + 0;
  return count >= 0 && count <= Number.MAX_SAFE_INTEGER ? count : Number.isNaN(count) ? 0 : Infinity;
}

/** As an array: '' is empty, any other scalar is alone in it. */
export function toArray(value: Value): readonly Value[] {
  if (isArray(value)) return value;
  return value === '' ? NOTHING : [value];
}

/** Bytes of the UTF-8 form, without making it. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    bytes += 1;
    if (unit < 0x800) continue;
    if (unit < 0xd800 || unit > 0xdbff) bytes += 1;
    else if ((text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 1; // four bytes for the two units of the pair
      i++;
    } else bytes += 1; // alone it becomes U+FFFD, three bytes
  }
  return bytes;
}

/** The empty array. */
export const NOTHING: readonly Value[] = Object.freeze([]);

const DIGITS = /^\d+$/;
const INTEGER = /^[+-]?\d+$/;
const FRACTION = /^[+-]?\d+\.\d+$/;

function numberOfText(text: string): Numeric {
  if (text === '') return 0;
  if (INTEGER.test(text)) return integerOfDigits(text) ?? floatOf(Number(text));
  return FRACTION.test(text) ? floatOf(Number(text)) : 0;
}

/** Digits only: 1e21 is 1000000000000000000000 and 1e-7 is 0.0000001. */
function textOfDouble(float: number): string {
  const text = String(float);
  const e = text.indexOf('e');
  if (e < 0) return text === 'Infinity' ? 'inf' : text === '-Infinity' ? '-inf' : text;
  const sign = text.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = text.slice(sign.length, e).split('.');
  const digits = whole + fraction;
  const point = whole.length + Number(text.slice(e + 1));
  return point <= 0 ? `${sign}0.${'0'.repeat(-point)}${digits}` : sign + digits.padEnd(point, '0');
}
