import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferedBody, StreamedBody, collect } from './body.ts';
import { FilterError } from './errors.ts';

/** Lets a reader run until it waits. */
const turn = () => new Promise<void>((resolve) => queueMicrotask(resolve));
const bytes = (size: number) => new Uint8Array(size).fill(120);

test('a buffered body takes its limit and not one byte more', () => {
  for (const [limit, size, ok] of [
    [0, 0, true],
    [0, 1, false],
    [1, 1, true],
    [5, 5, true],
    [5, 6, false],
  ] as const) {
    const body = new BufferedBody(limit);
    if (ok) body.push(bytes(size));
    else assert.throws(() => body.push(bytes(size)), { code: 'body_limit' });
    assert.equal(body.size, size);
  }
});

test('a buffered body is read as often as one likes', async () => {
  const body = new BufferedBody(10);
  body.push(bytes(2));
  body.push(bytes(3));
  assert.equal((await collect(body.read(), 10)).length, 5);
  assert.equal((await collect(body.read(), 5)).length, 5);
  await assert.rejects(collect(body.read(), 4), { code: 'body_limit' });
});

test('a streamed body hands on what comes, once', async () => {
  const body = new StreamedBody();
  const all = collect(body.read(), 100);
  body.push(bytes(2));
  await turn();
  body.push(bytes(3));
  body.end();
  assert.equal((await all).length, 5);
  await assert.rejects(collect(body.read(), 100), { code: 'body_gone' });
});

test('a writer waits at 256 KiB until the reader is below, and never for one who has left', async () => {
  const body = new StreamedBody();
  assert.equal(body.push(bytes(256 * 1024)), undefined);
  const wait = body.push(bytes(1));
  assert.ok(wait instanceof Promise);
  const reader = body.read()[Symbol.asyncIterator]();
  await reader.next();
  await wait;
  const again = body.push(bytes(256 * 1024));
  assert.ok(again instanceof Promise);
  await reader.return!();
  await again;
  assert.equal(body.unwanted, true);
  assert.equal(body.push(bytes(512 * 1024)), undefined);
});

test('a broken-off body throws at its reader and frees its writer', async () => {
  const body = new StreamedBody();
  const reading = collect(body.read(), 100);
  await turn();
  body.fail(new FilterError('body_gone', 'gone'));
  await assert.rejects(reading, { code: 'body_gone' });
  assert.equal(body.push(bytes(1e6)), undefined);
});
