/** The parsed form of an expression: what the grammar of reference 5 makes. Pure data. */
import type { Span } from './diagnostics.ts';
import type { Operator } from './lexer.ts';
import type { Value } from './values.ts';

/** Operators between two operands. */
export type BinaryOperator = Exclude<Operator, '!'>;

/** A node and the stretch of text it was read from. */
export type Tree = Span &
  (
    | { readonly kind: 'literal'; readonly value: Value; readonly raw: string | null }
    | { readonly kind: 'variable'; readonly name: string }
    | { readonly kind: 'capture'; readonly index: number }
    | { readonly kind: 'array'; readonly elements: readonly Tree[] }
    | { readonly kind: 'unary'; readonly operator: '!' | '-'; readonly operand: Tree }
    | {
        readonly kind: 'binary';
        readonly operator: BinaryOperator;
        readonly left: Tree;
        readonly right: Tree;
      }
    | { readonly kind: 'index'; readonly target: Tree; readonly position: Tree }
    | { readonly kind: 'call'; readonly name: string; readonly named: Span; readonly inputs: readonly Tree[] }
  );

/** A node of one kind. */
export type TreeOf<K extends Tree['kind']> = Extract<Tree, { kind: K }>;

/** The parts of a node, from left to right. */
export function partsOf(tree: Tree): readonly Tree[] {
  switch (tree.kind) {
    case 'array':
      return tree.elements;
    case 'unary':
      return [tree.operand];
    case 'binary':
      return [tree.left, tree.right];
    case 'index':
      return [tree.target, tree.position];
    case 'call':
      return tree.inputs;
    default:
      return [];
  }
}

/** Every node, a parent before its parts, parts from left to right. */
export function* nodesOf(root: Tree): Generator<Tree> {
  const waiting: Tree[] = [root];
  for (let tree = waiting.pop(); tree; tree = waiting.pop()) {
    yield tree;
    const parts = partsOf(tree);
    for (let i = parts.length - 1; i >= 0; i--) waiting.push(parts[i]!);
  }
}
