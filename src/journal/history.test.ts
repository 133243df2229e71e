import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WAITING_RECIPIENTS } from './gather.ts';
import type { HistoryWhere } from './reader.ts';
import { rig, row, START } from './rig.cases.ts';
import { MAX_NAMED, OUTCOMES, type HistoryRow } from './row.ts';
import { stampOf } from './stamp.ts';

const idOf = (n: number): string => stampOf(START + n) + n.toString(36).padStart(7, '0');
const text = fc.string({ unit: 'grapheme', maxLength: 30 });
const anyRow = fc.record({
  from: fc.constantFrom('a@out.test', 'B@Out.test', 'ü@out.test', ''),
  to: fc.array(fc.constantFrom('b@in.test', 'c@in.test'), { maxLength: 3 }),
  subject: text,
  outcome: fc.constantFrom(...OUTCOMES),
  client: fc.constantFrom('192.0.2.7', '198.51.100.1', '2001:db8::1', ''),
  filters: fc.array(
    fc.record({
      name: fc.constantFrom('rspamd', 'clamav'),
      verdict: fc.constantFrom('continue', 'reject'),
      ms: fc.constantFrom(0.25, 12.5),
      edits: fc.array(fc.constant('addHeader'), { maxLength: 2 }),
      error: fc.constant(''),
    }),
    { maxLength: 2 },
  ),
  ms: fc.constantFrom(1, 50, 900),
});

/** fast-check's records have no prototype. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

test('rows come back as they were put, newest first, each once over all pages, whatever the size of a page', async (t) => {
  const { journal } = await rig(t);
  const rows: HistoryRow[] = [];
  for (const [n, more] of fc.sample(anyRow, 350).entries()) {
    rows.push(row(idOf(n), { ...plain(more), recipients: more.to.length }));
    journal.row(rows[n]!);
  }
  await journal.flush();
  for (const limit of [1, 7, 100, 349, 350, 351, 1000]) {
    const read: HistoryRow[] = [];
    let before: string | undefined;
    do {
      const page = await journal.history({ where: {}, limit, ...(before !== undefined && { before }) });
      assert.ok(page.rows.length <= limit);
      read.push(...page.rows);
      before = page.next ?? undefined;
    } while (before !== undefined);
    assert.deepEqual(
      read.map((r) => ({ ...r, delivery: [] })),
      rows.toReversed(),
    );
  }
  const tail = await journal.history({ where: {}, after: rows[340]!.id, limit: 5 });
  assert.deepEqual(
    tail.rows.map((r) => r.id),
    rows.slice(341, 346).map((r) => r.id),
  );
  assert.equal((await journal.message(rows[3]!.id))!.subject, rows[3]!.subject);
  assert.equal(await journal.message('0000000000000000'), null);
});

const CONDITIONS: readonly (readonly [HistoryWhere, (r: HistoryRow) => boolean])[] = [
  [{ from: 'b@OUT.test' }, (r) => r.from === 'B@Out.test'],
  [{ from: '*@out.test' }, (r) => /@out\.test$/i.test(r.from)],
  [{ rcpt: 'c@*' }, (r) => r.to.includes('c@in.test')],
  [{ client: '192.0.2.0/24' }, (r) => r.client === '192.0.2.7'],
  [{ client: '2001:db8::/32' }, (r) => r.client === '2001:db8::1'],
  [{ client: '198.51.100.1' }, (r) => r.client === '198.51.100.1'],
  [{ outcome: 'held' }, (r) => r.outcome === 'held'],
  [{ milter: 'clamav' }, (r) => r.filters.some((f) => f.name === 'clamav')],
  [
    { milter: 'clamav', verdict: 'reject' },
    (r) => r.filters.some((f) => f.name === 'clamav' && f.verdict === 'reject'),
  ],
  [{ slower: 50 }, (r) => r.ms >= 50],
  [{ since: START + 100, until: START + 149 }, (r) => r.id >= idOf(100) && r.id <= idOf(149)],
  [{ state: 'queued' }, (r) => r.outcome === 'accepted' && r.to.length > 0],
  [{ q: 'RSPAMD out' }, (r) => r.from !== '' && r.filters.some((f) => f.name === 'rspamd')],
  [{ q: 'ü@' }, (r) => r.from.startsWith('ü')],
  [{ q: 'session' }, () => false],
];

test('conditions find what they say, no more and no less', async (t) => {
  const { journal } = await rig(t);
  const rows = fc
    .sample(anyRow, 250)
    .map((more, n) => row(idOf(n), { ...more, subject: '"q\\"', helo: '', reply: '' }));
  for (const one of rows) journal.row(one);
  for (const [where, holds] of CONDITIONS) {
    const { rows: found } = await journal.history({ where, limit: 1000 });
    assert.deepEqual(
      found.map((r) => r.id),
      rows
        .filter(holds)
        .map((r) => r.id)
        .toReversed(),
      JSON.stringify(where),
    );
  }
  assert.equal((await journal.history({ where: { q: '"q\\"' }, limit: 1000 })).rows.length, 250);
});

test('a recipient that the row only counts is found all the same, and the row is as short as ever', async (t) => {
  const { journal } = await rig(t);
  const to = Array.from({ length: 1000 }, (_, n) => `u${n}@in.test`);
  journal.row(row(idOf(1), { to, recipients: 1200 }));
  journal.row(row(idOf(2)));
  for (const where of [{ rcpt: 'U20@*' }, { rcpt: 'u999@in.test' }, { q: 'hello u999@in' }]) {
    const { rows } = await journal.history({ where, limit: 10 });
    assert.deepEqual(
      rows.map(({ id, to: named, recipients, delivery }) => [id, named, recipients, delivery.length]),
      [[idOf(1), to.slice(0, MAX_NAMED), 1200, MAX_NAMED]],
      JSON.stringify(where),
    );
    assert.equal((await journal.message(idOf(1), where))?.id, idOf(1));
    assert.equal(await journal.message(idOf(2), where), null);
  }
  assert.deepEqual((await journal.history({ where: { rcpt: 'u1000@in.test' }, limit: 10 })).rows, []);
});

test('recipients that nobody sees take no memory without end: rows beyond keep those they name', async (t) => {
  const { journal } = await rig(t);
  const long = 'x'.repeat(300);
  const to = Array.from({ length: 1000 }, (_, n) => `${n}${long}@in.test`);
  const fit = Math.ceil(WAITING_RECIPIENTS / (980 * 310)) + 5;
  for (let n = 0; n < fit; n++) journal.row(row(idOf(n), { to, recipients: 1000, outcome: 'rejected' }));
  await journal.flush();
  const found = async (rcpt: string): Promise<readonly string[]> =>
    (await journal.history({ where: { rcpt }, limit: 1000 })).rows.map(({ id }) => id);
  assert.equal((await found(to[19]!)).length, fit);
  const all = await found(to[999]!);
  assert.ok(all.length > 40 && all.length < fit, `${all.length} of ${fit}`);
  assert.equal(all.at(-1), idOf(0));
  journal.row(row(idOf(fit), { to, recipients: 1000, outcome: 'rejected' }));
  assert.equal((await found(to[999]!)).length, all.length + 1, 'written: there is room again');
});

test('100,000 rows: a page and a free search answer soon, and others are let in while it is searched', async (t) => {
  const { journal } = await rig(t);
  for (let n = 0; n < 100_000; n++) {
    journal.row(
      row(idOf(n), { outcome: 'rejected', subject: n === 17 ? 'needle' : 'hay', to: [`u${n}@in.test`] }),
    );
    if (n % 5000 === 4999) await journal.flush();
  }
  assert.equal(journal.figures().rows, 100_000);
  let began = performance.now();
  assert.equal((await journal.history({ where: {}, limit: 100 })).rows.length, 100);
  const page = performance.now() - began;
  let longest = 0;
  let last = performance.now();
  const beat = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  began = performance.now();
  const found = await journal.history({ where: { q: 'needle' }, limit: 10 });
  const search = performance.now() - began;
  clearInterval(beat);
  assert.deepEqual(
    found.rows.map((r) => r.id),
    [idOf(17)],
  );
  assert.equal(found.looked, 100_000);
  assert.ok(page < 500, `a page took ${page} ms`);
  assert.ok(search < 20_000, `a search took ${search} ms`);
  assert.ok(longest < 500, `the event loop was held for ${longest} ms`);
});
