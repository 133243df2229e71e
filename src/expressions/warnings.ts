/**
 * What is allowed and probably not meant (reference 13, warnings). Reports only; never throws.
 */
import type { Checked } from './check.ts';
import type { Findings } from './diagnostics.ts';
import { FUNCTIONS } from './functions/index.ts';
import { nodesOf, type Tree, type TreeOf } from './tree.ts';
import { knownAt, variablesOf, type VariableSet, type VariableType } from './variables.ts';

/** What a clause is for: a condition, or a result. */
export type Role = 'if' | 'result';

/** Circumstances that warnings depend on. */
export interface Circumstances {
  readonly variables: VariableSet;
  /** The stages at which the expression is evaluated, when that is known. */
  readonly stages: readonly string[] | null;
}

/** Everything that can be seen in the tree. */
export function warn(checked: Checked, where: Circumstances, findings: Findings): void {
  neverKnown(checked, where, findings);
  const typeOf = (tree: Tree): VariableType | null =>
    tree.kind === 'variable' ? (variablesOf(where.variables).get(tree.name)?.type ?? null) : null;
  suspectTruth(checked.tree, findings);
  for (const node of nodesOf(checked.tree)) {
    if (node.kind === 'call') repeatedEffect(node.name, node.named, where, findings);
    else if (node.kind === 'unary' && node.operator === '!') suspectTruth(node.operand, findings);
    else if (node.kind === 'binary' && LOGICAL.has(node.operator)) {
      suspectTruth(node.left, findings);
      suspectTruth(node.right, findings);
    } else if (node.kind === 'binary' && COMPARING.has(node.operator)) {
      suspectComparison(node.left, node.right, typeOf, findings);
      suspectComparison(node.right, node.left, typeOf, findings);
    }
  }
}

/** What constant folding found out. A bare literal as a result is no mistake, as a condition it is dead weight. */
export function warnOfConstant(tree: Tree, truth: boolean | null, role: Role, findings: Findings): void {
  if (truth === null || (role === 'result' && (tree.kind === 'literal' || tree.kind === 'array'))) return;
  const [code, word, reach] = truth ? ALWAYS_TRUE : ALWAYS_FALSE;
  findings.warn(code, tree, `this is always ${word}`, role === 'if' ? reach : '');
}

const ALWAYS_TRUE = ['always-true', 'true', 'the clauses after it are never reached'] as const;
const ALWAYS_FALSE = ['always-false', 'false', 'its `then` is never reached'] as const;
const LOGICAL: ReadonlySet<string> = new Set(['&&', '||', '^']);
const COMPARING: ReadonlySet<string> = new Set(['==', '!=', '<', '>', '<=', '>=']);

function neverKnown(checked: Checked, where: Circumstances, findings: Findings): void {
  const { stages } = where;
  if (!stages || stages.length === 0) return;
  for (const [name, span] of checked.reads) {
    const row = variablesOf(where.variables).get(name);
    if (!row || stages.some((stage) => knownAt(row, stage))) continue;
    const message = `\`${name}\` is never known at the configured stage(s) ${stages.join(', ')}`;
    findings.warn('never-known', span, message, `it is known from ${row.since} on; here it is always empty`);
  }
}

function repeatedEffect(
  name: string,
  span: { start: number; end: number },
  where: Circumstances,
  findings: Findings,
): void {
  const row = FUNCTIONS.get(name);
  if (row?.kind !== 'late' || !row.effect || !where.stages || where.stages.length < 2) return;
  findings.warn('side-effect-per-stage', span, `\`${name}\` takes effect at each of the configured stages`);
}

/** A quoted `true` or `false` where a truth is wanted. */
function suspectTruth(tree: Tree, findings: Findings): void {
  if (!isQuotedBoolean(tree)) return;
  const bare = tree.raw.toLowerCase();
  const message = 'a text between quotes is true unless it is empty';
  findings.warn('quoted-boolean', tree, message, `without quotes: ${bare}`);
}

function suspectComparison(
  one: Tree,
  other: Tree,
  typeOf: (tree: Tree) => VariableType | null,
  findings: Findings,
): void {
  const type = typeOf(one);
  if (type === 'integer' && isQuotedBoolean(other)) {
    const message = 'a text that is no number counts as 0 when compared with a number';
    findings.warn('quoted-boolean', other, message, `without quotes: ${other.raw.toLowerCase()}`);
  } else if (type === 'text' && isNumberLiteral(other)) {
    const message = 'a text that is no number counts as 0 when compared with a number';
    findings.warn('string-vs-number', other, message, "compare with a quoted text; '' is the empty one");
  }
}

function isQuotedBoolean(tree: Tree): tree is TreeOf<'literal'> & { readonly raw: string } {
  return tree.kind === 'literal' && tree.raw !== null && /^(?:true|false)$/i.test(tree.raw);
}

function isNumberLiteral(tree: Tree): boolean {
  if (tree.kind === 'unary') return tree.operator === '-' && isNumberLiteral(tree.operand);
  return tree.kind === 'literal' && tree.raw === null;
}
