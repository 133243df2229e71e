/**
 * What the checker has to say about an expression (reference 13).
 *
 * The same values serve the loader, the command line, the API and the form in the pages. Pure data; a diagnostic never
 * quotes more than a name of the expression.
 */

/** Errors: the expression cannot be used. */
export type ErrorCode =
  | 'unknown-variable'
  | 'variable-not-available'
  | 'unknown-function'
  | 'unsupported-function'
  | 'arity'
  | 'bad-regex'
  | 'literal-required'
  | 'unterminated-string'
  | 'unbalanced'
  | 'invalid-character'
  | 'invalid-number'
  | 'missing-else'
  | 'empty-clause'
  /** Not a block at all: a wrong shape, a key that does not belong, a key that is no number. */
  | 'invalid-block'
  /** Beyond a bound of limits.ts. */
  | 'limit-exceeded';

/** Warnings: it can be used, and is probably not what was meant. */
export type WarningCode =
  | 'never-known'
  | 'string-vs-number'
  | 'always-true'
  | 'always-false'
  | 'side-effect-per-stage'
  | 'quoted-boolean'
  | 'unquoted-word';

/** One finding and its place. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** Of the clause: the path handed in, then `.match[0].if`, `.else` and so on; keyed lists by their key. */
  readonly path: string;
  /** From 1, in UTF-16 units, within the expression. 1 for findings about a block. */
  readonly column: number;
  /** Units meant; 0 at the end of the text. */
  readonly length: number;
  readonly code: ErrorCode | WarningCode;
  /** What is wrong, a clause without full stop. */
  readonly message: string;
  /** What to do about it; '' when the message says it all. */
  readonly hint: string;
}

/** A stretch of the expression text: offsets from 0, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Collects the findings of one clause. */
export class Findings {
  readonly path: string;
  readonly list: Diagnostic[] = [];
  /** Whether an error is among them. */
  failed = false;

  constructor(path: string) {
    this.path = path;
  }

  error(code: ErrorCode, span: Span, message: string, hint = ''): void {
    this.failed = true;
    this.#add('error', code, span, message, hint);
  }

  warn(code: WarningCode, span: Span, message: string, hint = ''): void {
    this.#add('warning', code, span, message, hint);
  }

  #add(
    severity: 'error' | 'warning',
    code: Diagnostic['code'],
    { start, end }: Span,
    message: string,
    hint: string,
  ): void {
    this.list.push({
      severity,
      path: this.path,
      column: start + 1,
      length: end - start,
      code,
      message,
      hint,
    });
  }
}

/** The place of findings that concern no stretch of text. */
export const NOWHERE: Span = { start: 0, end: 0 };
