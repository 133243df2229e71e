/** Bodies of requests are JSON as strict-json.ts takes it; anything else in them is refused with its place. */
import type { MiddlewareHandler } from 'hono';
import { problem } from '../problem.ts';
import { troubleIn } from './strict-json.ts';

/** Stands before all resources, behind the bound on a body's size. */
export const strictBodies: MiddlewareHandler = async (c, next) => {
  if (/^application\/(?:[\w.+-]+\+)?json\b/i.test(c.req.header('content-type') ?? '')) {
    // Whoever hangs up meanwhile hears nothing any more.
    const text = await c.req.text().catch(() => null);
    const trouble = text === null ? 'it breaks off' : troubleIn(text);
    if (trouble !== null) return problem(c, 400, `the body is not taken: ${trouble}`);
  }
  return next();
};
