/** Counts requests by the pattern of their route: a path that somebody made up never becomes a label. */
import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import type { Metrics } from '#gateway';

/** Methods that have a name of their own. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Stands before everything else. */
export function counted(metrics: Metrics): MiddlewareHandler {
  return async (c, next) => {
    const began = performance.now();
    await next();
    // What handles a request has a method; what stands before it has not.
    const route = matchedRoutes(c).findLast(({ method }) => method !== 'ALL')?.path ?? 'none';
    const method = METHODS.has(c.req.method) ? c.req.method : 'other';
    metrics.requested(route, method, c.res.status, performance.now() - began);
  };
}
