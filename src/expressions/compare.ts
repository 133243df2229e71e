/**
 * Equality and order of any two values (reference 7). Total; arrays may nest.
 *
 * Text against a number counts as a number (so `'abc' == 0` holds); an array equals only an array and is greater than
 * everything else.
 */
import { isArray, isFloat, toNumber, type Numeric, type Value } from './values.ts';

/** What `==` answers. */
export function equals(a: Value, b: Value): boolean {
  if (typeof a === 'string' && typeof b === 'string') return a === b;
  if (typeof a === 'number' && typeof b === 'number') return a === b;
  if (isArray(a) || isArray(b)) return isArray(a) && isArray(b) && sameElements(a, b);
  return compareNumbers(toNumber(a), toNumber(b)) === 0;
}

/** Below zero when a comes first, above when b does, 0 when neither; NaN when a float that is no number takes part. */
export function compare(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (isArray(a)) return isArray(b) ? compareArrays(a, b) : 1;
  if (isArray(b)) return -1;
  return compareNumbers(toNumber(a), toNumber(b));
}

/** Order of the UTF-8 bytes, which is the order of code points. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const end = Math.min(a.length, b.length);
  let i = 0;
  while (i < end && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  if (i === end) return a.length - b.length;
  return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
}

/** Surrogates stand for code points above all others, though their units are not the largest. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

function compareNumbers(a: Numeric, b: Numeric): number {
  const x = isFloat(a) ? a.float : a;
  const y = isFloat(b) ? b.float : b;
  if (x < y) return -1; // number with bigint too: the language compares them exactly
  if (x > y) return 1;
  return x >= y ? 0 : NaN;
}

function sameElements(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((element, i) => equals(element, b[i]!));
}

function compareArrays(a: readonly Value[], b: readonly Value[]): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const order = compare(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
