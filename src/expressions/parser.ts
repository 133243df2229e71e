/**
 * Tokens to a tree, by operator precedence (reference 5).
 *
 * Knows the grammar only: whether a name exists is the checker's business. Never throws; a wrong text gives one error and
 * no tree. Brackets and unary operators inside one another are bounded, chains of operators only by the text.
 */
import type { Findings, Span } from './diagnostics.ts';
import type { Mark, Operator, Token } from './lexer.ts';
import { LIMITS } from './limits.ts';
import type { BinaryOperator, Tree } from './tree.ts';

/** The tree of all tokens, or null when an error was reported. */
export function parse(tokens: readonly Token[], findings: Findings): Tree | null {
  const parser = new Parser(tokens, findings);
  const tree = parser.expression(0);
  return tree && parser.atEnd() ? tree : null;
}

/** How tightly binary operators hold, loosest first (reference 5). */
const BINDING: Readonly<Record<BinaryOperator, number>> = {
  '||': 1,
  '&&': 2,
  '^': 3,
  '==': 4,
  '!=': 4,
  '>': 5,
  '<': 5,
  '>=': 5,
  '<=': 5,
  '+': 6,
  '-': 6,
  '*': 7,
  '/': 7,
};

const isBinary = (operator: Operator): operator is BinaryOperator => operator !== '!';

class Parser {
  readonly #tokens: readonly Token[];
  readonly #findings: Findings;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], findings: Findings) {
    this.#tokens = tokens;
    this.#findings = findings;
  }

  /** Operands joined by operators that hold tighter than `floor`; all of them group to the left. */
  expression(floor: number): Tree | null {
    let left = this.#unary();
    while (left) {
      const token = this.#token;
      if (token.kind !== 'operator' || !isBinary(token.operator)) return left;
      const binding = BINDING[token.operator];
      if (binding <= floor) return left;
      this.#at++;
      const right = this.expression(binding);
      if (!right) return null;
      left = { kind: 'binary', operator: token.operator, left, right, start: left.start, end: right.end };
    }
    return null;
  }

  /** True when nothing is left over; reports what is. */
  atEnd(): boolean {
    const token = this.#token;
    if (token.kind === 'end') return true;
    const what =
      token.kind === 'mark' ? `\`${token.mark}\` without its opening` : 'an operator is missing before this';
    this.#findings.error('unbalanced', token, what);
    return false;
  }

  get #token(): Token {
    return this.#tokens[this.#at]!; // the last token is `end`, and nothing steps over it
  }

  #unary(): Tree | null {
    const token = this.#token;
    if (token.kind !== 'operator' || (token.operator !== '!' && token.operator !== '-'))
      return this.#postfix();
    this.#at++;
    const { operator, start } = token;
    const operand = this.#deeper(token, () => this.#unary());
    return operand && { kind: 'unary', operator, operand, start, end: operand.end };
  }

  #postfix(): Tree | null {
    let target = this.#primary();
    while (target && this.#isMark('[')) {
      const opening = this.#token;
      this.#at++;
      const position = this.#deeper(opening, () => this.expression(0));
      if (!position) return null;
      const end = this.#close(']', opening);
      if (end < 0) return null;
      target = { kind: 'index', target, position, start: target.start, end };
    }
    return target;
  }

  #primary(): Tree | null {
    const token = this.#token;
    const { start, end } = token;
    switch (token.kind) {
      case 'number':
        this.#at++;
        return { kind: 'literal', value: token.value, raw: null, start, end };
      case 'text':
        this.#at++;
        return { kind: 'literal', value: token.value, raw: token.raw, start, end };
      case 'capture':
        this.#at++;
        return { kind: 'capture', index: token.index, start, end };
      case 'name':
        this.#at++;
        return this.#named(token.name, token);
      case 'mark':
        if (token.mark === '(' || token.mark === '[') return this.#bracketed(token);
        return this.#missing(token);
      default:
        return this.#missing(token);
    }
  }

  #named(name: string, named: Span): Tree | null {
    const { start, end } = named;
    if (this.#isMark('(')) {
      const opening = this.#token;
      this.#at++;
      const list = this.#list(')', opening);
      return list && { kind: 'call', name, named, inputs: list.items, start, end: list.end };
    }
    if (name === 'true' || name === 'false')
      return { kind: 'literal', value: name === 'true' ? 1 : 0, raw: null, start, end };
    return { kind: 'variable', name, start, end };
  }

  #bracketed(opening: Token & { kind: 'mark' }): Tree | null {
    this.#at++;
    if (opening.mark === '[') {
      const list = this.#list(']', opening);
      return list && { kind: 'array', elements: list.items, start: opening.start, end: list.end };
    }
    const inner = this.#deeper(opening, () => this.expression(0));
    if (!inner) return null;
    const end = this.#close(')', opening);
    if (end < 0) return null;
    return inner.kind === 'literal' ? inner : { ...inner, start: opening.start, end };
  }

  /** Items between commas up to the closing mark, the opening one being read already. */
  #list(closing: Mark, opening: Token): { items: Tree[]; end: number } | null {
    const items: Tree[] = [];
    while (items.length > 0 || !this.#isMark(closing)) {
      const item = this.#deeper(opening, () => this.expression(0));
      if (!item) return null;
      items.push(item);
      if (!this.#isMark(',')) break;
      this.#at++;
    }
    const end = this.#close(closing, opening);
    return end < 0 ? null : { items, end };
  }

  #isMark(mark: Mark): boolean {
    const token = this.#token;
    return token.kind === 'mark' && token.mark === mark;
  }

  /** Steps over the closing mark and says where it ended; below zero when it is not there. */
  #close(mark: Mark, opening: Span): number {
    const token = this.#token;
    if (this.#isMark(mark)) {
      this.#at++;
      return token.end;
    }
    if (token.kind === 'end') this.#findings.error('unbalanced', opening, `\`${mark}\` is missing for this`);
    else this.#findings.error('unbalanced', token, `\`${mark}\` or an operator is missing before this`);
    return -1;
  }

  #missing(token: Token): null {
    const what = token.kind === 'end' ? 'the expression breaks off' : 'a value is missing before this';
    this.#findings.error('unbalanced', token, what);
    return null;
  }

  #deeper(opening: Span, inner: () => Tree | null): Tree | null {
    if (this.#depth >= LIMITS.nesting) {
      this.#findings.error('limit-exceeded', opening, `nested more than ${LIMITS.nesting} deep`);
      return null;
    }
    this.#depth++;
    const tree = inner();
    this.#depth--;
    return tree;
  }
}
