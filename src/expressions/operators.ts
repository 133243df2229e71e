/**
 * The operators that make values (reference 7): arithmetic, joining, removing, indexing.
 *
 * Total, except that a text or an array beyond the bounds of limits.ts is a fault. Never changes an operand.
 */
import { equals } from './compare.ts';
import { add, multiply, subtract } from './integers.ts';
import { boundedArray, boundedText } from './limits.ts';
import {
  countOf,
  floatOf,
  isArray,
  isFloat,
  isNumeric,
  toArray,
  toNumber,
  toText,
  type Numeric,
  type Value,
} from './values.ts';

/** `+`: sums numbers, joins arrays, joins text; an empty text leaves the other side as it is, with its type. */
export function plus(a: Value, b: Value): Value {
  if (typeof a === 'number' && typeof b === 'number') return add(a, b);
  if (isArray(a)) return boundedArray(isArray(b) ? [...a, ...b] : [...a, b]);
  if (isArray(b)) return boundedArray([a, ...b]);
  if (a === '') return b;
  if (b === '') return a;
  if (typeof a === 'string' || typeof b === 'string') return boundedText(toText(a) + toText(b));
  return isFloat(a) || isFloat(b) ? floatOf(double(a) + double(b)) : add(a, b);
}

/** `-`: removes equal elements when a side is an array, else subtracts numbers. */
export function minus(a: Value, b: Value): Value {
  if (isArray(a)) return a.filter((element) => !equals(element, b));
  if (isArray(b)) return b.filter((element) => !equals(element, a));
  const x = toNumber(a);
  const y = toNumber(b);
  return isFloat(x) || isFloat(y) ? floatOf(double(x) - double(y)) : subtract(x, y);
}

/** `*` of numbers. */
export function times(a: Value, b: Value): Value {
  const x = toNumber(a);
  const y = toNumber(b);
  return isFloat(x) || isFloat(y) ? floatOf(double(x) * double(y)) : multiply(x, y);
}

/** `/` of numbers: always a float; by zero it is 0.0. */
export function divide(a: Value, b: Value): Value {
  const divisor = double(toNumber(b));
  return floatOf(divisor === 0 ? 0 : double(toNumber(a)) / divisor);
}

/** Unary `-`. */
export function negate(a: Value): Value {
  const x = toNumber(a);
  return isFloat(x) ? floatOf(-x.float) : subtract(0, x);
}

/** `target[index]`: a scalar is an array of one; out of range or of a kind that cannot count is ''. */
export function at(target: Value, index: Value): Value {
  const position = isNumeric(index) || typeof index === 'string' ? countOf(index) : null;
  if (position === null) return '';
  return toArray(target)[position] ?? '';
}

function double(x: Numeric): number {
  return isFloat(x) ? x.float : Number(x);
}
