/**
 * What makes content fast, shown by order and counting, never by a clock: header fields go out without waiting for each answer,
 * filters on the original think at the same time, and a filter reads the body while the client is still sending it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accept, defineMilter, type Filter } from '#milter/filter';
import { startDistance } from './support/distance.ts';
import { Cleanup } from './support/folders.ts';
import { house } from './support/house.ts';
import { arrived } from './support/maildir.ts';
import { CONTINUE, ScriptedFilter } from './support/scripted-filter.ts';
import { until, within } from './support/wait.ts';

const FIELDS = 40;
/** Forty header fields and a body. */
const MANY_FIELDS =
  Array.from({ length: FIELDS }, (_, i) => `X-Field-${i + 1}: one of many\r\n`).join('') + '\r\nbody\r\n';
const MESSAGE = 'Subject: one\r\n\r\nbody\r\n';
/** A loaded machine is not what is tested here. */
const PATIENT = { timeoutConnect: '10s', timeoutCommand: '10s', timeoutData: '20s' };

/** Sends messages with forty fields through a filter 2 ms away; the waits for each one's content. */
async function waitsAtDistance(
  cleanup: Cleanup,
  filter: ScriptedFilter,
  settings: Readonly<Record<string, unknown>>,
): Promise<number[]> {
  const way = await startDistance(cleanup, filter.port, 1);
  const h = await house(cleanup, [{ port: way.port, more: { ...PATIENT, ...settings } }]);
  const session = await h.open();
  for (let i = 0; i < 3; i++) {
    const { reply } = await session.transaction('a@out.test', ['b@in.test'], MANY_FIELDS);
    assert.equal(reply.code, 250, reply.text);
  }
  await session.quit();
  const waits: number[] = [];
  await until('the end of the conversation', 5000, () => {
    waits.push(...way.contents().map((told) => told.waits));
    return waits.length >= 3;
  });
  const told = filter.codes.replaceAll(/[^LNBE]/g, '');
  assert.equal(told, ('L'.repeat(FIELDS) + 'NBE').repeat(3), 'nothing was left out to be quick');
  return waits;
}

test('forty header fields cost a filter far away at most three waits for the content', async (t) => {
  const cleanup = new Cleanup(t);
  const waits = await waitsAtDistance(cleanup, await ScriptedFilter.start(cleanup, {}), {});
  assert.ok(waits.length === 3 && Math.max(...waits) <= 3, `waits: ${waits.join(', ')}`);
});

test('with pipelining off every header field is a wait of its own', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await ScriptedFilter.start(cleanup, {});
  const waits = await waitsAtDistance(cleanup, filter, { pipeline: false });
  assert.deepEqual(waits, [FIELDS + 3, FIELDS + 3, FIELDS + 3]);
});

test('a filter that answers nothing of the content before it has heard the end of it holds nothing up', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await ScriptedFilter.start(cleanup, {
    L: null,
    N: null,
    B: null,
    E: CONTINUE.repeat(FIELDS + 3),
  });
  const waits = await waitsAtDistance(cleanup, filter, {});
  assert.deepEqual(waits, [1, 1, 1]);
});

/** Filters that may add a header field and leave end of message only when `together` of them are there at the same time. */
function thinkers(
  together: number,
  names: readonly string[],
): { filters: Filter[]; most: () => number; order: string[] } {
  let inside = 0;
  let most = 0;
  const order: string[] = [];
  let open: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  const filters = names.map((name) =>
    defineMilter({
      name,
      needs: ['addHeaders'],
      async onMessage(_s, _env, message) {
        inside += 1;
        most = Math.max(most, inside);
        order.push(`${name} begins`);
        if (inside >= together) open();
        await within(`${together} filters at the same time`, 10_000, all);
        message.headers.add('X-Thought', name);
        order.push(`${name} ends`);
        inside -= 1;
        return accept;
      },
    }),
  );
  return { filters, most: () => most, order };
}

test('three filters on the original think at the same time; their edits come in configured order', async (t) => {
  const cleanup = new Cleanup(t);
  const { filters, most } = thinkers(3, ['first', 'second', 'third']);
  const more = { ...PATIENT, input: 'original' };
  const h = await house(
    cleanup,
    filters.map((filter) => ({ filter, more })),
  );
  const session = await h.open();
  const { reply } = await session.transaction('a@out.test', ['b@in.test'], MESSAGE);
  assert.equal(reply.code, 250, reply.text);
  assert.equal(most(), 3);
  const stored = await arrived(h.mail, 'the message', () => true);
  assert.deepEqual(stored.field('X-Thought'), ['first', 'second', 'third']);
  await session.quit();
});

test('filters that see what the one before made are asked one after the other', async (t) => {
  const cleanup = new Cleanup(t);
  const { filters, most, order } = thinkers(1, ['first', 'second', 'third']);
  const h = await house(
    cleanup,
    filters.map((filter) => ({ filter, more: PATIENT })),
  );
  const session = await h.open();
  const { reply } = await session.transaction('a@out.test', ['b@in.test'], MESSAGE);
  assert.equal(reply.code, 250, reply.text);
  assert.equal(most(), 1);
  assert.deepEqual(
    order,
    ['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
  await session.quit();
});

/** A filter that counts the body bytes it has read so far, while they come. */
function reader(name: string, needs: 'addHeaders'[] = []): { filter: Filter; read: () => number } {
  let read = 0;
  const filter = defineMilter({
    name,
    needs,
    body: 'stream',
    async onMessage(_s, _env, message) {
      for await (const chunk of message.body) read += chunk.length;
      return accept;
    },
  });
  return { filter, read: () => read };
}

test('filters read the body while the client is still sending it, but for those that wait for edits', async (t) => {
  const cleanup = new Cleanup(t);
  const first = reader('first', ['addHeaders']);
  const original = reader('original');
  const chained = reader('chained');
  const h = await house(cleanup, [
    { filter: first.filter, more: PATIENT },
    { filter: original.filter, more: { ...PATIENT, input: 'original' } },
    { filter: chained.filter, more: PATIENT },
  ]);
  const session = await h.open();
  for (const line of ['MAIL FROM:<a@out.test>', 'RCPT TO:<b@in.test>'])
    await session.expect(250, await session.command(line));
  await session.expect(354, await session.command('DATA'));
  const line = 'a line of the body, neither short nor long, again and again\r\n';
  const body = line.repeat(Math.ceil((1 << 20) / line.length));
  const half = body.length >> 1;
  session.write('Subject: large\r\n\r\n' + body.slice(0, half));
  // The client says nothing more until both have read bytes of the body.
  await until('both streaming filters to read', 10_000, () => first.read() > 0 && original.read() > 0);
  assert.equal(chained.read(), 0);
  session.write(body.slice(half) + '.\r\n');
  await session.expect(250, await session.reply());
  for (const { read } of [first, original, chained]) assert.equal(read(), body.length);
  await session.quit();
});
