/** What a row of the function table is (reference 9). Pure data. */
import type { Awaitable, Environment, Service } from '../environment.ts';
import { isArray, type Value } from '../values.ts';

/** A function that answers at once. Inputs beyond its arity are ''. Total, but for the bounds of limits.ts. */
export type Answer = (a: Value, b: Value, c: Value, environment: Environment) => Value;

/** A function that may answer later, or fail. */
export type LateAnswer = (inputs: readonly Value[], environment: Environment) => Awaitable<Value>;

/** An ordinary function. */
export interface PlainRow {
  readonly kind: 'plain';
  readonly arity: number;
  readonly answer: Answer;
  /** Prepares a constant second input once, at load. */
  readonly prepare?: (b: Value) => (a: Value) => Value;
  /** Its answer depends on nothing but its inputs, so that constant inputs make it a constant. */
  readonly constant: boolean;
}

/** A function of a service that the environment may not have. */
export interface LateRow {
  readonly kind: 'late';
  readonly least: number;
  readonly most: number;
  readonly service: Service;
  readonly answer: LateAnswer;
  /** Changes something outside each time it is evaluated. */
  readonly effect: boolean;
}

/** A row of the table. */
export type FunctionRow = PlainRow | LateRow;

/** Rows by name, as each group declares them. */
export type FunctionGroup = Readonly<Record<string, FunctionRow>>;

/** A row of an ordinary function. */
export function plain(arity: number, answer: Answer): PlainRow {
  return { kind: 'plain', arity, answer, constant: true };
}

/** A row of a function that is applied to each element when its first input is an array ("maps"). */
export function mapping(arity: number, one: (a: Value, b: Value) => Value): PlainRow {
  return plain(arity, (a, b) => (isArray(a) ? a.map((element) => one(element, b)) : one(a, b)));
}

/** Yes and no are the integers 1 and 0. */
export const yesNo = (yes: boolean): Value => (yes ? 1 : 0);
