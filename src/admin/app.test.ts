import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { Suspensions } from '#delivery';
import { makeDesk, Metrics, Settings, Trail } from '#gateway';
import { loadConfig } from '#gateway/config';
import { bodyOf, bytesOf } from '#message';
import type { NoticeName } from '#notices';
import { makeQueueId, MemorySpool, type EntryMeta } from '#spool';
import { Access } from './access/access.ts';
import { Tokens } from './access/tokens.ts';
import { listedAccounts } from './accounts.cases.ts';
import { makeApp, MAX_REQUEST } from './app.ts';
import { idleMilters } from './milters.cases.ts';

const START = Date.UTC(2026, 10, 22, 12, 0, 0);
const TOKEN = 'a-token-of-the-test-1';

function metaOf(more: Partial<EntryMeta> = {}): EntryMeta {
  const recipient = {
    address: 'a@one.test',
    params: [],
    state: 'pending',
    attempts: 0,
    lastStatus: null,
  } as const;
  return {
    id: 'm1',
    state: 'queued',
    receivedAt: START,
    sender: 'from@sender.test',
    senderParams: [],
    recipients: [recipient],
    origin: {
      listener: 'smtp',
      clientAddress: '',
      clientName: '',
      helo: '',
      user: '',
      localPort: 25,
      source: 'smtp',
    },
    size: 100,
    due: START + 1000,
    expiresAt: START + 86_400_000,
    attempts: 0,
    hold: null,
    lease: null,
    ...more,
  };
}

/** The API over a spool in memory; `token`: whether one is wanted. */
async function api(entries: readonly EntryMeta[], token = false, reasons: readonly string[] = []) {
  const clock = new ManualClock(START);
  const said: NoticeName[] = [];
  const notices = (name: NoticeName): void => void said.push(name);
  const spool = new MemorySpool();
  for (const meta of entries)
    await spool.commit({ meta, header: bytesOf('Subject: \xff\r\n'), body: bodyOf([bytesOf('body\r\n')]) });
  const desk = makeDesk({
    spool,
    suspensions: new Suspensions({ clock, notices, file: '' }),
    trail: new Trail({ clock, notices, file: '' }),
    config: () => assert.fail('no notice is made here'),
    filters: () => assert.fail('no filter is asked here'),
    newId: makeQueueId(clock),
    wake: () => undefined,
    forgive: () => undefined,
    clock,
    notices,
  });
  const metrics = new Metrics({ clock, notices });
  const ready = () => Promise.resolve({ ready: reasons.length === 0, reasons });
  const tokens = await Tokens.open({ file: '/nowhere/tokens.json', clock, notices });
  tokens.configure(TOKEN);
  const accounts = listedAccounts();
  const access = new Access({ tokens, accounts, names: [], clock, notices });
  const loaded = loadConfig({ text: '', name: 'test', base: '/nowhere' });
  assert.ok(loaded.ok);
  const settings = new Settings({ home: null, config: () => loaded.config, clock, notices });
  const entry = token ? ({ access, door: 'network', metrics: 'token' } as const) : null;
  const milters = idleMilters(clock, notices);
  const office = { desk, milters, settings, accounts, journal: null, metrics, ready };
  const app = makeApp(office, entry, notices);
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const init = {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await app.request(path, { ...init, ...(body !== undefined && { body: text }) });
    return {
      status: answer.status,
      type: answer.headers.get('content-type') ?? '',
      text: await answer.text(),
    };
  };
  return { ask, spool, said, desk, metrics };
}

test('health is told to anybody, everything else to those with the token', async () => {
  const { ask, said } = await api([metaOf()], true);
  assert.equal((await ask('GET', '/healthz')).status, 200);
  for (const path of [
    '/api/v1/queue',
    '/api/v1/queue/m1',
    '/api/v1/queue/m1/message',
    '/api/openapi.json',
    '/api/x',
  ])
    for (const headers of [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: TOKEN },
      { authorization: `Basic ${TOKEN}` },
    ]) {
      const { status, text } = await ask('GET', path, undefined, headers as Record<string, string>);
      assert.equal(status, 401, path);
      assert.ok(!text.includes(TOKEN));
    }
  assert.equal(
    said.filter((n) => n === 'admin.refused').length,
    5,
    'a wrong token is logged, none at all is not',
  );
  assert.equal(
    (await ask('GET', '/api/v1/queue', undefined, { authorization: `Bearer ${TOKEN}` })).status,
    200,
  );
});

test('the queue is given out in pages, by condition, with the entries as the command line shows them', async () => {
  const entries = Array.from({ length: 5 }, (_, i) => metaOf({ id: `m${i}` }));
  entries.push(metaOf({ id: 'm9', state: 'held', hold: { reason: 'r', by: 'f' } }));
  const { ask } = await api(entries);
  const page = async (query: string) =>
    JSON.parse((await ask('GET', `/api/v1/queue?${query}`)).text) as {
      entries: { id: string }[];
      next: string | null;
    };
  const ids = (p: { entries: { id: string }[] }) => p.entries.map((e) => e.id);
  const first = await page('limit=4');
  assert.deepEqual([ids(first), first.next], [['m0', 'm1', 'm2', 'm3'], 'm3']);
  const second = await page(`limit=4&after=${first.next}`);
  assert.deepEqual([ids(second), second.next], [['m4', 'm9'], null]);
  assert.deepEqual(ids(await page('where=state=held&where=held_by=f')), ['m9']);
  for (const bad of ['limit=0', 'limit=1001', 'limit=x', 'after=../x', 'where=colour=red'])
    assert.equal((await ask('GET', `/api/v1/queue?${bad}`)).status, 400, bad);
});

test('one entry is shown with its bytes as they are, marked as nothing to be displayed', async () => {
  const { ask } = await api([metaOf()]);
  assert.equal((JSON.parse((await ask('GET', '/api/v1/queue/m1')).text) as { id: string }).id, 'm1');
  const message = await ask('GET', '/api/v1/queue/m1/message');
  assert.deepEqual([message.status, message.type], [200, 'message/rfc822']);
  assert.ok(message.text.endsWith('\r\n\r\nbody\r\n'));
  assert.ok(!(await ask('GET', '/api/v1/queue/m1/header')).text.includes('body'));
  for (const part of ['', '/message', '/header'])
    assert.equal((await ask('GET', `/api/v1/queue/m2${part}`)).status, 404);
});

test('A09: an id that is none is 400 or 404 on every way, and the right one still works', async () => {
  const { ask, spool } = await api([metaOf()]);
  const odd = [
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e%2f',
    'a%2f..%2fb',
    '%00',
    'x'.repeat(10_000),
    '.',
    '%2fetc',
    'm',
    'm11',
    '__proto__',
    '%ff',
  ];
  for (const id of odd) {
    for (const path of ['', '/message', '/header']) {
      const { status } = await ask('GET', `/api/v1/queue/${id}${path}`);
      assert.ok(status === 400 || status === 404, `${id} ${status}`);
    }
    for (const verb of ['delete', 'hold', 'retry', 'release', 'bounce']) {
      const { status } = await ask('POST', `/api/v1/queue/${id}/${verb}`, {});
      assert.ok(status === 400 || status === 404, `${verb} ${id} ${status}`);
    }
  }
  assert.deepEqual(await spool.get('m1'), metaOf());
  assert.equal((await ask('POST', '/api/v1/queue/m1/delete', {})).status, 200);
});

test('an order about one entry is answered by its status', async () => {
  const lease = { owner: 'w', token: 't', until: START + 1e6 };
  const { ask, spool } = await api([metaOf(), metaOf({ id: 'L', state: 'leased', lease })]);
  const order = async (path: string, body: unknown, who = 'eva') =>
    (await ask('POST', `/api/v1/queue/${path}`, body, { 'x-operator': who })).status;
  assert.equal(await order('m1/hold', { reason: 'wäre' }), 200);
  assert.deepEqual((await spool.get('m1'))!.hold, {
    reason: 'w\xc3\xa4re',
    by: 'operator:eva',
    since: START,
  });
  assert.equal(await order('m1/hold', {}), 409);
  assert.equal(await order('m1/release', {}), 200);
  assert.equal(await order('m1/redirect', { to: 'x@y.test' }), 200);
  assert.equal(await order('L/delete', {}), 409);
  assert.equal(await order('gone/delete', {}), 404);
  for (const [path, body] of [
    ['m1/redirect', {}],
    ['m1/redirect', { to: 'no address' }],
    ['m1/retry', { reason: 'x' }],
    ['m1/delete', { recipients: ['a@b'] }],
    ['m1/hold', { colour: 'red' }],
    ['m1/hold', { reason: 'x'.repeat(501) }],
    ['m1/hold', '{'],
    ['m1/hold', []],
    ['m1/paint', {}],
    ['m1/release', { filters: 'none', skip: ['x'] }],
  ] as const)
    assert.equal(await order(path, body), 400, `${path} ${JSON.stringify(body)}`);
});

test('orders about many are answered line by line; what is meant must be said in one way', async () => {
  const entries = Array.from({ length: 300 }, (_, i) => metaOf({ id: `m${String(i).padStart(3, '0')}` }));
  const { ask, spool } = await api(entries);
  const many = async (body: object) => {
    const { status, text, type } = await ask('POST', '/api/v1/queue-orders', body);
    assert.deepEqual([status, type], [200, 'application/jsonl'], text);
    return text
      .split('\n')
      .filter((l) => l !== '')
      .map((l) => JSON.parse(l) as { id: string; result: string });
  };
  const would = await many({ verb: 'hold', all: true, dryRun: true });
  assert.deepEqual([would.length, spool.totals().held], [300, 0]);
  assert.ok(would.every((r) => r.result === 'would'));
  assert.equal((await many({ verb: 'hold', where: ['id=m00*'] })).length, 10);
  assert.equal(spool.totals().held, 10);
  const some = await many({ verb: 'delete', ids: ['m000', 'gone', '../x', 'm000'] });
  assert.deepEqual(
    some.map((r) => r.result),
    ['done', 'absent', 'absent'],
  );
  for (const bad of [
    { verb: 'hold' },
    { verb: 'hold', ids: [] },
    { verb: 'hold', where: [] },
    { verb: 'hold', all: true, ids: ['a'] },
    { verb: 'hold', all: false },
    { verb: 'hold', where: ['colour=red'] },
    { verb: 'paint', all: true },
  ])
    assert.equal((await ask('POST', '/api/v1/queue-orders', bad)).status, 400, JSON.stringify(bad));
});

test('suspensions are made, listed and taken back', async () => {
  const { ask } = await api([]);
  const path = '/api/v1/suspensions';
  const made = await ask(
    'POST',
    path,
    { kind: 'domain', name: 'One.test', reason: 'move', for: 60_000 },
    { 'x-operator': 'eva' },
  );
  const line = {
    kind: 'domain',
    name: 'one.test',
    until: new Date(START + 60_000).toISOString(),
    since: new Date(START).toISOString(),
    reason: 'move',
    by: 'operator:eva',
  };
  assert.deepEqual(JSON.parse(made.text), line);
  assert.deepEqual(JSON.parse((await ask('GET', path)).text), [line]);
  for (const bad of [
    { kind: 'domain', name: 'x' },
    { kind: 'x', name: 'x', reason: 'r' },
    { kind: 'domain', name: '', reason: 'r' },
    { kind: 'domain', name: 'x', reason: 'r', for: 9e15 },
  ])
    assert.equal((await ask('POST', path, bad)).status, 400);
  assert.equal((await ask('DELETE', `${path}?kind=domain&name=one.test`)).status, 204);
  assert.equal((await ask('DELETE', `${path}?kind=domain&name=one.test`)).status, 404);
});

test('what is too large, unknown, or our own mistake is a problem in JSON that gives nothing away', async () => {
  const { ask, spool, said } = await api([metaOf()]);
  const large = JSON.stringify({ verb: 'delete', ids: ['x'.repeat(MAX_REQUEST)] });
  const over = await ask('POST', '/api/v1/queue-orders', large, { 'content-length': String(large.length) });
  assert.deepEqual([over.status, over.type], [413, 'application/problem+json']);
  const plain = await ask('POST', '/api/v1/queue/m1/bounce', '{}', { 'content-type': 'text/plain' });
  assert.equal(plain.status, 415);
  assert.ok(await spool.get('m1'));
  assert.equal(said.length, 0);
  assert.equal((await ask('GET', '/api/v1/nothing')).status, 404);
  assert.equal((await ask('PUT', '/api/v1/queue/m1', {})).status, 404);
  spool.get = () => Promise.reject(new RangeError('secret detail'));
  const broken = await ask('GET', '/api/v1/queue/m1');
  assert.equal(broken.status, 500);
  assert.doesNotMatch(broken.text, /secret/);
  assert.ok(said.includes('admin.fault'));
});

test('readiness is told to anybody, with the reasons when there are some', async () => {
  const good = await (await api([], true)).ask('GET', '/readyz');
  assert.deepEqual([good.status, JSON.parse(good.text)], [200, { ready: true, reasons: [] }]);
  const bad = await (await api([], true, ['the gateway is stopping'])).ask('GET', '/readyz');
  assert.equal(bad.status, 503);
  assert.deepEqual(JSON.parse(bad.text), { ready: false, reasons: ['the gateway is stopping'] });
});

test('figures go to those with the token where the door is not open; requests are counted by their pattern', async () => {
  const { ask } = await api([], true);
  assert.equal((await ask('GET', '/metrics')).status, 401);
  const shown = { authorization: `Bearer ${TOKEN}` };
  for (const path of ['/api/v1/queue/a', '/api/v1/queue/b', '/api/nothing/here', '/api/nothing/there'])
    await ask('GET', path, undefined, shown);
  const { status, type, text } = await ask('GET', '/metrics', undefined, shown);
  assert.equal(status, 200);
  assert.match(type, /^text\/plain; version=0\.0\.4/);
  const requests = text.split('\n').filter((line) => line.startsWith('millrace_http_requests_total'));
  assert.deepEqual(requests, [
    'millrace_http_requests_total{route="/metrics",method="GET",code="401"} 1',
    'millrace_http_requests_total{route="/api/v1/queue/:id",method="GET",code="404"} 2',
    'millrace_http_requests_total{route="none",method="GET",code="404"} 2',
  ]);
  assert.equal((await (await api([])).ask('GET', '/metrics')).status, 200);
});

test('the overview tells what was counted, and needs no more than to look', async () => {
  const { ask, metrics } = await api([]);
  metrics.listener('smtp').ended('rejected');
  metrics.notices('milter.failed', { milter: 'rspamd', error: '\x1b[2Jno' });
  const { status, text } = await ask('GET', '/api/v1/overview');
  assert.equal(status, 200);
  const overview = JSON.parse(text) as { perMinute: { rejected: number }[]; failures: { text: string }[] };
  assert.equal(overview.perMinute.at(-1)!.rejected, 1);
  assert.equal(overview.failures[0]!.text, 'rspamd: a filter could not be used — ?[2Jno');
});

test('the API describes itself: every way in is in the document', async () => {
  const { ask } = await api([]);
  const document = JSON.parse((await ask('GET', '/api/openapi.json')).text) as {
    openapi: string;
    paths: object;
  };
  assert.equal(document.openapi, '3.1.0');
  const paths = Object.keys(document.paths);
  for (const path of [
    '/api/v1/capture',
    '/api/v1/config',
    '/api/v1/conversations',
    '/api/v1/conversations/{session}',
    '/api/v1/conversations/{session}/events',
    '/api/v1/conversations/{session}/export',
    '/api/v1/conversations/{session}/packets',
    '/api/v1/conversations/{session}/pin',
    '/api/v1/dry-run',
    '/api/v1/events',
    '/api/v1/expressions/check',
    '/api/v1/expressions/eval',
    '/api/v1/expressions/language',
    '/api/v1/history',
    '/api/v1/history/{id}',
    '/api/v1/history/{id}/changes',
    '/api/v1/history/{id}/message',
    '/api/v1/jobs',
    '/api/v1/jobs/{id}',
    '/api/v1/milter-health',
    '/api/v1/milter-test',
    '/api/v1/milters',
    '/api/v1/milters-order',
    '/api/v1/milters/{name}',
    '/api/v1/milters/{name}/health',
    '/api/v1/milters/{name}/pause',
    '/api/v1/milters/{name}/reset',
    '/api/v1/milters/{name}/resume',
    '/api/v1/overview',
    '/api/v1/quarantine',
    '/api/v1/quarantine/{id}',
    '/api/v1/quarantine/{id}/audit',
    '/api/v1/quarantine/{id}/note',
    '/api/v1/quarantine/{id}/preview',
    '/api/v1/quarantine/{id}/rescan',
    '/api/v1/queue',
    '/api/v1/queue-orders',
    '/api/v1/queue-shape',
    '/api/v1/queue-stats',
    '/api/v1/queue/{id}',
    '/api/v1/queue/{id}/header',
    '/api/v1/queue/{id}/message',
    '/api/v1/queue/{id}/{verb}',
    '/api/v1/suspensions',
  ])
    assert.ok(paths.includes(path), path);
});
