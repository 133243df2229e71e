import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heldBy, HOSTILE, metaOf, rig, START } from './rig.cases.ts';

interface Line {
  readonly id: string;
  readonly subject: string;
  readonly note: string;
  readonly noteBy: string;
  readonly malware: boolean;
  readonly expiresAt: string;
  readonly to: readonly string[];
  readonly reason: string;
}
interface Record {
  readonly verb: string;
  readonly by: string;
  readonly result: string;
  readonly as?: string;
  readonly text?: string;
}

const EVA = { 'x-operator': 'eva' };

test('held mail is listed with what an operator decides by, in pages, by condition', async () => {
  const entries = Array.from({ length: 5 }, (_, n) => heldBy('judge', { id: `m${n}` }));
  const virus = heldBy('clamav', { id: 'm7', hold: { reason: 'Eicar', by: 'clamav', since: START + 9 } });
  const { get, ask } = await rig({
    entries: [...entries, metaOf({ id: 'm5' }), virus],
    header: 'Subject: =?utf-8?q?=C3=A9?=\r\n',
  });
  const page = (query: string) =>
    get<{ entries: Line[]; next: string | null }>(`/api/v1/quarantine?${query}`);
  const first = await page('limit=4');
  assert.deepEqual([first.entries.map((e) => e.id), first.next], [['m0', 'm1', 'm2', 'm3'], 'm3']);
  const second = await page('limit=4&after=m3');
  assert.deepEqual([second.entries.map((e) => e.id), second.next], [['m4', 'm7'], null]);
  const [line] = (await page('where=held_by=clamav')).entries;
  assert.deepEqual([line!.subject, line!.malware, line!.to], ['é', true, ['a@one.test', 'b@two.test']]);
  assert.ok(Date.parse(line!.expiresAt) > START);
  assert.deepEqual(await page('where=state=queued'), { entries: [], next: null });
  for (const bad of ['limit=0', 'limit=201', 'after=../x', 'where=colour=red', 'form=x'])
    assert.equal((await ask('GET', `/api/v1/quarantine?${bad}`)).status, 400, bad);
  assert.equal((await ask('GET', '/api/v1/quarantine/m0')).status, 200);
  assert.equal((await ask('GET', '/api/v1/quarantine/m5')).status, 404, 'it is not held');
});

test('a look inside shows header and text; viewers have none', async () => {
  const entries = [heldBy('judge'), metaOf({ id: 'q' })];
  const header = 'Subject: x\r\nContent-Transfer-Encoding: base64\r\n';
  const { get, ask } = await rig({ entries, header, body: 'aGVsbG8=\r\n', scope: 'operator' });
  const look = await get<{ text: string; header: unknown[] }>('/api/v1/quarantine/m1/preview');
  assert.deepEqual([look.text, look.header.length], ['hello', 2]);
  assert.equal((await ask('GET', '/api/v1/quarantine/q/preview')).status, 404);
  const viewer = await rig({ entries, scope: 'viewer' });
  assert.equal((await viewer.ask('GET', '/api/v1/quarantine')).status, 200);
  assert.equal((await viewer.ask('GET', '/api/v1/quarantine/m1/audit')).status, 200);
  for (const [method, path, body] of [
    ['GET', 'preview', undefined],
    ['POST', 'rescan', {}],
    ['PUT', 'note', { text: 'x' }],
  ] as const)
    assert.equal((await viewer.ask(method, `/api/v1/quarantine/m1/${path}`, body)).status, 403, path);
  assert.equal((await viewer.ask('POST', '/api/v1/jobs', { verb: 'delete', all: true })).status, 403);
  assert.equal(viewer.spool.totals().held, 1);
});

test('a note is kept beside an entry, and everything done is told with who did it', async () => {
  const { get, ask } = await rig({ entries: [heldBy('operator:tom')] });
  const note = (text: string, id = 'm1') => ask('PUT', `/api/v1/quarantine/${id}/note`, { text }, EVA);
  assert.equal((await note('ask the sender')).status, 200);
  assert.equal((await note('x'.repeat(1001))).status, 400);
  assert.equal((await note('x', 'gone')).status, 404);
  const line = await get<Line>('/api/v1/quarantine/m1');
  assert.deepEqual([line.note, line.noteBy], ['ask the sender', 'operator:eva']);
  const some = { recipients: ['b@two.test'] };
  assert.equal((await ask('POST', '/api/v1/queue/m1/release', some, EVA)).status, 200);
  assert.deepEqual((await get<Line>('/api/v1/quarantine/m1')).to, ['a@one.test']);
  assert.equal((await ask('POST', '/api/v1/queue/m1/delete', { reason: 'spam' }, EVA)).status, 200);
  const { records } = await get<{ records: Record[] }>('/api/v1/quarantine/m1/audit');
  assert.deepEqual(
    records.map((r) => `${r.verb} ${r.by} ${r.result} ${r.text ?? ''}`),
    ['note operator:eva done ask the sender', 'release operator:eva done ', 'delete operator:eva done spam'],
  );
  const part = await get<{ records: Record[] }>(`/api/v1/quarantine/${records[1]!.as!}/audit`);
  assert.deepEqual(part.records, [records[1]]);
  assert.equal((await ask('GET', '/api/v1/quarantine/never/audit')).status, 404);
});

test('what the filters would say is told without letting go', async () => {
  const { get, ask, spool } = await rig({ entries: [heldBy('judge'), metaOf({ id: 'q' })] });
  const rescan = async (body: object, id = 'm1') => {
    const { status, text } = await ask('POST', `/api/v1/quarantine/${id}/rescan`, body, EVA);
    return [status, (JSON.parse(text) as { verdict: string }).verdict] as const;
  };
  assert.deepEqual(await rescan({}), [200, 'pass']);
  assert.deepEqual(await rescan({ skip: ['nobody'] }), [409, 'unfit']);
  assert.deepEqual(await rescan({}, 'q'), [409, 'unfit']);
  assert.deepEqual(await rescan({}, 'gone'), [404, 'absent']);
  assert.equal((await ask('POST', '/api/v1/quarantine/m1/rescan', { skip: 'x' })).status, 400);
  assert.deepEqual([spool.totals().held, (await spool.get('m1'))!.state], [1, 'held']);
  const { records } = await get<{ records: Record[] }>('/api/v1/quarantine/m1/audit');
  assert.deepEqual(
    records.map((r) => r.verb),
    ['rescan', 'rescan'],
  );
});

test('jobs are begun, looked at and stopped; a key makes asking twice the same as once', async () => {
  const entries = Array.from({ length: 150 }, (_, n) => metaOf({ id: `m${String(n).padStart(3, '0')}` }));
  const { get, ask, spool } = await rig({ entries });
  const begin = (body: object, key?: string) =>
    ask('POST', '/api/v1/jobs', body, { ...EVA, ...(key !== undefined && { 'idempotency-key': key }) });
  const first = await begin({ verb: 'hold', where: ['sender_domain=sender.test'], reason: 'x' }, 'k1');
  assert.equal(first.status, 202);
  const { id } = JSON.parse(first.text) as { id: string };
  assert.equal(first.headers.get('location'), `/api/v1/jobs/${id}`);
  interface Job {
    finished: boolean;
    total: number;
    done: number;
    failed: number;
    results: unknown[];
    by: string;
  }
  let job = await get<Job>(`/api/v1/jobs/${id}`);
  while (!job.finished) {
    await new Promise(setImmediate);
    job = await get<Job>(`/api/v1/jobs/${id}`);
  }
  assert.deepEqual(
    [job.total, job.done, job.failed, job.results.length, job.by],
    [150, 150, 0, 100, 'operator:eva'],
  );
  assert.equal(spool.totals().held, 150);
  const again = await begin({ verb: 'hold', where: ['sender_domain=sender.test'], reason: 'x' }, 'k1');
  assert.deepEqual([again.status, JSON.parse(again.text)], [202, { id }]);
  assert.equal((await begin({ verb: 'hold', all: true }, 'k1')).status, 422);
  assert.equal((await get<{ jobs: unknown[] }>('/api/v1/jobs')).jobs.length, 1);
  assert.equal((await ask('DELETE', `/api/v1/jobs/${id}`)).status, 409);
  assert.equal((await ask('DELETE', `/api/v1/jobs/${'0'.repeat(18)}`)).status, 404);
  for (const [body, key] of [
    [{ verb: 'hold' }],
    [{ verb: 'hold', all: true, ids: ['m1'] }],
    [{ verb: 'hold', where: ['colour=red'] }],
    [{ verb: 'redirect', all: true }],
    [{ verb: 'hold', all: true }, 'x'.repeat(201)],
    [{ verb: 'hold', all: true }, ''],
  ] as const)
    assert.equal((await begin(body, key)).status, 400, JSON.stringify([body, key]));
});

test('A06: hostile text in held mail goes through as text', async () => {
  const hold = { reason: HOSTILE, by: 'judge' };
  const header = `Subject: ${HOSTILE.replace(/[\r\n]+/g, ' ').replace(/[^\x20-\x7e]/g, '?')}\r\n`;
  const { get } = await rig({ entries: [heldBy('judge', { hold })], header });
  const line = await get<Line>('/api/v1/quarantine/m1');
  assert.ok(line.subject.startsWith('<img src=x onerror=alert(1)>'));
  assert.match(line.reason, /<script>/);
  const look = await get<{ header: { value: string }[] }>('/api/v1/quarantine/m1/preview');
  assert.match(look.header[0]!.value, /<script>/);
});

test('A09: an id that is none is 400 or 404 on every way, and the right one still works', async () => {
  const { ask, spool } = await rig({ entries: [heldBy('operator:x')] });
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
    'constructor',
    '%ff',
  ];
  for (const id of odd) {
    for (const path of ['', '/preview', '/audit']) {
      const { status } = await ask('GET', `/api/v1/quarantine/${id}${path}`);
      assert.ok(status === 400 || status === 404, `${id}${path} ${status}`);
    }
    for (const [method, path, body] of [
      ['POST', 'rescan', {}],
      ['PUT', 'note', { text: 'x' }],
    ] as const) {
      const { status } = await ask(method, `/api/v1/quarantine/${id}/${path}`, body);
      assert.ok(status === 400 || status === 404, `${id}/${path} ${status}`);
    }
    for (const method of ['GET', 'DELETE']) {
      const { status } = await ask(method, `/api/v1/jobs/${id}`);
      assert.ok(status === 400 || status === 404, `job ${id} ${status}`);
    }
    const { status } = await ask('GET', `/api/v1/conversations/${id}`);
    assert.ok(status === 400 || status === 404);
  }
  assert.equal(spool.totals().held, 1);
  assert.equal((await ask('PUT', '/api/v1/quarantine/m1/note', { text: 'x' })).status, 200);
});
