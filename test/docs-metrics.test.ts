/** What docs/metrics.md and contrib/ say is what the gateway has: names, kinds, labels, buckets; rules that Prometheus takes. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { METRICS, PREFIX } from '#gateway';
import { ROOT } from './support/folders.ts';
import { program, run, skipWithout } from './support/processes.ts';

const text = (file: string): Promise<string> => readFile(join(ROOT, file), 'utf8');
const LETTER = { counter: 'c', gauge: 'g', histogram: 'h' } as const;

test('docs/metrics.md lists every metric, in order, with kind and labels', async () => {
  const rows = [
    ...(await text('docs/metrics.md')).matchAll(/^\| `(\w+)` +\| ([cgh]) +\| ([^|]*?) *\| (.+?) *\|$/gm),
  ];
  const told = rows.map(([, name, kind, labels = '']) => [
    name,
    kind,
    [...labels.matchAll(/`(\w+)`/g)].map((m) => m[1]),
  ]);
  const are = Object.entries(METRICS).map(([name, { type, labels }]) => [name, LETTER[type], [...labels]]);
  assert.deepEqual(told, are);
});

const UNITS: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  min: 60,
  h: 3600,
  d: 86_400,
  KiB: 1024,
  MiB: 1024 ** 2,
};

test('docs/metrics.md lists the buckets', async () => {
  const table = (await text('docs/metrics.md')).split('## Buckets')[1]!.split('## Health')[0]!;
  const rows = [...table.matchAll(/^\| ([^|]+?) +\| ([\d.][^|]+?) +\|$/gm)].map(
    ([, of = '', bounds = '']) => ({
      of,
      bounds: bounds.split(', ').map((b) => {
        const [n = '', unit] = b.split(' ');
        return Number((Number(n) * (unit ? UNITS[unit]! : 1)).toPrecision(12));
      }),
    }),
  );
  assert.equal(rows.length, 6);
  const common = rows.find(({ of }) => !of.startsWith('`'))!;
  for (const [name, kind] of Object.entries(METRICS)) {
    if (kind.type !== 'histogram') continue;
    const row = rows.find(({ of }) => of === `\`${name}\``) ?? common;
    assert.deepEqual(row.bounds, [...(kind.buckets ?? [])], name);
  }
});

/** Names of metrics in expressions, without what a histogram adds. */
function namesIn(expressions: readonly string[]): string[] {
  const names = expressions.flatMap((e) => e.match(/\b(?:millrace|process|nodejs)_\w+/g) ?? []);
  return [...new Set(names)];
}

const known = (name: string): boolean => {
  if (!name.startsWith(PREFIX)) return true; // every Node program's; metrics-scrape.test.ts looks at those
  const own = name.slice(PREFIX.length);
  if (Object.hasOwn(METRICS, own)) return METRICS[own as keyof typeof METRICS].type !== 'histogram';
  const base = own.replace(/_(bucket|sum|count)$/, '') as keyof typeof METRICS;
  return Object.hasOwn(METRICS, base) && METRICS[base].type === 'histogram';
};

/** Every value of this key, wherever it stands. */
function valuesOf(key: string, within: unknown): string[] {
  if (Array.isArray(within)) return within.flatMap((one) => valuesOf(key, one));
  if (typeof within !== 'object' || within === null) return [];
  return Object.entries(within).flatMap(([k, v]) =>
    k === key && typeof v === 'string' ? [v] : valuesOf(key, v),
  );
}

/** What the dashboard leaves to those who look for it. */
const NOT_SHOWN = [
  'smtp_connections_total',
  'smtp_session_duration_seconds',
  'smtp_command_duration_seconds',
  'milter_paused',
  'milter_connections_total',
  'milter_negotiated_info',
  'milter_progress_total',
  'milter_unsent_bytes_total',
  'milter_timeout_seconds',
  'expression_evaluations_total',
  'queue_recipients',
  'delivery_attempt_duration_seconds',
  'config_reloads_total',
  'http_request_duration_seconds',
  'spool_size_bytes',
];

interface Dashboard {
  readonly panels: readonly { readonly id: number; readonly type: string; readonly title: string }[];
}

test('the dashboard names metrics that there are, and has its rows', async () => {
  const dashboard = JSON.parse(await text('contrib/grafana-dashboard.json')) as Dashboard;
  const names = namesIn([...valuesOf('expr', dashboard), ...valuesOf('definition', dashboard)]);
  assert.ok(names.length > 50);
  assert.deepEqual(
    names.filter((name) => !known(name)),
    [],
  );
  const rows = dashboard.panels.filter((p) => p.type === 'row').map((p) => p.title.toLowerCase());
  assert.deepEqual(rows, [
    'traffic',
    'accept time',
    'latency of filters',
    'answers',
    'errors',
    'queue',
    'delivery',
    'quarantine',
    'process',
  ]);
  const ids = dashboard.panels.map((p) => p.id);
  assert.equal(new Set(ids).size, ids.length);
  const shown = new Set(names.map((name) => name.slice(PREFIX.length).replace(/_bucket$/, '')));
  assert.deepEqual(
    Object.keys(METRICS).filter((name) => !shown.has(name)),
    NOT_SHOWN,
  );
});

test('the alert rules name metrics that there are', async () => {
  const rules: unknown = parse(await text('contrib/alerts.yaml'));
  const names = namesIn([...valuesOf('expr', rules), ...valuesOf('description', rules)]);
  assert.deepEqual(
    names.filter((name) => !known(name)),
    [],
  );
  assert.equal(valuesOf('alert', rules).length, 8);
});

test('Prometheus takes the alert rules', { skip: skipWithout('promtool') }, async () => {
  const checked = await run('promtool', program('promtool')!, [
    'check',
    'rules',
    join(ROOT, 'contrib/alerts.yaml'),
  ]);
  assert.equal(checked.code, 0, checked.output);
});
