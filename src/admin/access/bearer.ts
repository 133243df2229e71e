/** Who may use the HTTP API: those who show the token. Compared in constant time; a wrong one is logged, never the token itself. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { NoticeSink } from '#notices';
import { problem } from '../problem.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Lets requests with `Authorization: Bearer TOKEN` pass. */
export function tokenAccess(token: string, notices: NoticeSink): MiddlewareHandler {
  const wanted = digest(token);
  return async (c, next) => {
    const shown = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (shown !== undefined && timingSafeEqual(digest(shown), wanted)) return next();
    notices('admin.refused', { method: c.req.method, path: c.req.path.slice(0, 200) });
    c.header('www-authenticate', 'Bearer realm="millrace"');
    return problem(c, 401, 'a valid token is needed');
  };
}
