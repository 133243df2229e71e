import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CapturePolicy, ConversationLine, PacketRow } from '#journal';
import { base64, HOSTILE, idOf, lineOf, MemoryJournal, packetOf, rig } from './rig.cases.ts';

function journal(): MemoryJournal {
  const made = new MemoryJournal();
  made.lines = [lineOf('s1', 0), lineOf('s1', 1, { id: idOf(1) }), lineOf('s2', 0, { milters: ['other'] })];
  made.packetRows.set('s1', [
    packetOf(1, 0),
    packetOf(1, 1),
    packetOf(2, 1, { code: 'CONTENT', data: base64('Subject: secret\r\n\r\nbody\r\n') }),
    packetOf(3, 1, {
      kind: 'milter',
      lane: 'judge',
      code: 'SMFIC_BODY',
      direction: 'sent',
      data: base64('body'),
    }),
    packetOf(4, 1, { kind: 'milter', lane: 'judge', code: 'SMFIR_CONTINUE', waited: 3 }),
  ]);
  return made;
}

test('parts are listed newest first, by condition; one conversation has its parts in order', async () => {
  const { get, ask } = await rig({ journal: journal() });
  const lines = async (query: string) =>
    (await get<{ lines: ConversationLine[] }>(`/api/v1/conversations?${query}`)).lines.map(
      (l) => `${l.session}.${l.part}`,
    );
  assert.deepEqual(await lines(''), ['s2.0', 's1.1', 's1.0']);
  assert.deepEqual(await lines('milter=other'), ['s2.0']);
  assert.deepEqual(await lines('limit=1'), ['s2.0']);
  for (const bad of ['milters=x', 'errors=yes', 'before=%2e%2e%2fx', 'limit=501', 'outcome=odd'])
    assert.equal((await ask('GET', `/api/v1/conversations?${bad}`)).status, 400, bad);
  const one = await get<{ line: ConversationLine; parts: ConversationLine[] }>('/api/v1/conversations/s1');
  assert.deepEqual([one.line.part, one.parts.map((p) => p.part)], [0, [0, 1]]);
  assert.equal((await ask('GET', '/api/v1/conversations/s3')).status, 404);
  assert.equal((await (await rig()).ask('GET', '/api/v1/conversations')).status, 404);
});

test('packets come in order, of one part, behind a number; viewers see no content', async () => {
  const packets = async (scope: 'viewer' | 'operator', query = '') => {
    const { get } = await rig({ journal: journal(), scope });
    return (await get<{ packets: PacketRow[] }>(`/api/v1/conversations/s1/packets${query}`)).packets;
  };
  assert.equal((await packets('operator')).length, 5);
  assert.deepEqual(
    (await packets('operator', '?part=1&after=2')).map((p) => p.n),
    [3, 4],
  );
  const seen = await packets('viewer');
  assert.deepEqual([seen[2]!.data, seen[3]!.data, seen[3]!.summary !== ''], ['', '', true]);
  assert.notEqual((await packets('operator'))[3]!.data, '');
  const { ask } = await rig({ journal: journal() });
  for (const bad of ['?after=1', '?part=x', '?part=-1', '?colour=red'])
    assert.equal((await ask('GET', `/api/v1/conversations/s1/packets${bad}`)).status, 400, bad);
});

test('a conversation is pinned, as long as there is room', async () => {
  const made = journal();
  made.packetRows.set('s2', []);
  const { ask } = await rig({ journal: made, scope: 'operator' });
  const pin = async (session: string, pinned: boolean) =>
    (await ask('POST', `/api/v1/conversations/${session}/pin`, { pinned })).status;
  assert.equal(await pin('s1', true), 200);
  assert.equal(await pin('s2', true), 409);
  assert.equal(await pin('s1', false), 200);
  assert.equal(await pin('gone', true), 404);
  const viewer = await rig({ journal: made, scope: 'viewer' });
  assert.equal((await viewer.ask('POST', '/api/v1/conversations/s1/pin', { pinned: true })).status, 403);
});

test('copies are given out as files, to operators', async () => {
  const { ask } = await rig({ journal: journal(), scope: 'operator' });
  const copy = (format: string) => ask('GET', `/api/v1/conversations/s1/export?format=${format}`);
  const plain = await copy('json');
  assert.equal((JSON.parse(plain.text) as { packets: unknown[] }).packets.length, 5);
  assert.equal(plain.headers.get('content-disposition'), 'attachment; filename="conversation-s1.json"');
  const capture = await copy('pcapng');
  assert.equal(capture.bytes.readUInt32LE(0), 0x0a0d0d0a);
  assert.match((await copy('test')).text, /Subject|drive\(filter\)/);
  assert.equal((await copy('exe')).status, 400);
  assert.equal((await ask('GET', '/api/v1/conversations/s1/export?format=test&part=0')).status, 409);
  assert.equal((await ask('GET', '/api/v1/conversations/s9/export')).status, 404);
  const viewer = await rig({ journal: journal(), scope: 'viewer' });
  assert.equal((await viewer.ask('GET', '/api/v1/conversations/s1/export')).status, 403);
});

test('the capture policy is shown to viewers, changed by operators, and who did is written down', async () => {
  const made = journal();
  const { get, ask, desk } = await rig({ journal: made, scope: 'operator' });
  const policy: CapturePolicy = {
    mode: 'matching',
    client: ['192.0.2.0/24', '2001:db8::1'],
    slowerThan: 500,
    body: 0,
  };
  assert.equal((await ask('PUT', '/api/v1/capture', policy, { 'x-operator': 'eva' })).status, 200);
  assert.deepEqual((await get<{ policy: CapturePolicy }>('/api/v1/capture')).policy, policy);
  const [record] = await desk.trail.of('capture');
  assert.deepEqual([record!.by, JSON.parse(record!.text!)], ['operator:eva', policy]);
  for (const bad of [
    { mode: 'some', body: 0 },
    { mode: 'all' },
    { mode: 'all', body: -1 },
    { mode: 'all', body: 1e9 },
    { mode: 'matching', body: 0, client: ['example.org'] },
    { mode: 'matching', body: 0, client: ['192.0.2.0/33'] },
    { mode: 'matching', body: 0, client: ['192.0.2.0/24/1'] },
    { mode: 'all', body: 0, colour: 'red' },
  ])
    assert.equal((await ask('PUT', '/api/v1/capture', bad)).status, 400, JSON.stringify(bad));
  const viewer = await rig({ journal: made, scope: 'viewer' });
  assert.equal((await viewer.ask('GET', '/api/v1/capture')).status, 200);
  assert.equal((await viewer.ask('PUT', '/api/v1/capture', policy)).status, 403);
  assert.equal((await (await rig()).ask('GET', '/api/v1/capture')).status, 404);
});

test('A06: hostile text goes through untouched', async () => {
  const made = journal();
  made.lines = [lineOf('s1', 0, { from: HOSTILE, rcpt: HOSTILE })];
  made.packetRows.set('s1', [
    packetOf(1, 0, { summary: HOSTILE, note: HOSTILE, fields: [{ name: 'i', value: HOSTILE }] }),
  ]);
  const { get } = await rig({ journal: made });
  const { packets } = await get<{ packets: PacketRow[] }>('/api/v1/conversations/s1/packets');
  assert.deepEqual(packets, made.packetRows.get('s1'));
});
