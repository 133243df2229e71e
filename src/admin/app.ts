/** The HTTP API put together: health, the resources, its own description; what fails is a problem in JSON. */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Office } from '#gateway';
import { VERSION } from '#gateway/config';
import type { NoticeSink } from '#notices';
import { counted } from './counted.ts';
import { addHealth } from './health.ts';
import { addOverview } from './overview.ts';
import { problem } from './problem.ts';
import { addQueue } from './queue.ts';
import { addSuspensions } from './suspensions.ts';

/** Bytes of a request's body. */
export const MAX_REQUEST = 1024 * 1024;

/**
 * The API over an office. `access`: null where whoever reaches it may use it. `metricsOpen`: whether figures are told to those
 * without a token, too.
 */
export function makeApp(
  office: Office,
  access: MiddlewareHandler | null,
  notices: NoticeSink,
  metricsOpen = true,
): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (result.success) return;
      const [issue] = result.error.issues;
      return problem(
        c,
        400,
        issue ? `${issue.path.join('.') || 'request'}: ${issue.message}` : 'not understood',
      );
    },
  });
  app.onError((error, c) => {
    const status = 'status' in error ? error.status : 0;
    if (status === 415) return problem(c, 415, 'the body must be JSON: content-type: application/json');
    if (status === 400) return problem(c, 400, 'the request is not understood');
    notices('admin.fault', { method: c.req.method, path: c.req.path.slice(0, 200), error: String(error) });
    return problem(c, 500, 'it failed; the log of the gateway tells more');
  });
  app.notFound((c) => problem(c, 404, 'there is nothing here'));
  app.use(counted(office.metrics));
  app.use(async (c, next) => {
    await next();
    c.header('x-content-type-options', 'nosniff');
    c.header('cache-control', 'no-store');
  });
  addHealth(app, office, metricsOpen ? null : access);
  if (access) app.use('/api/*', access);
  app.use(
    '/api/*',
    bodyLimit({ maxSize: MAX_REQUEST, onError: (c) => problem(c, 413, 'the request is too large') }),
  );
  addOverview(app, office);
  addQueue(app, office.desk);
  addSuspensions(app, office.desk);
  const info = { title: 'Millrace', version: VERSION };
  app.doc31('/api/openapi.json', { openapi: '3.1.0', info });
  return app;
}
