/**
 * Signed 64-bit integers that saturate at their ends (reference 6).
 *
 * Almost all integers are small, so the exact range of a double is tried first and bigint is only the way out of it. Results
 * are normalised: a number whenever it is exact. Total; never throws.
 */
import type { Integer } from './values.ts';

/** The ends of the range. */
export const MAX_INTEGER = 2n ** 63n - 1n;
export const MIN_INTEGER = -(2n ** 63n);

/** A bigint brought into range and into its normal form. */
export function integerOf(wide: bigint): Integer {
  if (wide >= MAX_SAFE_NEGATIVE && wide <= MAX_SAFE) return Number(wide);
  if (wide > MAX_INTEGER) return MAX_INTEGER;
  return wide < MIN_INTEGER ? MIN_INTEGER : wide;
}

/** Decimal digits with an optional sign to an integer; null when they do not fit 64 bits. */
export function integerOfDigits(digits: string): Integer | null {
  if (digits.length <= 15) return Number(digits) + 0; // `+ 0` makes -0 plain zero
  const wide = BigInt(digits.startsWith('+') ? digits.slice(1) : digits);
  return wide > MAX_INTEGER || wide < MIN_INTEGER ? null : integerOf(wide);
}

export function add(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return integerOf(BigInt(a) + BigInt(b));
}

export function subtract(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return integerOf(BigInt(a) - BigInt(b));
}

export function multiply(a: Integer, b: Integer): Integer {
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b; // exact whenever it is safe: rounding never brings a larger product back into range
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return integerOf(BigInt(a) * BigInt(b));
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const MAX_SAFE_NEGATIVE = -MAX_SAFE;
