/** What a request may do: three scopes, each of which includes those before it. */
import type { Context, MiddlewareHandler } from 'hono';
import { SCOPES, type Scope } from '#gateway/config';
import { problem } from '../problem.ts';

/** `viewer` looks, but not into messages; `operator` works with queue and held mail; `admin` changes settings. */
export { SCOPES, type Scope };

/** Whether what `has` may do includes what `wanted` may. */
export function includes(has: Scope, wanted: Scope): boolean {
  return SCOPES.indexOf(has) >= SCOPES.indexOf(wanted);
}

/** What access control leaves for those behind it: both, or neither where whoever reaches the door may do everything. */
export interface Admitted {
  readonly Variables: {
    readonly scope?: Scope;
    /** Name of the token, or of the user who signed in. */
    readonly caller?: string;
    /** Several people may use it: what they say of themselves is believed. */
    readonly shared?: boolean;
  };
}

/** Lets requests pass whose scope suffices. Where no access control stands before it, whoever reaches the door may do everything. */
export function needs(wanted: Scope): MiddlewareHandler<Admitted> {
  return async (c, next) => {
    const scope = c.get('scope') ?? 'admin';
    if (includes(scope, wanted)) return next();
    return problem(c, 403, `this needs the scope ${wanted}, yours is ${scope}`);
  };
}

/** Whether a request may do what operators do. */
export const mayAct = (c: Context<Admitted>): boolean => (c.get('scope') ?? 'admin') !== 'viewer';
