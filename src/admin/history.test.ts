import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Changes } from '#journal';
import { bytesOf } from '#message';
import { HOSTILE, idOf, MemoryJournal, rig, rowOf, START } from './rig.cases.ts';
import type { ChangesView } from './diff/view.ts';

const CHANGES: Changes = {
  id: idOf(1),
  original: {
    sender: 'a@out.test',
    recipients: ['b@in.test', 'c@in.test'],
    header: bytesOf('From: a\r\nSubject: one\r\nX-Gone: 1\r\n'),
    body: bytesOf('first\r\nsecond\r\n'),
    bodySize: 15,
  },
  steps: [
    {
      milter: 'marker',
      edits: [
        { kind: 'insertHeader', name: 'X-Mark', value: ' yes', index: 7 },
        { kind: 'changeHeader', name: 'X-Gone', index: 1, value: '' },
      ],
      sender: 'a@out.test',
      recipients: ['b@in.test', 'c@in.test'],
      header: bytesOf('From: a\r\nSubject: one\r\nX-Mark: yes\r\n'),
      body: null,
      bodySize: 0,
    },
    {
      milter: 'rewriter',
      edits: [{ kind: 'replaceBody', bytes: 14 }],
      sender: 'other@out.test',
      recipients: ['b@in.test', 'd@in.test'],
      header: bytesOf('X-Mark: yes\r\nFrom: a\r\nSubject: two\r\n'),
      body: bytesOf('first\r\n\xc3\xa9nd\r\n'),
      bodySize: 14,
    },
  ],
};

function journal(): MemoryJournal {
  const made = new MemoryJournal();
  made.rows = Array.from({ length: 5 }, (_, n) => rowOf(n, { ms: n * 100 }));
  made.kept.set(CHANGES.id, CHANGES);
  return made;
}

test('rows are given out newest first, in pages, and oldest first behind a row', async () => {
  const { get } = await rig({ journal: journal() });
  const page = (query: string) =>
    get<{ rows: { id: string }[]; next: string | null }>(`/api/v1/history?${query}`);
  const first = await page('limit=2');
  assert.deepEqual([first.rows.map((r) => r.id), first.next], [[idOf(4), idOf(3)], idOf(3)]);
  const second = await page(`limit=9&before=${first.next}`);
  assert.deepEqual([second.rows.map((r) => r.id), second.next], [[idOf(2), idOf(1), idOf(0)], null]);
  assert.deepEqual(
    (await page(`after=${idOf(2)}`)).rows.map((r) => r.id),
    [idOf(3), idOf(4)],
  );
  assert.deepEqual(
    (await page('slower=300ms')).rows.map((r) => r.id),
    [idOf(4), idOf(3)],
  );
  assert.equal((await page(`since=${new Date(START + 3).toISOString()}`)).rows.length, 2);
  assert.equal((await page('since=2h')).rows.length, 5);
});

test('a condition that is none is refused, as is one too many: nobody is shown everything by mistake', async () => {
  const { ask } = await rig({ journal: journal() });
  for (const bad of [
    'form=a@out.test',
    'outcome=lost',
    'since=yesterday',
    'slower=fast',
    'limit=0',
    'limit=501',
    'before=../x',
    `before=${idOf(1)}&after=${idOf(1)}`,
    `from=${'x'.repeat(501)}`,
    'from=',
    '__proto__=1',
    'a[__proto__][x]=1',
  ])
    assert.equal((await ask('GET', `/api/v1/history?${bad}`)).status, 400, bad);
});

test('one message is shown; without a journal everything says so', async () => {
  const { ask } = await rig({ journal: journal() });
  assert.equal((await ask('GET', `/api/v1/history/${idOf(1)}`)).status, 200);
  assert.equal((await ask('GET', `/api/v1/history/${idOf(9)}`)).status, 404);
  const off = await rig();
  for (const path of ['', `/${idOf(1)}`, `/${idOf(1)}/changes`, `/${idOf(1)}/message`]) {
    const { status, text } = await off.ask('GET', `/api/v1/history${path}`);
    assert.equal(status, 404);
    assert.match(text, /journal is off/);
  }
});

test('what filters changed is told field by field, with who did it, for each and for all together', async () => {
  const { get } = await rig({ journal: journal() });
  const view = await get<ChangesView>(`/api/v1/history/${idOf(1)}/changes`);
  const told = (fields: ChangesView['total']['fields']) =>
    fields.filter((f) => f.kind !== 'kept').map((f) => `${f.kind} ${f.name} ${f.by.join()} ${f.asked}`);
  const [marker, rewriter] = view.steps;
  assert.deepEqual(told(marker!.fields), ['removed X-Gone marker null', 'added X-Mark marker 7']);
  assert.equal(marker!.fields.find((f) => f.name === 'X-Mark')!.after!.at, 2, 'where it got to');
  assert.equal(marker!.bodyDiff, null);
  assert.deepEqual(told(rewriter!.fields), ['moved From rewriter null', 'changed Subject rewriter null']);
  assert.deepEqual(rewriter!.bodyDiff!.hunks[0]!.lines, [' first', '-second', '+énd']);
  assert.deepEqual([rewriter!.added, rewriter!.removed], [['d@in.test'], ['c@in.test']]);
  assert.deepEqual(told(view.total.fields), [
    'added X-Mark marker null',
    'changed Subject rewriter null',
    'removed X-Gone marker null',
  ]);
  assert.equal(
    Buffer.from(view.original.header, 'base64').toString(),
    'From: a\r\nSubject: one\r\nX-Gone: 1\r\n',
  );
  assert.equal(view.total.sender, 'other@out.test');
});

test('the message is given out as it came and as it went on, as bytes to be saved', async () => {
  const made = journal();
  const { ask } = await rig({ journal: made });
  const path = `/api/v1/history/${idOf(1)}/message`;
  const original = await ask('GET', `${path}?which=original`);
  assert.equal(original.text, 'From: a\r\nSubject: one\r\nX-Gone: 1\r\n\r\nfirst\r\nsecond\r\n');
  assert.match(original.headers.get('content-disposition')!, /attachment/);
  assert.match(original.headers.get('content-security-policy')!, /sandbox/);
  assert.equal(original.headers.get('x-millrace-cut'), null);
  assert.ok((await ask('GET', path)).text.endsWith('\r\n\r\nfirst\r\nénd\r\n'));
  made.kept.set(idOf(1), { ...CHANGES, original: { ...CHANGES.original, bodySize: 100 } });
  assert.equal((await ask('GET', `${path}?which=original`)).headers.get('x-millrace-cut'), '85');
  assert.equal((await ask('GET', `${path}?which=other`)).status, 400);
});

test('a viewer sees rows, but not what is in messages', async () => {
  const { ask } = await rig({ journal: journal(), scope: 'viewer' });
  assert.equal((await ask('GET', '/api/v1/history')).status, 200);
  assert.equal((await ask('GET', `/api/v1/history/${idOf(1)}`)).status, 200);
  assert.equal((await ask('GET', `/api/v1/history/${idOf(1)}/changes`)).status, 403);
  assert.equal((await ask('GET', `/api/v1/history/${idOf(1)}/message`)).status, 403);
});

test('A06: hostile text goes through untouched', async () => {
  const made = new MemoryJournal();
  const row = rowOf(1, { subject: HOSTILE, from: HOSTILE, helo: HOSTILE, reply: HOSTILE, to: [HOSTILE] });
  made.rows = [row];
  const { get, ask } = await rig({ journal: made });
  assert.deepEqual(await get(`/api/v1/history/${idOf(1)}`), JSON.parse(JSON.stringify(row)));
  assert.match((await ask('GET', '/api/v1/history')).headers.get('content-type')!, /^application\/json/);
});

test('A09: an id that is none is 400 or 404, and the right one still works', async () => {
  const { ask } = await rig({ journal: journal() });
  for (const id of [
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e%2f',
    'a%2f..%2fb',
    '%00',
    'x'.repeat(10_000),
    '.',
    '%2fetc',
    idOf(1).slice(0, 15),
    '__proto__',
    'constructor',
    '%ff',
  ])
    for (const path of ['', '/changes', '/message']) {
      const { status } = await ask('GET', `/api/v1/history/${id}${path}`);
      assert.ok(status === 400 || status === 404, `${id} ${status}`);
    }
  assert.equal((await ask('GET', `/api/v1/history/${idOf(1)}/changes`)).status, 200);
});
