/** What a tree is compiled to: closures, and what is known about their result before they run. Pure data. */
import type { Awaitable, Environment } from './environment.ts';
import { truthy, type Value } from './values.ts';

/** The state of one evaluation. The list of captures outlives each clause, so that `then` sees what its `if` found. */
export interface Scope {
  readonly environment: Environment;
  /** The last match and its groups, '' for one that took no part; empty when the last `matches` found nothing. */
  captures: readonly string[];
}

/** Evaluates at once. */
export type Run = (scope: Scope) => Value;

/** Evaluates at once if it can, else later. */
export type LateRun = (scope: Scope) => Awaitable<Value>;

/** Compiled code. `late` tells whether a function that may answer later occurs in it. */
export type Code = (
  { readonly late: false; readonly run: Run } | { readonly late: true; readonly run: LateRun }
) & {
  /** The result, when it is always the same and needs no evaluation. */
  readonly constant: Value | null;
  /** Whether the result is truthy, when that is known though the result may not be. */
  readonly truth: boolean | null;
};

/** No captures. */
export const NO_CAPTURES: readonly string[] = Object.freeze([]);

/** Code of a constant. */
export function constantCode(value: Value): Code {
  return { late: false, run: () => value, constant: value, truth: truthy(value) };
}

/** Code that must run, of which nothing is known but perhaps its truth. */
export function liveCode(run: Run, truth: boolean | null = null): Code {
  return { late: false, run, constant: null, truth };
}

/** Code that may answer later. */
export function lateCode(run: LateRun, truth: boolean | null = null): Code {
  return { late: true, run, constant: null, truth };
}
