/**
 * A checked tree to closures, once, when the configuration is loaded (reference 8).
 *
 * Parts without a late function stay plain calls that answer at once; constant parts are computed now. Evaluation goes
 * from left to right and depth first, and allocates only results. Compiling never throws on a checked tree.
 */
import type { Checked } from './check.ts';
import { constantCode, lateCode, liveCode, NO_CAPTURES, type Code, type Run, type Scope } from './code.ts';
import { compare, equals } from './compare.ts';
import type { Awaitable, Environment, SystemName } from './environment.ts';
import { FUNCTIONS } from './functions/index.ts';
import { yesNo, type LateRow, type PlainRow } from './functions/row.ts';
import { then } from './later.ts';
import { compileLogic } from './logic.ts';
import { at, divide, minus, negate, plus, times } from './operators.ts';
import type { BinaryOperator, Tree, TreeOf } from './tree.ts';
import { floatOf, toText, truthy, type Value } from './values.ts';

/** How to compile. */
export interface CompileOptions {
  /** Whether any clause of the block reads a capture; without, matching is cheaper. */
  readonly captures: boolean;
  /** Sees every node and its code, and may put another in its place. With it nothing is computed in advance. */
  readonly wrap?: (tree: Tree, code: Code) => Code;
}

/** The code of a whole expression. */
export function compile(checked: Checked, options: CompileOptions): Code {
  return compileTree(checked.tree, { checked, options });
}

/** What compiling a node needs to know. */
interface Job {
  readonly checked: Checked;
  readonly options: CompileOptions;
}

function compileTree(tree: Tree, job: Job): Code {
  const code = compileNode(tree, job);
  return job.options.wrap ? job.options.wrap(tree, code) : code;
}

function compileNode(tree: Tree, job: Job): Code {
  switch (tree.kind) {
    case 'literal':
      return constantCode(tree.value);
    case 'variable': {
      const { name } = tree;
      return liveCode((scope) => scope.environment.variable(name));
    }
    case 'capture': {
      const { index } = tree;
      return liveCode((scope) => scope.captures[index] ?? '');
    }
    case 'array':
      return compileArray(tree, job);
    case 'unary': {
      const operand = compileTree(tree.operand, job);
      if (tree.operator === '-') return ofOne(operand, negate);
      const code = ofOne(operand, (a) => yesNo(!truthy(a)));
      return { ...code, truth: operand.truth === null ? null : !operand.truth };
    }
    case 'binary':
      return compileBinary(tree, job);
    case 'index':
      return ofTwo(compileTree(tree.target, job), compileTree(tree.position, job), at);
    case 'call':
      return compileCall(tree, job);
  }
}

/** An operation on one value: computed now when the value is constant. */
function ofOne(part: Code, apply: (a: Value) => Value): Code {
  if (part.constant !== null) return constantCode(apply(part.constant));
  if (part.late) return lateCode((scope) => then(part.run(scope), apply));
  const { run } = part;
  return liveCode((scope) => apply(run(scope)));
}

function ofTwo(left: Code, right: Code, apply: (a: Value, b: Value) => Value): Code {
  if (left.constant !== null && right.constant !== null)
    return constantCode(apply(left.constant, right.constant));
  if (left.late || right.late)
    return lateCode((scope) => then(left.run(scope), (a) => then(right.run(scope), (b) => apply(a, b))));
  const { run: first } = left;
  const { run: second } = right;
  return liveCode((scope) => apply(first(scope), second(scope)));
}

/** Operators whose operands are both evaluated. */
const BINARY: Readonly<Record<Exclude<BinaryOperator, '&&' | '||'>, (a: Value, b: Value) => Value>> = {
  '+': plus,
  '-': minus,
  '*': times,
  '/': divide,
  '^': (a, b) => yesNo(truthy(a) !== truthy(b)),
  '==': (a, b) => yesNo(equals(a, b)),
  '!=': (a, b) => yesNo(!equals(a, b)),
  '<': (a, b) => yesNo(compare(a, b) < 0),
  '>': (a, b) => yesNo(compare(a, b) > 0),
  '<=': (a, b) => yesNo(compare(a, b) <= 0),
  '>=': (a, b) => yesNo(compare(a, b) >= 0),
};

function compileBinary(tree: TreeOf<'binary'>, job: Job): Code {
  const left = compileTree(tree.left, job);
  const right = compileTree(tree.right, job);
  if (tree.operator === '&&' || tree.operator === '||') return compileLogic(tree.operator, left, right);
  const text = right.constant;
  if (tree.operator === '==' && typeof text === 'string' && !left.late && left.constant === null) {
    const { run } = left; // `listener == 'smtp'`: by far the most common expression
    return liveCode((scope) => {
      const value = run(scope);
      return (typeof value === 'string' ? value === text : equals(value, text)) ? 1 : 0;
    });
  }
  return ofTwo(left, right, BINARY[tree.operator]);
}

/** Evaluates parts one after another. */
function inOrder(parts: readonly Code[], scope: Scope, values: Value[] = []): Awaitable<readonly Value[]> {
  for (let i = values.length; i < parts.length; i++) {
    const value = parts[i]!.run(scope);
    if (value instanceof Promise)
      return value.then((known) => {
        values.push(known);
        return inOrder(parts, scope, values);
      });
    values.push(value);
  }
  return values;
}

function compileArray(tree: TreeOf<'array'>, job: Job): Code {
  const parts = tree.elements.map((element) => compileTree(element, job));
  const truth = parts.length > 0;
  if (parts.some((part) => part.late)) return lateCode((scope) => inOrder(parts, scope), truth);
  const runs = parts.map((part) => part.run as Run);
  const run: Run = (scope) => runs.map((element) => element(scope));
  return parts.every((part) => part.constant !== null) ? constantCode(run(NOWHERE)) : liveCode(run, truth);
}

function compileCall(tree: TreeOf<'call'>, job: Job): Code {
  const [first] = tree.inputs;
  const name = first?.kind === 'literal' ? toText(first.value) : '';
  if (tree.name === 'system') return liveCode(({ environment }) => environment.system(name as SystemName)); // checked to be one
  if (tree.name === 'metric') return liveCode(({ environment }) => floatOf(environment.metric(name)));
  if (tree.name === 'matches') return compileMatches(tree, job);
  const parts = tree.inputs.map((input) => compileTree(input, job));
  const row = FUNCTIONS.get(tree.name)!; // checked to be one
  return row.kind === 'late' ? compileLate(row, parts) : compilePlain(row, parts);
}

function compileMatches(tree: TreeOf<'call'>, job: Job): Code {
  const pattern = job.checked.patterns.get(tree)!; // checked to have one
  const value = compileTree(tree.inputs[1]!, job);
  const answer = (input: Value, scope: Scope): Value => {
    if (!job.options.captures) return yesNo(pattern.found(toText(input)));
    const captures = pattern.captures(toText(input));
    scope.captures = captures ?? NO_CAPTURES;
    return yesNo(captures !== null);
  };
  if (value.late) return lateCode((scope) => then(value.run(scope), (input) => answer(input, scope)));
  const { run } = value;
  return liveCode((scope) => answer(run(scope), scope));
}

function compilePlain(row: PlainRow, parts: readonly Code[]): Code {
  if (parts.some((part) => part.late))
    return lateCode((scope) =>
      then(inOrder(parts, scope), ([a = '', b = '', c = '']) => row.answer(a, b, c, scope.environment)),
    );
  const [first, second, third] = parts.map((part) => part.run as Run);
  if (row.constant && parts.every((part) => part.constant !== null)) {
    const [a = '', b = '', c = ''] = parts.map((part) => part.constant!);
    return constantCode(row.answer(a, b, c, NOWHERE.environment));
  }
  const { answer, prepare } = row;
  const fixed = parts[1]?.constant ?? null;
  if (prepare && fixed !== null) {
    const prepared = prepare(fixed);
    return liveCode((scope) => prepared(first!(scope)));
  }
  if (third) return liveCode((s) => answer(first!(s), second!(s), third(s), s.environment));
  if (second) return liveCode((s) => answer(first!(s), second(s), '', s.environment));
  return liveCode((s) => answer(first!(s), '', '', s.environment));
}

function compileLate(row: LateRow, parts: readonly Code[]): Code {
  return lateCode((scope) => then(inOrder(parts, scope), (inputs) => row.answer(inputs, scope.environment)));
}

/** For computing constants: nothing in a constant asks it anything. */
const NOWHERE: Scope = {
  environment: {
    variable: () => '',
    system: () => '',
    metric: () => 0,
    hash: () => '',
  } satisfies Environment,
  captures: NO_CAPTURES,
};
