/**
 * The bounds of the language (reference 11) and the one fault that evaluation can raise by itself.
 *
 * The bounds of text are reported as diagnostics when the configuration is loaded; the bounds of values can only be met
 * while evaluating, and are then faults. Pure.
 */

/** Every bound, named. */
export const LIMITS = {
  /** Bytes of UTF-8 in one expression. */
  text: 4096,
  /** Instructions of a compiled regular expression: what each character of a text may cost. */
  pattern: 5_000,
  /** Brackets and unary operators inside one another. */
  nesting: 64,
  /** Elements of an array that an expression makes. */
  elements: 10_000,
  /** Characters (UTF-16 units) of a text that an expression makes. */
  characters: 1_048_576,
  /** `if`/`then` pairs of one block. */
  pairs: 100,
  /** Milliseconds for all asynchronous work of one evaluation. */
  asyncMilliseconds: 5_000,
} as const;

/** Why an evaluation was given up. */
export type FaultCode = 'expression-too-large' | 'expression-unavailable';

/** Thrown by evaluation: a result beyond a bound, or a service that the environment said it had and has not. */
export class ExpressionFault extends Error {
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string) {
    super(message);
    this.name = 'ExpressionFault';
    this.code = code;
  }
}

/** The text itself, unless it is beyond the bound. Throws ExpressionFault `expression-too-large`. */
export function boundedText(text: string): string {
  if (text.length <= LIMITS.characters) return text;
  throw new ExpressionFault('expression-too-large', `text result over ${LIMITS.characters} characters`);
}

/** The array itself, unless it is beyond the bound. Throws ExpressionFault `expression-too-large`. */
export function boundedArray<T>(array: readonly T[]): readonly T[] {
  if (array.length <= LIMITS.elements) return array;
  throw new ExpressionFault('expression-too-large', `array result over ${LIMITS.elements} elements`);
}
