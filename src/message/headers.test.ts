import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeaderSplitter, bytesOf, latin1, makeField, parseField, type HeaderField } from '#message';

const split = (chunks: Uint8Array[]): { fields: string[]; body: string; size: number } => {
  const splitter = new HeaderSplitter();
  const out: HeaderField[] = [];
  let body = '';
  for (const chunk of chunks) {
    const rest = splitter.push(chunk, out);
    if (rest) body += latin1(rest);
  }
  const rest = splitter.end(out);
  if (rest) body += latin1(rest);
  return { fields: out.map((f) => latin1(f.raw)), body, size: splitter.size };
};

const MESSAGES: [string, string[], string][] = [
  ['A: 1\r\nB: 2\r\n\r\nbody\r\n', ['A: 1\r\n', 'B: 2\r\n'], 'body\r\n'],
  ['A: 1\r\n\tfold\r\nB:\r\n\r\n', ['A: 1\r\n\tfold\r\n', 'B:\r\n'], ''],
  ['\r\nonly body', [], 'only body'],
  ['A: 1\r\nno colon here\r\nB: 2\r\n', ['A: 1\r\n'], 'no colon here\r\nB: 2\r\n'],
  ['A : spaced\r\n\r\nx', ['A : spaced\r\n'], 'x'],
  ['A: 1\r\n', ['A: 1\r\n'], ''],
  ['A: 1\r\n \r\n\r\nx', ['A: 1\r\n \r\n'], 'x'],
  [' leading\r\n\r\nx', [], ' leading\r\n\r\nx'],
  ['', [], ''],
];

test('splits header from body whole, byte by byte and cut at every offset', () => {
  for (const [text, fields, body] of MESSAGES) {
    const bytes = bytesOf(text);
    const cuts = [[bytes], [...bytes].map((b) => Uint8Array.of(b))];
    for (let i = 1; i < bytes.length; i++) cuts.push([bytes.subarray(0, i), bytes.subarray(i)]);
    for (const cut of cuts) {
      const got = split(cut);
      assert.deepEqual([got.fields, got.body], [fields, body], JSON.stringify(text));
    }
  }
});

test('a field within one chunk is a view, not a copy', () => {
  const bytes = bytesOf('A: 1\r\nB: 2\r\n\r\n');
  const out: HeaderField[] = [];
  new HeaderSplitter().push(bytes, out);
  assert.equal(out[1]!.raw.buffer, bytes.buffer);
  assert.equal(out[1]!.name, 'B');
  assert.equal(latin1(out[1]!.value), ' 2');
});

test('a field that comes in many small chunks costs work in proportion to its size, whatever it is made of', (t) => {
  const kinds: Record<string, string> = {
    folds: 'X: a\r\n' + ' b\r\n'.repeat(2000),
    'one line': `X: ${'b'.repeat(8000)}\r\n`,
    'no field': `${'b'.repeat(8000)}\r\n`,
  };
  let copied = 0;
  let searched = 0;
  const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
  const { value: set } = Object.getOwnPropertyDescriptor(typedArray, 'set') as {
    value: typeof typedArray.set;
  };
  const { value: indexOf } = Object.getOwnPropertyDescriptor(typedArray, 'indexOf') as {
    value: typeof typedArray.indexOf;
  };
  t.mock.method(typedArray, 'set', function (this: Uint8Array, source: Uint8Array, at?: number) {
    copied += source.length;
    set.call(this, source, at);
  });
  t.mock.method(typedArray, 'indexOf', function (this: Uint8Array, byte: number, from = 0) {
    const found = indexOf.call(this, byte, from);
    searched += (found < 0 ? this.length : found + 1) - from;
    return found;
  });
  for (const [kind, text] of Object.entries(kinds))
    for (const step of [1, 7, 1100]) {
      const bytes = bytesOf(`${text}\r\nbody`);
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += step) chunks.push(bytes.subarray(at, at + step));
      const splitter = new HeaderSplitter();
      const out: HeaderField[] = [];
      copied = searched = 0;
      for (const chunk of chunks) {
        splitter.push(chunk, out);
        if (splitter.done) break;
      }
      assert.equal(splitter.done, true);
      assert.equal(out.length, kind === 'no field' ? 0 : 1);
      assert.ok(searched <= 1.1 * bytes.length, `${kind} by ${step}: ${searched} bytes searched`);
      assert.ok(copied <= 6 * bytes.length, `${kind} by ${step}: ${copied} bytes copied`);
    }
});

test('what is held back is kept apart from the chunk it came in', () => {
  const splitter = new HeaderSplitter();
  const out: HeaderField[] = [];
  const all = bytesOf('A: 1\r\n 2\r\n 3\r\nB: 4\r\n\r\n');
  const before = latin1(all);
  for (const [from, to] of [
    [0, 4],
    [4, 9],
    [9, 10],
    [10, 17],
    [17, all.length],
  ] as const) {
    splitter.push(all.subarray(from, to), out);
    if (!splitter.done) assert.equal(splitter.size + splitter.pending, to);
  }
  assert.deepEqual(
    out.map((f) => latin1(f.raw)),
    ['A: 1\r\n 2\r\n 3\r\n', 'B: 4\r\n'],
  );
  assert.equal(latin1(all), before);
});

test('what is no header field is refused', () => {
  for (const bad of [': x\r\n', 'a b: x\r\n', '\xe9: x\r\n', 'abc\r\n', '\r\n'])
    assert.equal(parseField(bytesOf(bad)), null, bad);
});

test('makeField writes folds as CRLF and refuses what would break out', () => {
  assert.equal(latin1(makeField('X-A', ' one\n\ttwo').raw), 'X-A: one\r\n\ttwo\r\n');
  for (const [name, value] of [
    ['X:', ' a'],
    ['', ' a'],
    ['X A', ' a'],
    ['X', ' a\nEvil: 1'],
    ['X', ' a\r\n\r\nb'],
    ['X', 'a\rb'],
    ['X', 'a\0'],
  ])
    assert.throws(() => makeField(name!, value!), RangeError, JSON.stringify([name, value]));
});

test('splitting loses no byte, however the content is cut', () => {
  const line = fc.constantFrom(
    'A: b\r\n',
    'Long-Name: x\r\n',
    ' fold\r\n',
    '\r\n',
    'no field\r\n',
    'é: 8\r\n',
    'tail',
  );
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 12 }),
      fc.array(fc.nat(40), { maxLength: 10 }),
      (lines, sizes) => {
        const bytes = bytesOf(lines.join(''));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const s of sizes) chunks.push(bytes.subarray(at, (at += s)));
        chunks.push(bytes.subarray(at));
        const got = split(chunks);
        assert.deepEqual(got, split([bytes]));
        const blank = got.size - got.fields.join('').length;
        assert.equal(got.fields.join('') + '\r\n'.repeat(blank / 2) + got.body, latin1(bytes));
      },
    ),
  );
});
