/**
 * Values kept outside the configuration file: `{ env: NAME }` and `{ file: PATH }` in place of any literal.
 *
 * Made by document.ts, opened by the leaf of the schema that wants the value, so that a secret nobody reads is never opened.
 * What cannot be opened is a Problem; contents never appear in a message.
 */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Problem } from './diagnostics.ts';

/** Largest secret file in bytes. */
export const MAX_SECRET_FILE = 65_536;

/** The surroundings that the configuration may read from. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder that relative paths start from. */
  readonly base: string;
}

/** A value that stands elsewhere. */
export class Secret {
  readonly kind: 'env' | 'file';
  readonly target: string;
  readonly #around: Surroundings;

  constructor(kind: 'env' | 'file', target: string, around: Surroundings) {
    this.kind = kind;
    this.target = target;
    this.#around = around;
  }

  /** `environment variable DATABASE_URL`, for messages. */
  get source(): string {
    return this.kind === 'env' ? `environment variable ${this.target}` : `file ${this.target}`;
  }

  /** The value: the variable, or the file's text without its last line end. */
  open(): string | Problem {
    if (this.kind === 'env') {
      const value = Object.hasOwn(this.#around.env, this.target) ? this.#around.env[this.target] : undefined;
      return value ?? new Problem(`${this.source} is not set`, 'set it, or write the value here');
    }
    const path = resolve(this.#around.base, this.target);
    try {
      const facts = statSync(path);
      if (!facts.isFile())
        return new Problem(`${this.source} is not a plain file`, 'name a file that holds the value');
      if (facts.size > MAX_SECRET_FILE)
        return new Problem(
          `${this.source} is larger than ${MAX_SECRET_FILE} bytes`,
          'name a file that holds only the value',
        );
      return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      return new Problem(`${this.source} cannot be read (${why})`, 'create it, or correct the path');
    }
  }
}
