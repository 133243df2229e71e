/**
 * The expression tester: an expression, and the value of each part of it that was evaluated (reference 13).
 *
 * For people at a command line or in the pages; never on the path of a message. Nothing is computed in advance here, so
 * every part shows; parts that were not reached are absent.
 */
import { checkClause, type CompileOptions } from './block.ts';
import { NO_CAPTURES, type Code } from './code.ts';
import { compile } from './compile.ts';
import type { Diagnostic } from './diagnostics.ts';
import type { Environment } from './environment.ts';
import { LIMITS } from './limits.ts';
import type { Tree } from './tree.ts';
import type { Value } from './values.ts';

/** A part of the expression and what it came to. */
export interface ExplainedPart {
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
export async function explainExpression(
  source: string,
  options: CompileOptions,
  environment: Environment,
): Promise<Explanation> {
  const diagnostics: Diagnostic[] = [];
  const checked = checkClause({ source, path: options.path ?? '' }, options, diagnostics);
  if (!checked) return { value: null, parts: [], diagnostics };
  const parts: ExplainedPart[] = [];
  const note = (tree: Tree, value: Value): Value => {
    const { start, end } = tree;
    parts.push({ column: start + 1, length: end - start, text: source.slice(start, end), value });
    return value;
  };
  const wrap = (tree: Tree, code: Code): Code => {
    if (!code.late)
      return { late: false, run: (scope) => note(tree, code.run(scope)), constant: null, truth: null };
    const run = async (scope: Parameters<typeof code.run>[0]): Promise<Value> =>
      note(tree, await code.run(scope));
    return { late: true, run, constant: null, truth: null };
  };
  const code = compile(checked, { captures: true, wrap });
  const result = Promise.resolve(code.run({ environment, captures: NO_CAPTURES }));
  const value = await (environment.within?.(result, LIMITS.asyncMilliseconds) ?? result);
  return { value, parts, diagnostics };
}
