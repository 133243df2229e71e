/**
 * The pages with made-up data behind them: the shapes of the API, as much of it as a test wants, hostile where it wants.
 *
 * For what a real gateway cannot give in a test's time (100,000 rows, thousands of events, hostile text in every place). What the API
 * truly answers is tested with a real gateway.
 */
import { serve } from '@hono/node-server';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { addPages } from '../../src/admin/pages.ts';
import type { Cleanup } from './folders.ts';
import { changes, conversationLine, historyRow, idOf, mail, NOW, packets } from './ui-data.ts';
import { CONFIG, DIFF, entry, figures, held, milters, overview } from './ui-settings-data.ts';

export interface Fixture {
  readonly url: string;
  /** Requests so far. */
  readonly requests: readonly string[];
  /** Sends a new row to whoever listens. */
  readonly push: (count: number) => void;
}

export interface FixtureOptions {
  readonly rows?: number;
  /** Stands wherever a stranger writes. */
  readonly text?: string;
  readonly scope?: 'viewer' | 'operator' | 'admin';
  readonly writable?: boolean;
  /** Nothing has happened yet. */
  readonly empty?: boolean;
}

export async function startFixture(cleanup: Cleanup, options: FixtureOptions = {}): Promise<Fixture> {
  const { rows = 2000, text, scope = 'admin', empty = false } = options;
  const app = new OpenAPIHono();
  const requests: string[] = [];
  const listeners = new Set<(n: number) => void>();
  let newest = rows;
  app.use(async (c, next) => {
    requests.push(`${c.req.method} ${c.req.path}`);
    await next();
  });
  const get = (path: string, answer: (c: Context) => unknown): void =>
    void app.get(`/api/v1${path}`, (c) => c.json(answer(c) as object));
  const post = (path: string, answer: (c: Context) => unknown): void =>
    void app.on(['POST', 'PUT', 'DELETE'], `/api/v1${path}`, (c) => c.json(answer(c) as object));
  get('/session', () => ({ name: 'eva', scope, csrf: 'x' }));
  post('/session', () => ({ name: 'eva', scope, csrf: 'x' }));
  get('/overview', () =>
    empty ? { ...overview(), milters: [], failures: [], certificates: [] } : overview(text),
  );
  get('/history', (c) => {
    const end = c.req.query('before') === undefined ? newest : Number.parseInt(c.req.query('before')!, 36);
    const limit = Number(c.req.query('limit') ?? 100);
    if (empty || c.req.query('q') === 'nothing') return { rows: [], next: null };
    const from = Math.max(0, end - limit);
    return {
      rows: Array.from({ length: end - from }, (_, i) => historyRow(end - 1 - i, newest, text)),
      next: from > 0 ? idOf(from) : null,
    };
  });
  get('/history/:id', (c) => historyRow(Number.parseInt(c.req.param('id')!, 36), newest, text));
  get('/history/:id/changes', () => changes(text));
  app.get('/api/v1/history/:id/message', (c) => c.body(mail(text)));
  get('/conversations', () => ({
    lines: empty ? [] : Array.from({ length: 60 }, (_, i) => conversationLine(rows - 1 - i, rows, text)),
    next: null,
  }));
  get('/conversations/:session', () => {
    const line = conversationLine(rows - 3, rows, text);
    return { line: { ...line, part: 0, id: '' }, parts: [{ ...line, part: 0, id: '', outcome: '' }, line] };
  });
  get('/conversations/:session/packets', (c) => {
    const part = c.req.query('part');
    return { packets: packets(text).filter((row) => part === undefined || String(row['part']) === part) };
  });
  get('/capture', () => ({
    policy: { mode: 'matching', client: ['192.0.2.0/24'], errorsOnly: true, body: 65_536 },
    figures: { rows, sessions: 412, bytes: 31_000_000, capacity: 67_108_864, droppedBytes: 0 },
  }));
  addQueueFixture(get, post, app, { text, empty });
  addSettingsFixture(get, post, { ...options, empty });
  app.get('/api/v1/events', (c) =>
    streamSSE(c, async (stream) => {
      const tell = (n: number): void =>
        void stream.writeSSE({
          event: 'history',
          id: idOf(n),
          data: JSON.stringify(historyRow(n, n + 1, text)),
        });
      listeners.add(tell);
      await new Promise<void>((resolve) => stream.onAbort(resolve));
      listeners.delete(tell);
    }),
  );
  addPages(app);
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  await new Promise<void>((resolve) => server.once('listening', resolve));
  cleanup.after(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const push = (count: number): void => {
    for (let i = 0; i < count; i++) {
      newest++;
      for (const tell of listeners) tell(newest - 1);
    }
  };
  return { url: `http://127.0.0.1:${port}`, requests, push };
}

type Route = (path: string, answer: (c: Context) => unknown) => void;

function addQueueFixture(
  get: Route,
  post: Route,
  app: OpenAPIHono,
  { text, empty }: { readonly text: string | undefined; readonly empty: boolean },
): void {
  get('/queue-stats', () => ({
    messages: 312,
    queued: 290,
    leased: 8,
    held: 14,
    deferred: 87,
    recipients: 400,
    bytes: 1e7,
    oldest: null,
    nextAttempt: null,
  }));
  get('/queue-shape', () => ({
    by: 'rcpt_domain',
    ages: [300_000, 600_000, 1_200_000, 3_600_000, 14_400_000, 86_400_000],
    rows: ['example.org', 'example.com', 'slow.example', text ?? 'mail.example.net'].map((domain, i) => ({
      domain,
      total: 87 - i * 17,
      counts: [3, 9, 14 - i, 31 - i * 6, 20, 8, 2],
    })),
  }));
  get('/queue', (c) => {
    const where = c.req.queries('where') ?? [];
    const state = where.includes('state=held')
      ? 'held'
      : where.includes('state=deferred')
        ? 'queued'
        : 'leased';
    return {
      entries: empty ? [] : Array.from({ length: 40 }, (_, i) => entry(i + 1, state, text)),
      next: null,
    };
  });
  get('/queue/:id', (c) => ({ ...entry(3, 'held', text), id: c.req.param('id') }));
  app.get('/api/v1/queue/:id/message', (c) => c.body(mail(text)));
  post('/queue/:id/:verb', (c) => ({ id: c.req.param('id'), result: 'done', detail: '' }));
  get('/suspensions', () =>
    empty
      ? []
      : [
          {
            kind: 'domain',
            name: text ?? 'example.org',
            until: null,
            since: new Date(NOW).toISOString(),
            reason: text ?? 'maintenance',
            by: 'eva',
          },
        ],
  );
  get('/quarantine', () => ({
    entries: empty ? [] : Array.from({ length: 14 }, (_, i) => held(i + 1, text)),
    next: null,
  }));
  get('/quarantine/:id', (c) => ({ ...held(3, text), id: c.req.param('id') }));
  get('/quarantine/:id/audit', () => ({
    records: [
      {
        at: NOW,
        id: 'x',
        verb: 'note',
        by: text ?? 'operator:eva',
        result: 'done',
        detail: '',
        text: text ?? 'asked the recipient',
      },
    ],
  }));
  post('/quarantine/:id/rescan', () => ({
    id: 'x',
    verdict: 'hold',
    detail: text ?? 'clamav: Eicar-Test-Signature FOUND',
  }));
  post('/jobs', () => ({ id: 'j1' }));
  get('/jobs/:id', () => ({
    id: 'j1',
    total: 14,
    done: 12,
    failed: 1,
    finished: true,
    stopped: false,
    trouble: text ?? 'the spool cannot be read',
    results: [{ id: 'x', result: 'failed', detail: text ?? 'no such file' }],
  }));
}

function addSettingsFixture(
  get: Route,
  post: Route,
  { text, writable = true, empty = false }: FixtureOptions,
): void {
  const review = { revision: 'r2', diff: DIFF, warnings: [], errors: [] };
  get('/milters', () => ({ revision: 'r1', writable, milters: empty ? [] : milters(text) }));
  get('/milters/:name/figures', () => figures(text));
  get('/milter-health', () => ({ milters: empty ? [] : milters(text).map(({ health }) => health) }));
  post('/milters', () => review);
  post('/milters/:name', () => review);
  post('/milters-order', () => review);
  post('/milter-test', () => ({
    target: 'inet:3310@127.0.0.1',
    ok: false,
    exit: 33,
    says: 'This is clamd, not a milter. clamav-milter is another program, usually on port 7357 or a socket.',
    steps: [
      { step: 'resolve', ok: true, ms: 0.4, says: '127.0.0.1 is an address', evidence: [] },
      {
        step: 'connect',
        ok: true,
        ms: 1.2,
        says: 'Connected',
        evidence: [{ name: 'address', value: '127.0.0.1:3310' }],
      },
      {
        step: 'negotiate',
        ok: false,
        ms: 3,
        says: 'The answer is no milter frame',
        evidence: [{ name: 'first bytes', value: text ?? 'UNKNOWN COMMAND' }],
      },
    ],
  }));
  const item = (name: string, index: number, settings: object): object => ({
    name,
    index,
    settings,
    effective: settings,
    says: '',
  });
  get('/listeners', () => ({
    revision: 'r1',
    listeners: [
      item('smtp', 0, { name: 'smtp', bind: ['0.0.0.0:25'], relay: { domains: ['example.com'] } }),
      item('submission', 1, { name: 'submission', bind: ['0.0.0.0:587'], auth: 'required', tls: 'require' }),
    ],
  }));
  get('/routes', () => ({
    revision: 'r1',
    routes: [
      item('1', 0, { match: "rcpt_domain == 'example.com'", via: 'smtp', to: ['10.0.0.5'] }),
      item('2', 1, { match: 'true', via: 'mx' }),
    ],
  }));
  get('/users', () => ({
    revision: 'r1',
    users: [{ name: text ?? 'eva', index: 0, settings: { name: 'eva', password: null } }],
  }));
  get('/tokens', () => [
    { name: 'admin', scope: 'admin', created: null, lastUsed: new Date(NOW).toISOString() },
    { name: text ?? 'grafana', scope: 'viewer', created: new Date(NOW).toISOString(), lastUsed: null },
  ]);
  get('/config', () => ({
    revision: 'r1',
    text: CONFIG,
    file: '/etc/millrace/millrace.yaml',
    writable,
    readOnly: '',
  }));
  post('/config/check', () => ({
    ok: true,
    errors: [],
    warnings: [
      {
        path: 'milters[0]',
        line: 10,
        column: 5,
        message: text ?? 'a warning',
        remedy: 'none needed',
        severity: 'warning',
      },
    ],
  }));
  post('/config/diff', () => ({ diff: DIFF }));
  get('/config/history', () => [
    { revision: 'r1aaaaaaaaaaaaaa', at: NOW, by: text ?? 'eva', summary: text ?? 'milters: rspamd changed' },
    { revision: 'r0bbbbbbbbbbbb', at: NOW - 9_000_000, by: '', summary: 'as it was found' },
  ]);
  post('/expressions/check', () => ({ ok: true, diagnostics: [], constant: null }));
  post('/expressions/eval', () => ({
    ok: true,
    diagnostics: [],
    constant: null,
    value: '1',
    holds: true,
    steps: [{ text: "listener == 'smtp'", value: '1' }],
  }));
  get('/expressions/language', () => ({
    variables: {
      enable: [
        { name: 'listener', type: 'text', since: 'connect' },
        { name: 'remote_ip', type: 'text', since: 'connect' },
      ],
      route: [{ name: 'rcpt_domain', type: 'text', since: 'rcpt' }],
    },
    functions: [
      {
        name: 'is_ip_in_cidr',
        signature: 'is_ip_in_cidr(ip, network)',
        tells: 'whether an address is in a network',
        available: true,
      },
    ],
  }));
  post('/dry-run', () => ({
    outcome: 'rejected',
    says: text ?? 'It would be refused by rspamd: 550 5.7.1 Spam message rejected.',
    replies: [
      {
        command: 'MAIL FROM:<sender@example.org>',
        reply: '250 2.1.0 Ok',
        filters: [{ name: 'rspamd', verdict: 'continue', ms: 1.2, error: '' }],
      },
      {
        command: text ?? 'end of the message',
        reply: text ?? '550 5.7.1 Spam',
        filters: [{ name: 'rspamd', verdict: 'reject', ms: 41, error: '' }],
      },
    ],
    filters: [],
    changes: changes(text),
    delivery: [
      {
        recipient: text ?? 'you@example.com',
        route: 1,
        passedOver: ["rcpt_domain == 'example.net'"],
        via: 'smtp',
        hops: ['10.0.0.5:25'],
        destination: '10.0.0.5',
        says: 'It would be tried there at once.',
      },
    ],
  }));
}
