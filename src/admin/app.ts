/** The HTTP API put together: health, the resources, its own description; what fails is a problem in JSON. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import type { Office } from '#gateway';
import { VERSION } from '#gateway/config';
import type { NoticeSink } from '#notices';
import type { Access } from './access/access.ts';
import { needs } from './access/needs.ts';
import { strictBodies } from './access/strict-bodies.ts';
import { counted } from './counted.ts';
import { addHealth } from './health.ts';
import { addOverview } from './overview.ts';
import { addDryRun } from './dry-run.ts';
import { addExpressions } from './expressions.ts';
import { addMilterFigures } from './milter-figures.ts';
import { addMilterHealth } from './milter-health.ts';
import { addMilterTest } from './milter-test.ts';
import { addConfig } from './settings-config.ts';
import { addLists } from './settings-lists.ts';
import { addPages } from './pages.ts';
import { addCapture } from './capture.ts';
import { addConversations } from './conversations.ts';
import { addEvents } from './events.ts';
import { addHistory } from './history.ts';
import { addJobs } from './jobs.ts';
import { problem } from './problem.ts';
import { addQuarantine } from './quarantine.ts';
import { addQueue } from './queue.ts';
import { addSession } from './session.ts';
import { addSupport } from './support.ts';
import { addSuspensions } from './suspensions.ts';
import { addTokens } from './tokens.ts';

/** Bytes of a request's body. */
export const MAX_REQUEST = 1024 * 1024;

/** Who may come in, and how far this door is open. */
export interface Entry {
  readonly access: Access;
  /** `owner`: whoever reaches the door may do everything; `loopback`, `network`: who shows a token, and where the door is. */
  readonly door: 'owner' | 'loopback' | 'network';
  /** Whether figures are told to those without a token, too. */
  readonly metrics: 'open' | 'token';
}

/** The API over an office. `entry`: null where whoever reaches it may do everything, and there are no tokens. */
export function makeApp(office: Office, entry: Entry | null, notices: NoticeSink): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (result.success) return;
      const [issue] = result.error.issues;
      return problem(
        c,
        400,
        issue ? `${issue.path.join('.') || 'request'}: ${issue.message}` : 'not understood',
        { path: issue?.path.join('.') ?? '' },
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
  app.use(counted(office.metrics));
  app.use(async (c, next) => {
    await next();
    c.header('x-content-type-options', 'nosniff');
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store');
  });
  if (entry?.door === 'loopback') app.use(entry.access.host);
  const gate = entry && entry.door !== 'owner' ? entry.access.gate : null;
  addHealth(app, office, entry?.metrics === 'token' ? gate : null);
  if (gate) app.use('/api/*', gate);
  app.use(
    '/api/*',
    bodyLimit({ maxSize: MAX_REQUEST, onError: (c) => problem(c, 413, 'the request is too large') }),
  );
  app.use('/api/*', strictBodies);
  if (entry && entry.door !== 'owner') addSession(app, entry.access);
  if (entry) addTokens(app, entry.access, notices);
  addOverview(app, office);
  addConfig(app, office.settings);
  addLists(app, office.settings);
  addQueue(app, office.desk);
  addSuspensions(app, office.desk);
  addMilterHealth(app, office);
  addMilterFigures(app, office);
  addMilterTest(app, office);
  addDryRun(app, office);
  addExpressions(app, () => office.milters.hostname());
  addQuarantine(app, office.desk);
  addJobs(app, office.desk);
  addHistory(app, office);
  addConversations(app, office);
  addCapture(app, office);
  addEvents(app, office, notices);
  addSupport(app, office);
  const info = { title: 'Millrace', version: VERSION };
  app.use('/api/openapi.json', needs('viewer'));
  app.doc31('/api/openapi.json', { openapi: '3.1.0', info });
  addPages(app);
  return app;
}
