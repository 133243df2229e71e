/** Who wants it, for the log and for what is kept of orders. */
import type { Context } from 'hono';
import { operatorOf, type Operator } from '#gateway';

/**
 * The name of the token or of the user; with the configured token and at the control socket, which several people may use, what the
 * header X-Operator says. Who comes by a name of their own cannot give another.
 */
export function whoOf(c: Context): Operator {
  const caller = c.get('caller') as string | undefined;
  if (caller !== undefined && !c.get('shared')) return operatorOf(caller);
  return operatorOf(c.req.header('x-operator') ?? caller ?? 'api');
}
