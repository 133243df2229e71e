import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Input } from './input.ts';

/** Every line, or the kind of its fault, of `text` cut into `cuts`. */
function lines(text: string, maxLine: number, cuts: readonly number[]): string[] {
  const input = new Input(maxLine);
  const bytes = Buffer.from(text, 'latin1');
  const got: string[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const next = at + cuts[i % cuts.length]!;
    input.push(bytes.subarray(at, next));
    at = next;
    for (let line = input.nextLine(); line !== null; line = input.nextLine()) {
      got.push(typeof line === 'string' ? line : `!${line.kind}`);
      if (got.at(-1) === '!flood') return got;
    }
  }
  assert.equal(input.size, 0);
  return got;
}

/** The same by splitting the whole. */
function law(text: string, maxLine: number): string[] {
  return text
    .split('\r\n')
    .slice(0, -1)
    .map((line) =>
      line.length + 2 > maxLine ? '!too-long' : line.includes('\n') ? '!bare-line-feed' : line,
    );
}

test('only CRLF ends a line, however the input is cut', () => {
  const piece = fc.constantFrom('\r\n', '\r', '\n', 'NOOP', 'x'.repeat(15), '\xff', ' ');
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
      (pieces, cuts) => {
        const text = pieces.join('');
        assert.deepEqual(lines(text, 20, cuts), law(text, 20));
      },
    ),
    { numRuns: 2000 },
  );
});

test('the limit counts CRLF: 0, 2, the limit, one more', () => {
  for (const cut of [1, 3, 1000]) {
    assert.deepEqual(lines('\r\n', 0, [cut]), ['!too-long']);
    assert.deepEqual(lines('\r\na\r\n', 2, [cut]), ['', '!too-long']);
    assert.deepEqual(lines('12345678\r\n123456789\r\nok\r\n', 10, [cut]), ['12345678', '!too-long', 'ok']);
  }
});

test('a line without end is a flood after 128 KiB, with line feeds in it or not', () => {
  for (const block of ['x'.repeat(1024), 'x\n'.repeat(512)]) {
    assert.deepEqual(lines(block.repeat(128), 2048, [1024]), []);
    assert.deepEqual(lines(block.repeat(131), 2048, [1024]), ['!flood']);
  }
});

test('says when it is full: by bytes, and by chunks', () => {
  const bytes = new Input(100);
  bytes.push(Buffer.alloc(65_535));
  assert.ok(!bytes.full);
  bytes.push(Buffer.alloc(1));
  assert.ok(bytes.full);
  const chunks = new Input(100);
  for (let i = 0; i < 255; i++) chunks.push(Buffer.from('x'));
  assert.ok(!chunks.full);
  chunks.push(Buffer.from('x'));
  assert.ok(chunks.full);
});
