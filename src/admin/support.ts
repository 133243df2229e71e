/**
 * The support bundle as a resource of the HTTP API: what somebody who is to help wants to know of a gateway, in one JSON document that
 * its owner can read before passing it on.
 *
 * No content of mail and no secret is in it: settings are told with their secrets hidden, and what else there is goes through the same
 * sieve. It does name hosts, filters, users, and addresses that troubles were about.
 */
import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { parseWhere, statsOf, VERSION, type Office, type Where } from '#gateway';
import { needs } from './access/needs.ts';
import { bytes, download } from './download.ts';

/** Versions of the configuration that are listed. */
const VERSIONS = 20;

/** Adds /api/v1/support-bundle. */
export function addSupport(app: OpenAPIHono, office: Office): void {
  const route = createRoute({
    method: 'get',
    path: '/api/v1/support-bundle',
    summary:
      'What helps to help: settings without secrets, checks, figures, recent trouble; no content of mail',
    middleware: needs('admin'),
    responses: { 200: bytes('application/json', 'The bundle') },
  });
  app.openapi(route, async (c) => {
    const bundle = await bundleOf(office);
    const sieve = await office.settings.sieve();
    const bland = (_key: string, value: unknown): unknown =>
      typeof value === 'string' ? sieve(value) : value;
    const text = `${JSON.stringify(bundle, bland, 2)}\n`;
    const day = bundle.madeAt.slice(0, 10);
    return download(c, 'application/json', `millrace-support-${day}.json`, text);
  });
}

function everything(): Where {
  const where = parseWhere([]);
  if ('trouble' in where) throw new RangeError(where.trouble);
  return where;
}

async function bundleOf(office: Office) {
  const { desk, metrics, milters, settings } = office;
  const [ready, overview, queue, history, scrape, now] = await Promise.all([
    office.ready(),
    metrics.overview(),
    statsOf(desk.store, everything(), desk.clock),
    settings.history(),
    metrics.scrape(),
    settings.read(),
  ]);
  const { errors, warnings } = settings.check(now.text);
  const { milters: _, failures, ...glance } = overview;
  return {
    madeAt: new Date(desk.clock.now()).toISOString(),
    version: VERSION,
    process: {
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      uptimeSeconds: Math.round(process.uptime()),
      memory: process.memoryUsage(),
    },
    ready,
    settings: settings.inForce(),
    configuration: {
      file: now.file,
      writable: now.writable,
      revision: now.revision,
      // Where and what, not in which words: those may quote what was written, and it may be a secret in the wrong place.
      findings: [...errors, ...warnings].map(({ severity, path, line, column, code }) => ({
        severity,
        path,
        line,
        column,
        code,
      })),
      history: history.slice(0, VERSIONS),
    },
    overview: glance,
    milters: milters.names().map((name) => milters.health(name)),
    queue,
    suspensions: desk.suspensions.list(),
    journal: office.journal && { ...office.journal.figures(), policy: office.journal.policy() },
    troubles: failures.map(({ at, text }) => ({ at: new Date(at).toISOString(), text })),
    metrics: scrape.text.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
  };
}
