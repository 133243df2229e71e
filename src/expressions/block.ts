/**
 * Expressions and blocks as the rest of the house uses them: compiled when the configuration is loaded, evaluated at every
 * stage of every message (reference 2 and 8).
 *
 * Compiling answers diagnostics and never throws; with an error among them there is no block. Evaluation is total but for
 * ExpressionFault (bounds of values) and failures of the environment's own services, which reject the promise.
 */
import { check, type Checked, type Place } from './check.ts';
import { NO_CAPTURES, type Code, type Scope } from './code.ts';
import { compile } from './compile.ts';
import { Findings, type Diagnostic } from './diagnostics.ts';
import { clausesOf, type Clause, type Clauses } from './encodings.ts';
import type { Awaitable, Environment, Service } from './environment.ts';
import { then } from './later.ts';
import { tokensOf } from './lexer.ts';
import { LIMITS } from './limits.ts';
import { parse } from './parser.ts';
import { truthy, utf8Length, type Value } from './values.ts';
import type { VariableSet } from './variables.ts';
import { warn, warnOfConstant, type Role } from './warnings.ts';

/** How to compile. */
export interface CompileOptions {
  /** The variables that may be read. */
  readonly variables: VariableSet;
  /** Prefix of the paths in diagnostics, such as `milters[2].enable`. Default ''. */
  readonly path?: string;
  /** Services the environment will have; functions of any other are refused. Default none. */
  readonly available?: ReadonlySet<Service>;
  /** The stages at which it will be evaluated, for warnings about what is never known then. */
  readonly stages?: readonly string[];
}

/** A compiled block. An expression alone is a block without pairs. */
export interface Block {
  /** The value now. A promise only if `isAsync`, and even then not always. */
  evaluate(environment: Environment): Awaitable<Value>;
  /** Whether the value now is truthy. */
  holds(environment: Environment): Awaitable<boolean>;
  /** What `holds` always answers, so that asking can be left out; null when that depends. */
  readonly constant: boolean | null;
  /** Names of the variables that may be read. */
  readonly reads: ReadonlySet<string>;
  /** Whether a function that may answer later can be evaluated. */
  readonly isAsync: boolean;
  /** The canonical encoding: a keyed list (none without pairs) and `else`. */
  readonly source: BlockSource;
}

/** A compiled expression. */
export type Expression = Block;

/** The canonical encoding of a block. */
export interface BlockSource {
  readonly match?: Readonly<Record<string, { readonly if: string; readonly then: string }>>;
  readonly else: string;
}

const NO_SERVICES: ReadonlySet<Service> = new Set();

/** Compiles a single expression. */
export function compileExpression(
  source: string,
  options: CompileOptions,
): { expression: Expression | null; diagnostics: Diagnostic[] } {
  const clauses: Clauses = { pairs: [], otherwise: { source, path: options.path ?? '' } };
  const { block, diagnostics } = compileClauses(clauses, options);
  return { expression: block, diagnostics };
}

/** Compiles a block in any encoding of reference 2.1. `defaultTo` is what an empty or absent one means. */
export function compileBlock(
  value: unknown,
  options: CompileOptions & { readonly defaultTo?: string },
): { block: Block | null; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const clauses = clausesOf(value, options.path ?? '', options.defaultTo, diagnostics);
  return clauses ? compileClauses(clauses, options) : { block: null, diagnostics };
}

/** Parses and checks one clause; its diagnostics are appended. Null when there is an error among them. */
export function checkClause(
  clause: Clause,
  options: CompileOptions,
  diagnostics: Diagnostic[],
): Checked | null {
  const findings = new Findings(clause.path);
  const checked = checkedOf(clause.source, options, findings);
  if (checked) warn(checked, { variables: options.variables, stages: options.stages ?? null }, findings);
  diagnostics.push(...findings.list);
  return checked;
}

function checkedOf(source: string, options: CompileOptions, findings: Findings): Checked | null {
  const whole = { start: 0, end: source.length };
  if (utf8Length(source) > LIMITS.text) {
    findings.error('limit-exceeded', whole, `the expression is longer than ${LIMITS.text} bytes`);
    return null;
  }
  if (source.trim() === '') {
    findings.error('empty-clause', whole, 'the expression is empty');
    return null;
  }
  const tokens = tokensOf(source, findings);
  const tree = tokens && parse(tokens, findings);
  const { variables, available = NO_SERVICES } = options;
  const place: Place = { source, variables, available };
  return tree && check(tree, place, findings);
}

/** A clause on its way: checked, then compiled. */
interface Step {
  readonly clause: Clause;
  readonly role: Role;
  readonly checked: Checked;
}

function compileClauses(
  clauses: Clauses,
  options: CompileOptions,
): { block: Block | null; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const steps: Step[] = [];
  const step = (clause: Clause, role: Role): void => {
    const checked = checkClause(clause, options, diagnostics);
    if (checked) steps.push({ clause, role, checked });
  };
  for (const pair of clauses.pairs) {
    step(pair.if, 'if');
    step(pair.then, 'result');
  }
  step(clauses.otherwise, 'result');
  if (steps.length !== clauses.pairs.length * 2 + 1) return { block: null, diagnostics };
  const captures = steps.some(({ checked }) => checked.captures);
  const codes = steps.map(({ clause, role, checked }) => {
    const code = compile(checked, { captures });
    const findings = new Findings(clause.path);
    warnOfConstant(checked.tree, code.truth, role, findings);
    diagnostics.push(...findings.list);
    return code;
  });
  const reads = new Set(steps.flatMap(({ checked }) => [...checked.reads.keys()]));
  return { block: new CompiledBlock(codes, reads, sourceOf(clauses)), diagnostics };
}

function sourceOf(clauses: Clauses): BlockSource {
  const pairs = clauses.pairs.map((pair, i) => [i, { if: pair.if.source, then: pair.then.source }] as const);
  const { source } = clauses.otherwise;
  return pairs.length > 0 ? { match: Object.fromEntries(pairs), else: source } : { else: source };
}

class CompiledBlock implements Block {
  readonly constant: boolean | null;
  readonly reads: ReadonlySet<string>;
  readonly isAsync: boolean;
  readonly source: BlockSource;
  /** if, then, if, then, …, else; conditions known to be false are left out with their results. */
  readonly #codes: readonly Code[];
  /** The value, when it needs no evaluation. */
  readonly #value: Value | null;

  constructor(codes: readonly Code[], reads: ReadonlySet<string>, source: BlockSource) {
    this.#codes = reachable(codes);
    this.#value = this.#codes.length === 1 ? this.#codes[0]!.constant : null;
    this.isAsync = this.#codes.some((code) => code.late);
    this.constant = this.isAsync ? null : commonTruth(this.#codes);
    this.reads = reads;
    this.source = source;
  }

  evaluate(environment: Environment): Awaitable<Value> {
    if (this.#value !== null) return this.#value;
    const value = this.#from(0, { environment, captures: NO_CAPTURES });
    if (!(value instanceof Promise) || !environment.within) return value;
    return environment.within(value, LIMITS.asyncMilliseconds);
  }

  holds(environment: Environment): Awaitable<boolean> {
    return this.constant ?? then(this.evaluate(environment), truthy);
  }

  /** Goes through the clauses from a condition on. */
  #from(first: number, scope: Scope): Awaitable<Value> {
    const codes = this.#codes;
    let i = first;
    for (; i + 1 < codes.length; i += 2) {
      const condition = codes[i]!.run(scope);
      if (condition instanceof Promise) {
        const here = i;
        return condition.then((value) =>
          truthy(value) ? codes[here + 1]!.run(scope) : this.#from(here + 2, scope),
        );
      }
      if (truthy(condition)) return codes[i + 1]!.run(scope);
    }
    return codes[i]!.run(scope);
  }
}

/**
 * The clauses that can decide. A condition that is a constant is taken out: false with its result, true with everything
 * after its result, which becomes the last. (A condition that only must be true still runs: it may fill the captures.)
 */
function reachable(codes: readonly Code[]): readonly Code[] {
  const kept: Code[] = [];
  let i = 0;
  for (; i + 1 < codes.length; i += 2) {
    const [condition, result] = [codes[i]!, codes[i + 1]!];
    if (condition.constant === null) kept.push(condition, result);
    else if (truthy(condition.constant)) return [...kept, result];
  }
  return [...kept, codes[i]!];
}

/** The truth that all results share that can come about; null when they differ or one is not known. */
function commonTruth(codes: readonly Code[]): boolean | null {
  let common: boolean | null = null;
  for (let i = 0; i < codes.length; i += 2) {
    const last = i + 1 === codes.length;
    const condition = last ? true : codes[i]!.truth;
    if (condition === false) continue;
    const { truth } = codes[last ? i : i + 1]!;
    if (truth === null || (common !== null && common !== truth)) return null;
    common = truth;
    if (condition === true) break; // what follows is never reached
  }
  return common;
}
