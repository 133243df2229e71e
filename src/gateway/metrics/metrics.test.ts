import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '#clock';
import { loadConfig } from '#gateway/config';
import { FilterAccess } from '#stages';
import type { NoticeName } from '#notices';
import { METRICS, PREFIX } from './catalogue.ts';
import { Metrics, type Sights } from './metrics.ts';
import { quantile } from './minutes.ts';
import { latelyOf, minutesOf, scrapeOf, type Snapshot } from './snapshot.ts';

const CONFIGURATION = `
hostname: mx.test
spool: { engine: memory }
milters: [{ name: f, hostname: 127.0.0.1, port: 1 }]
`;

function rig(
  t: TestContext,
  sights: Partial<Sights> = {},
  others: () => Promise<readonly Snapshot[]> = async () => [],
) {
  const clock = new ManualClock(1_700_000_000_000);
  const told: NoticeName[] = [];
  const notices = (name: NoticeName): void => void told.push(name);
  const metrics = new Metrics({ clock, notices, lines: { debug: 0, info: 5, warn: 0, error: 1 }, others });
  const loaded = loadConfig({ text: CONFIGURATION, name: 'test', base: '/' });
  assert.ok(loaded.ok);
  const [milter] = loaded.config.milters;
  const { endpoint, offer, pipeline, nudge, maxResponseSize, maxBodySize, maxEdits } = milter!;
  const { timeoutConnect, timeoutCommand, timeoutData, timeoutMessage } = milter!;
  const times = { timeoutConnect, timeoutCommand, timeoutData, timeoutMessage };
  const client = {
    endpoint,
    offer,
    pipeline,
    nudge,
    maxResponseSize,
    maxBodySize,
    maxEdits,
    ...times,
    tls: null,
  };
  const access = new FilterAccess(
    {
      name: 'f',
      client,
      stages: new Set(['data']),
      enable: { constant: true, holds: () => true },
      input: 'chained',
      onError: 'tempfail',
      reuse: false,
      parallel: false,
    },
    { clock, notices },
    metrics.filter('f'),
  );
  metrics.watch({
    config: () => loaded.config,
    filters: () => [access],
    certificates: () => [],
    spool: null,
    ...sights,
  });
  t.after(() => metrics.stop());
  const value = async (name: string): Promise<string> =>
    (await metrics.scrape()).text
      .split('\n')
      .filter((line) => line.startsWith(PREFIX + name))
      .join('\n');
  return { clock, metrics, told, value };
}

test('a pause, and what the journal keeps, are shown as those say who watch over them', async (t) => {
  let state = 'answering';
  const figures = { sessions: 12, droppedBytes: 34 };
  const { value, metrics } = rig(t, { health: () => ({ state }), journal: () => figures });
  assert.equal(await value('milter_paused'), 'millrace_milter_paused{milter="f"} 0');
  state = 'paused';
  assert.equal(await value('milter_paused'), 'millrace_milter_paused{milter="f"} 1');
  assert.equal((await metrics.overview()).milters[0]!.state, 'paused');
  assert.equal(await value('trace_sessions'), 'millrace_trace_sessions 12');
  assert.equal(await value('trace_dropped_bytes_total'), 'millrace_trace_dropped_bytes_total 34');
  assert.match(await value('log_lines_total'), /level="info"} 5\n/);
});

test('every metric has a sentence, and a name that says what it is', async (t) => {
  const { metrics } = rig(t);
  const { text } = await metrics.scrape();
  for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
    assert.match(help, /^[A-Z1].*\.$/, name);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.ok(labels.every((label) => /^[a-z]+$/.test(label)));
    assert.ok(text.includes(`# TYPE ${PREFIX}${name} ${type}\n`), name);
  }
});

test('notices go on to the log as they came, and trouble is told in the overview', async (t) => {
  const { metrics, told, clock } = rig(t);
  metrics.listener('smtp');
  metrics.notices('milter.failed', { milter: 'f', kind: 'connect', outcome: 'tempfail', error: 'refused' });
  metrics.notices('message.accepted', { listener: 'smtp' });
  metrics.notices('gateway.reloaded', { file: 'x' });
  assert.deepEqual(told, ['milter.failed', 'message.accepted', 'gateway.reloaded']);
  const overview = await metrics.overview();
  assert.equal(overview.failures[0]!.text, 'f: a filter could not be used — refused');
  assert.deepEqual(overview.configChanged, { at: clock.now(), by: '' });
  assert.equal(overview.perMinute.at(-1)!.accepted, 1);
  metrics.notices('admin.changed', { what: 'token x', summary: 'made', by: 'operator:b' });
  metrics.notices('admin.changed', { what: 'configuration', summary: 'read again', by: 'operator:a' });
  assert.deepEqual((await metrics.overview()).configChanged, { at: clock.now(), by: 'operator:a' });
  assert.deepEqual(overview.milters, [{ name: 'f', state: 'unused', p95: null, errors: 1, answers: {} }]);
  assert.equal(overview.hostname, 'mx.test');
});

test('what a notice says of a listener or filter that is not configured becomes no label', async (t) => {
  const { metrics, value } = rig(t);
  const before = (await metrics.scrape()).text.split('\n').length;
  for (let n = 0; n < 100; n++) {
    metrics.notices('milter.failed', { milter: `m${n}`, kind: 'connect', outcome: 'accept', error: '' });
    metrics.notices('milter.edited', { milter: `m${n}`, edits: ['addHeader'] });
    metrics.notices('message.accepted', { listener: `l${n}`, held: 'x', by: `b${n}` });
  }
  assert.equal(await value('quarantine_added_total'), 'millrace_quarantine_added_total{milter=""} 100');
  assert.equal((await metrics.scrape()).text.split('\n').length, before + 1);
});

test('snapshots of several processes are added up: counts, histograms, minutes; a version is told once', async (t) => {
  const one = rig(t).metrics;
  const two = rig(t).metrics;
  for (const [metrics, n] of [
    [one, 1],
    [two, 2],
  ] as const) {
    const listener = metrics.listener('smtp');
    for (let i = 0; i < n; i++) {
      listener.opened();
      listener.content(100, 20);
      listener.ended('accepted');
    }
  }
  two.filter('f').failed();
  const snapshots = [await one.snapshot(), await two.snapshot()];
  // What goes over a channel is JSON.
  const { text } = await scrapeOf(JSON.parse(JSON.stringify(snapshots)) as Snapshot[]);
  assert.match(text, /^millrace_smtp_connections_active\{listener="smtp"\} 3$/m);
  assert.match(text, /^millrace_smtp_accept_duration_seconds_bucket\{listener="smtp",le="0.025"\} 3$/m);
  assert.match(text, /^millrace_smtp_accept_duration_seconds_count\{listener="smtp"\} 3$/m);
  assert.match(text, /^millrace_milter_up\{milter="f"\} 0$/m);
  assert.match(text, /^millrace_build_info\{.*\} 1$/m);
  assert.equal(minutesOf(snapshots).at(-1)!.counts[0], 3);
  const { accept } = latelyOf(snapshots);
  assert.equal(
    accept.reduce((a, b) => a + b, 0),
    3,
  );
  assert.ok(quantile(0.5, accept, METRICS.smtp_accept_duration_seconds.buckets!)! <= 0.025);
});

test('others are asked when somebody looks', async (t) => {
  const far = rig(t).metrics;
  far.listener('smtp').opened();
  const { value } = rig(t, {}, async () => [await far.snapshot()]);
  assert.equal(await value('smtp_connections_total'), 'millrace_smtp_connections_total{listener="smtp"} 1');
});
