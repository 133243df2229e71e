/**
 * What the loader has to say about a configuration: one value per finding, with its place and the way out.
 *
 * Made by every step of loading as an Issue (a path in the document); load.ts gives it file, line and column. Pure data;
 * never throws.
 */

/** A place in the document: keys and positions in lists, from the top. */
export type DocPath = readonly (string | number)[];

/** A finding of one loading step, before its place in the file is known. */
export interface Issue {
  readonly severity: 'error' | 'warning';
  readonly path: DocPath;
  /** What to point at: the key (an unknown or unwelcome key) or its value. */
  readonly at: 'key' | 'value';
  /** Stable, for programs: `unknown-key`, `not-supported-yet`, `invalid`, `duplicate`, ... */
  readonly code: string;
  /** What is wrong, a clause without full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Characters into the value's text at which the trouble starts (expressions); absent when the whole value is meant. */
  readonly offset?: number;
  /** How list positions in `path` name keyed lists: the n-th entry (default) or the entry whose key is that number. */
  readonly keyed?: 'position' | 'number';
}

/** A finding with its place, as `millrace config check --json` prints it. */
export interface ConfigDiagnostic {
  readonly severity: 'error' | 'warning';
  /** File as named by the caller, or `--set` for an override. */
  readonly file: string;
  /** As in the document: `milters[1].timeoutConnect`; '' for the document as a whole. */
  readonly path: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** `FILE:LINE:COL: path: message — remedy`, the form editors understand. */
export function diagnosticLine(d: ConfigDiagnostic): string {
  const kind = d.severity === 'warning' ? 'warning: ' : '';
  const path = d.path ? `${d.path}: ` : '';
  return `${d.file}:${d.line}:${d.column}: ${kind}${path}${d.message} — ${d.remedy}`;
}

/** A value that a leaf of the schema refuses. */
export class Problem {
  readonly message: string;
  readonly remedy: string;
  /** Below the leaf's own place. */
  readonly path: DocPath;

  constructor(message: string, remedy: string, path: DocPath = []) {
    this.message = message;
    this.remedy = remedy;
    this.path = path;
  }
}

/** An error Issue about a value. */
export function invalid(path: DocPath, message: string, remedy: string): Issue {
  return { severity: 'error', path, at: 'value', code: 'invalid', message, remedy };
}

/** A value as it is shown in a message: short, on one line. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of keys';
  const text = typeof value === 'string' ? JSON.stringify(value) : `${value as number}`;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
