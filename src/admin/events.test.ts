import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { HistoryRow } from '#journal';
import type { Scope } from './access/needs.ts';
import { idOf, lineOf, MemoryJournal, metaOf, packetOf, rig, rowOf, type RigOptions } from './rig.cases.ts';
import { CONVERSATION_IDLE, HistoryTail } from './tails.ts';
import { HEARTBEAT, MAX_STREAMS, ROWS_PER_SECOND, SLOW_READER } from './streams.ts';

interface Event {
  readonly event: string;
  readonly data: unknown;
  readonly id: string | null;
}

/** One turn of everything that waits. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

function eventOf(block: string): Event {
  const lines = block.split('\n');
  const of = (name: string): string | null =>
    lines.find((l) => l.startsWith(`${name}: `))?.slice(name.length + 2) ?? null;
  return { event: of('event')!, data: JSON.parse(of('data')!) as unknown, id: of('id') };
}

/** A stream collected in the background. */
async function collected(
  t: TestContext,
  options: RigOptions,
  path: string,
  headers: Record<string, string> = {},
) {
  const r = await rig(options);
  const answer = await r.app.request(path, { headers });
  assert.equal(answer.status, 200, await (answer.status === 200 ? '' : answer.text()));
  assert.match(answer.headers.get('content-type')!, /^text\/event-stream/);
  const reader = answer.body!.getReader();
  const events: Event[] = [];
  const state = { ended: false, comments: 0 };
  const done = (async () => {
    let text = '';
    for (;;) {
      const got = await reader.read();
      if (got.done) break;
      text += Buffer.from(got.value).toString();
      const whole = text.split('\n\n');
      text = whole.pop()!;
      for (const block of whole)
        if (block.startsWith(':')) state.comments++;
        else events.push(eventOf(block));
    }
    state.ended = true;
  })().catch(() => undefined);
  t.after(async () => {
    await reader.cancel().catch(() => undefined);
    await done;
  });
  await turn();
  return { ...r, events, state, reader };
}

const cursorOf = (row: HistoryRow): string => `${row.at + row.ms}-${row.id}`;

test('rows come as they are written, and again when something becomes of them; those from before do not', async (t) => {
  const journal = new MemoryJournal();
  journal.write(rowOf(1));
  const { events } = await collected(t, { journal }, '/api/v1/events?topics=history');
  journal.write(rowOf(2), rowOf(3));
  await turn();
  assert.deepEqual(
    events.map((e) => [e.event, e.id]),
    [2, 3].map((n) => ['history', cursorOf(rowOf(n))]),
  );
  assert.deepEqual(events[0]!.data, JSON.parse(JSON.stringify(rowOf(2))));
  journal.write(rowOf(1, { outcome: 'held' }));
  await turn();
  const { data, id } = events[2]!;
  assert.deepEqual([(data as HistoryRow).outcome, id], ['held', cursorOf(rowOf(3))], 'nobody is thrown back');
});

test('who comes back with the id of the last event hears of all that ended since, also of what began before', async (t) => {
  const journal = new MemoryJournal();
  const long = rowOf(0, { ms: 50_000 });
  journal.write(long, ...[1, 2, 3, 4].map((n) => rowOf(n)));
  const headers = { 'last-event-id': cursorOf(rowOf(2)) };
  const { events } = await collected(t, { journal }, '/api/v1/events?topics=history', headers);
  assert.deepEqual(
    events.map((e) => (e.data as HistoryRow).id),
    [idOf(3), idOf(4), idOf(0)],
  );
  const { ask } = await rig({ journal });
  for (const odd of ['../x', idOf(1), '1-../x', 'x-1'])
    assert.equal(
      (await ask('GET', '/api/v1/events?topics=history', undefined, { 'last-event-id': odd })).status,
      400,
    );
});

test('beyond thirty rows a second the rest is counted, and later rows come again', async (t) => {
  const journal = new MemoryJournal();
  const { events, clock } = await collected(t, { journal }, '/api/v1/events?topics=history');
  const many = (from: number, to: number): void =>
    journal.write(...Array.from({ length: to - from + 1 }, (_, n) => rowOf(from + n)));
  many(1, 100);
  await turn();
  assert.equal(events.length, ROWS_PER_SECOND + 1);
  const { event, data } = events.at(-1)!;
  assert.deepEqual([event, data], ['more', { topic: 'history', n: 70 }]);
  many(101, 400);
  await turn();
  assert.deepEqual(events.at(-1)!.data, { topic: 'history', n: 300 });
  clock.advance(1000);
  journal.write(rowOf(401));
  await turn();
  assert.equal(events.at(-1)!.id, cursorOf(rowOf(401)));
});

test('a flood that nobody reads is bounded', async () => {
  const journal = new MemoryJournal();
  const tail = new HistoryTail(journal, {});
  tail.news(Array.from({ length: 5000 }, (_, n) => idOf(n)));
  const sent: unknown[] = [];
  const stream = {
    ended: false,
    send: (event: string, data: unknown) => (sent.push([event, data]), Promise.resolve()),
    poke: () => undefined,
    wait: () => Promise.resolve(),
    allowance: () => 0,
    spend: () => undefined,
  };
  await tail.step(stream);
  assert.deepEqual(sent, [['more', { topic: 'history', n: 5000 }]]);
});

test('conditions hold for what comes', async (t) => {
  const journal = new MemoryJournal();
  const path = '/api/v1/events?topics=history&from=*@y.test&milter=judge&q=message';
  const { events } = await collected(t, { journal }, path);
  journal.write(rowOf(1), rowOf(2, { from: 'x@y.test' }), rowOf(3, { from: 'x@y.test', filters: [] }));
  await turn();
  assert.deepEqual(
    events.map((e) => (e.data as HistoryRow).id),
    [idOf(2)],
  );
});

test('parts of conversations come when they begin and whenever they change', async (t) => {
  const journal = new MemoryJournal();
  journal.lines = [lineOf('old', 0)];
  const { events } = await collected(t, { journal }, '/api/v1/events?topics=conversations');
  const state = (): (number | boolean)[][] =>
    events.map((e) => [(e.data as { packets: number }).packets, (e.data as { open: boolean }).open]);
  journal.lines.push(lineOf('new', 1, { open: true }));
  journal.told();
  await turn();
  journal.told();
  await turn();
  assert.deepEqual(state(), [[1, true]]);
  journal.lines[1] = lineOf('new', 1, { packets: 9 });
  journal.told();
  await turn();
  assert.deepEqual(state(), [
    [1, true],
    [9, false],
  ]);
});

test('packets of one conversation come part by part until it has ended; bytes of content are for operators', async (t) => {
  for (const [scope, body] of [
    ['viewer', ''],
    ['operator', 'eA=='],
  ] as const) {
    const journal = new MemoryJournal();
    journal.lines = [lineOf('s', 0, { open: true }), lineOf('s', 1, { open: true })];
    const packets = [packetOf(1, 0), packetOf(1, 1)];
    journal.packetRows.set('s', packets);
    const path = '/api/v1/conversations/s/events';
    const { events, state } = await collected(t, { journal, scope }, path, { 'last-event-id': '0.1' });
    packets.push(packetOf(2, 1, { kind: 'milter', code: 'SMFIC_BODY', data: 'eA==' }));
    journal.told();
    await turn();
    assert.deepEqual(
      events.map((e) => e.id),
      ['1.1', '1.2'],
    );
    assert.equal((events[1]!.data as { data: string }).data, body);
    // Between two transactions nothing is open, and the conversation goes on.
    journal.lines = [lineOf('s', 0), lineOf('s', 1)];
    journal.told();
    await turn();
    assert.equal(state.ended, false);
    packets.push(packetOf(3, 1, { direction: 'sent', code: '221' }));
    journal.told();
    await turn();
    assert.deepEqual(
      events.slice(2).map((e) => `${e.event} ${e.id}`),
      ['packet 1.3', 'end null'],
    );
    assert.equal(state.ended, true);
    assert.equal(journal.watchers, 0);
  }
});

test('packets of a conversation that ended without a word end too, after a while', async (t) => {
  const journal = new MemoryJournal();
  journal.lines = [lineOf('s', 0), lineOf('s', 3)];
  journal.packetRows.set('s', [packetOf(1, 0), packetOf(1, 3)]);
  const { events, state, clock } = await collected(t, { journal }, '/api/v1/conversations/s/events');
  assert.deepEqual(
    [events.map((e) => e.id), state.ended],
    [['0.1', '3.1'], false],
    'a part in between is not kept',
  );
  clock.advance(CONVERSATION_IDLE + 1000);
  await turn();
  assert.equal(state.ended, true);
});

test('the queue tells its numbers, at first and when they change; it needs no journal', async (t) => {
  const { events, spool, clock } = await collected(t, { entries: [metaOf()] }, '/api/v1/events?topics=queue');
  await spool.hold('m1', 'x', 'y');
  clock.advance(1000);
  await turn();
  clock.advance(1000);
  await turn();
  assert.deepEqual(
    events.map((e) => e.data),
    [
      { queued: 1, leased: 0, held: 0 },
      { queued: 0, leased: 0, held: 1 },
    ],
  );
});

test('what is no topic is refused; without a journal its topics are not there', async () => {
  const { ask } = await rig();
  for (const bad of ['', '?topics=', '?topics=all', '?topics=queue&colour=red', '?topics=__proto__'])
    assert.equal((await ask('GET', `/api/v1/events${bad}`)).status, 400, bad);
  assert.equal((await ask('GET', '/api/v1/events?topics=history')).status, 404);
  assert.equal((await ask('GET', '/api/v1/conversations/s/events')).status, 404);
});

test('a stream gives signs of life, and ends with the token it was begun with', async (t) => {
  let scope: Scope | null = 'viewer';
  const { state, clock } = await collected(t, { scope: () => scope }, '/api/v1/events?topics=queue');
  const before = state.comments;
  clock.advance(HEARTBEAT);
  await turn();
  assert.equal(state.comments, before + 1);
  assert.equal(state.ended, false);
  scope = null;
  clock.advance(HEARTBEAT);
  await turn();
  assert.equal(state.ended, true);
});

test('streams are counted; one that ends makes room', async (t) => {
  const journal = new MemoryJournal();
  const { app } = await rig({ journal });
  const path = '/api/v1/events?topics=history';
  const open: Response[] = [];
  for (let n = 0; n < MAX_STREAMS; n++) open.push(await app.request(path));
  t.after(() => Promise.all(open.slice(1).map((a) => a.body!.cancel())));
  assert.equal((await app.request(path)).status, 503);
  await turn();
  assert.equal(journal.watchers, MAX_STREAMS);
  await open[0]!.body!.cancel();
  await turn();
  assert.equal(journal.watchers, MAX_STREAMS - 1);
  const again = await app.request(path);
  assert.equal(again.status, 200);
  open.push(again);
});

test('nothing is stored up for a reader that does not read, and it is dropped in the end', async () => {
  const journal = new MemoryJournal();
  const { app, clock } = await rig({ journal });
  const answer = await app.request('/api/v1/events?topics=history');
  await turn();
  let looked = 0;
  const message = journal.message.bind(journal);
  journal.message = (id) => {
    looked++;
    return message(id);
  };
  for (let n = 1; n <= 50; n++) {
    journal.write(rowOf(n));
    await turn();
  }
  assert.ok(looked <= 3, `looked ${looked} times: it waits for its reader`);
  clock.advance(SLOW_READER);
  await turn();
  assert.equal(journal.watchers, 0);
  await answer.body!.cancel().catch(() => undefined);
});
