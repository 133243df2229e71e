/**
 * The figures of a gateway as a process: what Prometheus reads over HTTP, by whom, with several workers too; readiness from start
 * to end, and the command that waits for it.
 */
import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { METRICS } from '#gateway';
import { passwordHashText } from '../src/gateway/config/password.ts';
import { makeAuthority } from './support/certificates.ts';
import { samplesOf, valueIn, type Line } from './support/figures.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { Gateway } from './support/gateway.ts';
import { frame } from './support/house.ts';
import { millrace } from './support/operator.ts';
import { freePorts } from './support/ports.ts';
import { program, run, skipWithout } from './support/processes.ts';
import { at } from './support/scene.ts';
import { CONTINUE, ScriptedFilter } from './support/scripted-filter.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const CONTENT = 'Subject: one\r\n\r\nbody\r\n';
const TOKEN = 'a token of the tests'.replaceAll(' ', '-');

/** Status, type and text of a GET. */
function get(
  where: { readonly port: number } | { readonly socketPath: string },
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; type: string; text: string }> {
  return new Promise((resolve, reject) => {
    const made = request({ host: '127.0.0.1', ...where, path, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (more: string) => (text += more));
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', text }),
      );
    });
    made.once('error', reject);
    made.end();
  });
}

interface Options {
  readonly workers?: number;
  readonly admin?: Readonly<Record<string, unknown>>;
  readonly milters?: readonly object[];
}

/** A gateway as a process, with TLS, a user, an address for operators and mail into a Maildir. */
async function gatewayWith(t: TestContext, { workers = 1, admin = {}, milters = [] }: Options = {}) {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const [port = 0, adminPort = 0] = await freePorts(2);
  const pair = await (await makeAuthority(cleanup)).selfSigned({ names: 'DNS:mx.test' });
  await writeFile(join(folder, 'cert.pem'), pair.cert);
  await writeFile(join(folder, 'key.pem'), pair.key);
  const salt = Buffer.from('0123456789abcdef');
  const hash = scryptSync('secret', salt, 32, { N: 2 ** 10, r: 8, p: 1 });
  const configuration = {
    hostname: 'mx.test',
    stateDir: 'state',
    workers,
    tls: { certificate: 'cert.pem', key: 'key.pem' },
    users: [{ name: 'ann', password: passwordHashText({ kind: 'scrypt', ln: 10, r: 8, p: 1, salt, hash }) }],
    listeners: [
      {
        name: 'smtp',
        bind: `127.0.0.1:${port}`,
        tls: 'starttls',
        auth: 'optional',
        relay: { networks: ['127.0.0.0/8'], domains: ['in.test'] },
        limits: { authDelay: 0 },
      },
    ],
    delivery: { routes: [{ match: 'true', via: 'maildir', to: join(folder, 'mail') }] },
    admin: { bind: `127.0.0.1:${adminPort}`, token: TOKEN, ...admin },
    milters,
  };
  const gateway = await Gateway.start(cleanup, {
    folder,
    ports: [port],
    configuration: JSON.stringify(configuration),
  });
  const socketPath = join(folder, 'state', 'control.sock');
  await until('the control socket', 10_000, () =>
    get({ socketPath }, '/healthz').then(
      () => true,
      () => false,
    ),
  );
  const samples = async (): Promise<Line[]> => samplesOf((await get({ port: adminPort }, '/metrics')).text);
  return { cleanup, folder, gateway, port, adminPort, socketPath, configuration, samples };
}

async function send(port: number): Promise<number> {
  const session = await SmtpSession.greeted(port);
  const { reply } = await session.transaction('a@out.test', ['b@in.test'], CONTENT);
  await session.quit();
  return reply.code;
}

test(
  'a scrape: TLS, AUTH, reloads, HTTP, log, disk and certificates move; promtool has nothing to say',
  { skip: skipWithout('openssl', 'promtool') },
  async (t) => {
    const cleanup = new Cleanup(t);
    const filter = await ScriptedFilter.start(cleanup, { E: frame('p') + CONTINUE });
    const g = await gatewayWith(t, { milters: [at(filter)] });
    const { gateway, port, adminPort, folder, samples, configuration } = g;
    const first = await samples();
    const session = await SmtpSession.greeted(port);
    await session.expect(220, await session.command('STARTTLS'));
    await session.secure();
    await session.command('EHLO a.test');
    const plain = (text: string): string => `AUTH PLAIN ${Buffer.from(text).toString('base64')}`;
    await session.expect(535, await session.command(plain('\0ann\0wrong')));
    await session.expect(235, await session.command(plain('\0ann\0secret')));
    await session.quit();
    const broken = await SmtpSession.greeted(port);
    await broken.command('STARTTLS');
    broken.write('this is no TLS\r\n');
    broken.drop();
    assert.equal(await send(port), 250);
    const since = valueIn(first, 'config_last_reload_success_timestamp_seconds');
    await writeFile(gateway.configFile, JSON.stringify({ ...configuration, hostname: 'other.test' }));
    gateway.process.signal('SIGHUP');
    await until('the reload', 10_000, () => gateway.log.some((l) => l['event'] === 'gateway.reloaded'));
    await writeFile(gateway.configFile, 'no: such key');
    gateway.process.signal('SIGHUP');
    await until('the refusal', 10_000, () =>
      gateway.log.some((l) => l['event'] === 'gateway.reload-refused'),
    );
    for (const path of ['/api/v1/queue/none', `/made/up/${'x'.repeat(50)}`, '/api/v1/queue'])
      await get({ port: adminPort }, path, { authorization: `Bearer ${TOKEN}` });
    await until(
      'the failed handshake',
      5000,
      async () =>
        valueIn(await samples(), 'smtp_tls_handshakes_total', { result: 'failed', version: 'none' }) === 1,
    );
    const lines = await samples();
    const value = (name: keyof typeof METRICS, labels = {}): number => valueIn(lines, name, labels);
    assert.equal(value('smtp_tls_handshakes_total', { result: 'ok', version: 'TLSv1.3' }), 1);
    assert.equal(value('smtp_auth_total', { mechanism: 'PLAIN', result: 'ok' }), 1);
    assert.equal(value('smtp_auth_total', { mechanism: 'PLAIN', result: 'failed' }), 1);
    assert.equal(value('config_reloads_total', { result: 'ok' }), 1);
    assert.equal(value('config_reloads_total', { result: 'refused' }), 1);
    assert.ok(value('config_last_reload_success_timestamp_seconds') > since);
    assert.ok(value('tls_certificate_expiry_timestamp_seconds') > Date.now() / 1000);
    assert.equal(value('http_requests_total', { route: '/api/v1/queue/:id', method: 'GET', code: '404' }), 1);
    assert.equal(value('http_requests_total', { route: 'none' }), 1);
    assert.ok(value('http_request_duration_seconds', { route: '/metrics' }) > 0);
    assert.ok(value('log_lines_total', { level: 'info' }) > 3);
    assert.ok(value('log_lines_total', { level: 'error' }) > 0);
    assert.ok(value('spool_free_bytes') > 0 && value('spool_size_bytes') > value('spool_free_bytes'));
    for (const name of [
      'process_cpu_seconds_total',
      'nodejs_eventloop_lag_p99_seconds',
      'process_resident_memory_bytes',
    ])
      assert.ok(
        lines.some((line) => line.name === name),
        name,
      );
    assert.ok(!JSON.stringify(lines).includes('in.test') && !JSON.stringify(lines).includes('xxxx'));
    const { text, type } = await get({ port: adminPort }, '/metrics');
    assert.match(type, /^text\/plain; version=0\.0\.4/);
    await writeFile(join(folder, 'scrape'), text);
    const check = ['-c', '"$0" check metrics < "$1"', program('promtool')!, join(folder, 'scrape')];
    const checked = await run('promtool', '/bin/sh', check);
    assert.deepEqual([checked.code, checked.output], [0, '']);
    await namedByTheDashboard(lines);
    assert.equal(await gateway.stop(), 0);
  },
);

/** What the dashboard looks at of every Node program is there. */
async function namedByTheDashboard(lines: readonly Line[]): Promise<void> {
  const text = await readFile(new URL('../contrib/grafana-dashboard.json', import.meta.url), 'utf8');
  const names = new Set(text.match(/\b(?:process|nodejs)_\w+/g));
  assert.ok(names.size >= 3);
  for (const name of names)
    assert.ok(
      lines.some((line) => line.name === name),
      name,
    );
}

test('figures are open on loopback addresses, and need a token where the configuration wants one', async (t) => {
  const { adminPort, socketPath } = await gatewayWith(t, { admin: { metrics: 'token' } });
  assert.equal((await get({ socketPath }, '/metrics')).status, 200);
  assert.equal((await get({ port: adminPort }, '/metrics')).status, 401);
  const headers = { authorization: `Bearer ${TOKEN}` };
  assert.equal((await get({ port: adminPort }, '/metrics', headers)).status, 200);
  for (const path of ['/healthz', '/readyz'])
    assert.equal((await get({ port: adminPort }, path)).status, 200);
});

test('with several workers the figures are the sum, and the overview, too', async (t) => {
  const { gateway, port, samples, adminPort } = await gatewayWith(t, { workers: 3 });
  await until('all workers', 20_000, () => gateway.log.some((l) => l['event'] === 'gateway.started'));
  for (let n = 0; n < 9; n++) assert.equal(await send(port), 250);
  const enough = async (): Promise<boolean> => {
    const lines = await samples();
    return (
      valueIn(lines, 'smtp_messages_total', { outcome: 'accepted' }) === 9 &&
      valueIn(lines, 'smtp_accept_duration_seconds') === 9 &&
      valueIn(lines, 'queue_removed_total', { reason: 'delivered' }) === 9
    );
  };
  await until('the sums', 10_000, enough);
  const lines = await samples();
  assert.equal(valueIn(lines, 'build_info'), 1);
  assert.ok(valueIn(lines, 'log_lines_total', { level: 'info' }) >= 9);
  await writeFile(gateway.configFile, 'no: such key');
  gateway.process.signal('SIGHUP');
  await until(
    'the refusal in the sum',
    10_000,
    async () => valueIn(await samples(), 'config_reloads_total', { result: 'refused' }) === 1,
  );
  const answer = await get({ port: adminPort }, '/api/v1/overview', { authorization: `Bearer ${TOKEN}` });
  const overview = JSON.parse(answer.text) as {
    perMinute: { accepted: number }[];
    accept: { p95: number };
    failures: { text: string }[];
    certificates: { daysLeft: number }[];
    spoolFree: number;
  };
  assert.equal(overview.perMinute.length, 60);
  assert.equal(
    overview.perMinute.reduce((sum, minute) => sum + minute.accepted, 0),
    9,
  );
  assert.ok(overview.accept.p95 > 0 && overview.spoolFree > 0);
  assert.equal(overview.certificates.length, 1);
  assert.equal(await gateway.stop(), 0);
});

test('ready: from before the start to the end, by socket and by URL; draining says so', async (t) => {
  const { gateway, folder, port, adminPort, socketPath } = await gatewayWith(t);
  const url = `http://127.0.0.1:${adminPort}`;
  assert.equal((await millrace(folder, 'ready', '-c', 'millrace.yaml')).code, 0);
  assert.equal((await millrace(folder, 'ready', '--url', url)).code, 0);
  const session = await SmtpSession.greeted(port);
  await session.command('MAIL FROM:<a@out.test>');
  const stopped = gateway.stop(30_000);
  await until('not ready', 5000, async () => (await get({ socketPath }, '/readyz')).status === 503);
  assert.deepEqual(JSON.parse((await get({ port: adminPort }, '/readyz')).text), {
    ready: false,
    reasons: ['the gateway is stopping'],
  });
  assert.equal((await get({ port: adminPort }, '/healthz')).status, 200);
  const refused = await millrace(folder, 'ready', '-c', 'millrace.yaml');
  assert.deepEqual([refused.code, /the gateway is stopping/.test(refused.errors)], [5, true]);
  await session.quit();
  assert.equal(await stopped, 0);
  const gone = await millrace(folder, 'ready', '-c', 'millrace.yaml');
  assert.equal(gone.code, 5);
  const waiting = millrace(folder, 'ready', '-c', 'millrace.yaml', '--wait', '30s');
  await gateway.start();
  assert.equal((await waiting).code, 0);
  assert.equal((await millrace(folder, 'ready', '--wait', 'soon')).code, 2);
  assert.equal((await millrace(folder, 'ready', '--url', 'nonsense')).code, 2);
});
