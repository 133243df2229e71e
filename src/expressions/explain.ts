/**
 * The expression tester: an expression, and the value of each part of it that was evaluated (reference 13).
 *
 * For people at a command line or in the pages; never on the path of a message. Nothing is computed in advance here, so
 * every part shows; parts that were not reached are absent.
 */
import { checkClause, type CompileOptions } from './block.ts';
import type { Checked } from './check.ts';
import { NO_CAPTURES, type Code, type Scope } from './code.ts';
import { compile } from './compile.ts';
import type { Diagnostic } from './diagnostics.ts';
import { clausesOf, type Clause } from './encodings.ts';
import type { Environment } from './environment.ts';
import { LIMITS } from './limits.ts';
import type { Tree } from './tree.ts';
import { truthy, type Value } from './values.ts';

/** A part of the expression and what it came to. */
export interface ExplainedPart {
  /** The clause it stands in, as in diagnostics; '' for an expression alone. */
  readonly path: string;
  /** From 1, as in diagnostics. */
  readonly column: number;
  readonly length: number;
  /** The part as written. */
  readonly text: string;
  readonly value: Value;
}

/** What evaluating came to; `parts` in the order of evaluation, the whole expression last. */
export interface Explanation {
  /** Null when the diagnostics hold an error. */
  readonly value: Value | null;
  readonly parts: readonly ExplainedPart[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Evaluates an expression part by part. Rejects as evaluation does. */
export function explainExpression(
  source: string,
  options: CompileOptions,
  environment: Environment,
): Promise<Explanation> {
  return explainBlock(source, options, environment);
}

/** The same for a block in any of its forms: the clauses that are reached, one after the other. */
export async function explainBlock(
  value: unknown,
  options: CompileOptions & { readonly defaultTo?: string },
  environment: Environment,
): Promise<Explanation> {
  const diagnostics: Diagnostic[] = [];
  const parts: ExplainedPart[] = [];
  const clauses = clausesOf(value, options.path ?? '', options.defaultTo, diagnostics);
  const all = clauses && [...clauses.pairs.flatMap((p) => [p.if, p.then]), clauses.otherwise];
  const checked = all?.map((clause) => ({ clause, tree: checkClause(clause, options, diagnostics) })) ?? [];
  if (!all || checked.some(({ tree }) => tree === null)) return { value: null, parts, diagnostics };
  const codes = checked.map(({ clause, tree }) => noting(clause, tree!, parts));
  const scope: Scope = { environment, captures: NO_CAPTURES };
  const result = decided(codes, scope);
  return {
    value: await (environment.within?.(result, LIMITS.asyncMilliseconds) ?? result),
    parts,
    diagnostics,
  };
}

/** if, then, if, then, …, else. */
async function decided(codes: readonly Code[], scope: Scope): Promise<Value> {
  let i = 0;
  for (; i + 1 < codes.length; i += 2)
    if (truthy(await codes[i]!.run(scope))) return codes[i + 1]!.run(scope);
  return codes[i]!.run(scope);
}

/** The code of a clause that writes down what each part of it comes to. */
function noting({ source, path }: Clause, checked: Checked, parts: ExplainedPart[]): Code {
  const note = (tree: Tree, value: Value): Value => {
    const { start, end } = tree;
    parts.push({ path, column: start + 1, length: end - start, text: source.slice(start, end), value });
    return value;
  };
  const wrap = (tree: Tree, code: Code): Code => {
    if (!code.late)
      return { late: false, run: (scope) => note(tree, code.run(scope)), constant: null, truth: null };
    const run = async (scope: Scope): Promise<Value> => note(tree, await code.run(scope));
    return { late: true, run, constant: null, truth: null };
  };
  return compile(checked, { captures: true, wrap });
}
