/** Who wants it, for the log and for what is kept of orders. */
import type { Context } from 'hono';
import { operatorOf, type Operator } from '#gateway';
import { DEFAULT_TOKEN } from './tokens.ts';

/**
 * The name of the token; with the configured one and at the control socket, which several people may use, what the header
 * X-Operator says. Who has a token of their own cannot give another name.
 */
export function whoOf(c: Context): Operator {
  const caller = c.get('caller') as string | undefined;
  if (caller !== undefined && caller !== DEFAULT_TOKEN) return operatorOf(caller);
  return operatorOf(c.req.header('x-operator') ?? caller ?? 'api');
}
