/**
 * The forms in which a block may stand in a configuration (reference 2.1), brought into one.
 *
 * Reads plain data only, by own keys. What is no block is reported as diagnostics and gives null; the expressions
 * themselves are not looked at here. Never throws.
 */
import { Findings, NOWHERE, type Diagnostic, type ErrorCode } from './diagnostics.ts';
import { LIMITS } from './limits.ts';

/** The text of an expression and where it stands. */
export interface Clause {
  readonly source: string;
  readonly path: string;
}

/** A block before its expressions are parsed. */
export interface Clauses {
  readonly pairs: readonly { readonly if: Clause; readonly then: Clause }[];
  readonly otherwise: Clause;
}

/** The clauses of a block; `defaultTo` takes the place of an empty one. Null when something was reported. */
export function clausesOf(
  value: unknown,
  path: string,
  defaultTo: string | undefined,
  diagnostics: Diagnostic[],
): Clauses | null {
  const reader = new Reader(diagnostics);
  const clauses = reader.block(value, path, defaultTo);
  return reader.failed ? null : clauses;
}

type Fields = Readonly<Record<string, unknown>>;

class Reader {
  readonly #diagnostics: Diagnostic[];
  failed = false;

  constructor(diagnostics: Diagnostic[]) {
    this.#diagnostics = diagnostics;
  }

  block(value: unknown, path: string, defaultTo: string | undefined): Clauses | null {
    const scalar = textOf(value);
    if (scalar !== null) return this.#finish([], { source: scalar, path }, path, defaultTo);
    if (Array.isArray(value)) return this.#flat(value, path, defaultTo);
    if (!isFields(value)) return this.#refuse(path, 'a block is an object, a list, a text, true or false');
    this.#onlyKeys(value, ['match', 'else'], path);
    const otherwise = this.#clause(value, 'else', path);
    return this.#finish(this.#pairs(value['match'], `${path}.match`), otherwise, path, defaultTo);
  }

  /** `[{if, then}, …, {else}]` */
  #flat(items: readonly unknown[], path: string, defaultTo: string | undefined): Clauses | null {
    const last: unknown = items.at(-1);
    const ends = isFields(last) && Object.hasOwn(last, 'else');
    const place = `${path}[${items.length - 1}]`;
    if (ends) this.#onlyKeys(last, ['else'], place);
    const pairs = this.#list(ends ? items.slice(0, -1) : items, path);
    return this.#finish(pairs, ends ? this.#clause(last, 'else', place) : null, path, defaultTo);
  }

  #finish(
    pairs: Clauses['pairs'],
    otherwise: Clause | null,
    path: string,
    defaultTo?: string,
  ): Clauses | null {
    if (this.failed) return null;
    if (otherwise && otherwise.source.trim() !== '') return { pairs, otherwise };
    if (pairs.length > 0) {
      const hint = 'say what holds when no `if` does';
      return this.#refuse(otherwise?.path ?? path, '`else` is missing or empty', 'missing-else', hint);
    }
    if (defaultTo !== undefined) return { pairs, otherwise: { source: defaultTo, path } };
    return this.#refuse(path, 'the expression is empty', 'empty-clause');
  }

  #pairs(match: unknown, path: string): Clauses['pairs'] {
    if (match === undefined || match === null) return [];
    if (Array.isArray(match)) return this.#list(match, path);
    if (isFields(match)) return this.#keyed(match, path);
    this.#refuse(path, '`match` is a list of `if` and `then`');
    return [];
  }

  #list(items: readonly unknown[], path: string): Clauses['pairs'] {
    if (this.#tooMany(items.length, path)) return [];
    return items.flatMap((item, i) => this.#pair(item, `${path}[${i}]`));
  }

  /** `{"0": …, "2": …, "10": …}`, in the order of the numbers, which may have gaps. */
  #keyed(match: Fields, path: string): Clauses['pairs'] {
    const keys = Object.keys(match);
    if (this.#tooMany(keys.length, path)) return [];
    for (const key of keys)
      if (!INDEX.test(key)) this.#refuse(path, `the key \`${shown(key)}\` is not a number`, 'invalid-block');
    if (this.failed) return [];
    const ordered = keys.toSorted((a, b) => Number(a) - Number(b));
    return ordered.flatMap((key) => this.#pair(match[key], `${path}[${key}]`));
  }

  #pair(item: unknown, path: string): Clauses['pairs'] {
    if (!isFields(item)) {
      this.#refuse(path, 'an object with `if` and `then` is wanted');
      return [];
    }
    this.#onlyKeys(item, ['if', 'then'], path);
    const condition = this.#clause(item, 'if', path);
    const result = this.#clause(item, 'then', path);
    for (const [key, clause] of [['if', condition] as const, ['then', result] as const])
      if (!clause || clause.source.trim() === '')
        this.#refuse(`${path}.${key}`, `\`${key}\` is missing or empty`, 'empty-clause');
    return condition && result ? [{ if: condition, then: result }] : [];
  }

  #clause(fields: Fields, key: string, path: string): Clause | null {
    const value = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (value === undefined || value === null) return null;
    const source = textOf(value);
    if (source !== null) return { source, path: `${path}.${key}` };
    this.#refuse(`${path}.${key}`, 'an expression is a text, true, false or a number');
    return null;
  }

  #onlyKeys(fields: Fields, known: readonly string[], path: string): void {
    for (const key of Object.keys(fields)) {
      if (known.includes(key)) continue;
      const hint = `known here: ${known.join(', ')}`;
      this.#refuse(path, `\`${shown(key)}\` does not belong here`, 'invalid-block', hint);
    }
  }

  #tooMany(count: number, path: string): boolean {
    if (count <= LIMITS.pairs) return false;
    this.#refuse(path, `more than ${LIMITS.pairs} pairs of \`if\` and \`then\``, 'limit-exceeded');
    return true;
  }

  #refuse(path: string, message: string, code: ErrorCode = 'invalid-block', hint = ''): null {
    const findings = new Findings(path);
    findings.error(code, NOWHERE, message, hint);
    this.#diagnostics.push(...findings.list);
    this.failed = true;
    return null;
  }
}

/** A decimal index without leading zeros, so that no two keys mean the same. */
const INDEX = /^(?:0|[1-9]\d{0,8})$/;

const shown = (key: string): string => key.slice(0, 40);

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Texts as they are; truths and numbers as their text; nothing at all as no text. Null for what is no scalar. */
function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint'
    ? String(value)
    : null;
}
