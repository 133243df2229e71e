import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_DEPTH, MAX_TEXT, MAX_VALUES, isMapping, readDocument } from './document.ts';
import { offTheMargin } from './margin.ts';

const around = { env: {}, base: '/' };
const read = (text: string): unknown => {
  const doc = readDocument(text, around);
  if ('issues' in doc) return doc.issues[0]!.message;
  return doc.flaws[0]?.message ?? doc.value;
};
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('any JSON is read as what it is', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      fc.pre(!text.includes('"__proto__"') && !/"(?:env|file)"/.test(text));
      assert.deepEqual(plain(read(text)), JSON.parse(text));
    }),
    { numRuns: 300 },
  );
});

test('mappings have no prototype, and __proto__ is refused', () => {
  const value = read('constructor: {toString: 1}');
  assert.ok(isMapping(value));
  assert.deepEqual(Object.keys(value), ['constructor']);
  assert.equal(isMapping({}), false);
  assert.equal(isMapping([]), false);
  assert.equal(read('{"__proto__": {"admin": true}}'), 'this key is not allowed');
  assert.equal(({} as Record<string, unknown>)['admin'], undefined);
});

test('a key is written once', () => {
  assert.equal(read('a: 1\nb: 2\na: 3'), 'this key is written twice');
  assert.equal(read('{"1": 1, 1: 2}'), 'this key is written twice');
});

test('nesting is bounded', () => {
  const nested = (n: number): string => `${'['.repeat(n)}${']'.repeat(n)}`;
  assert.ok(Array.isArray(read(nested(MAX_DEPTH + 1))));
  for (const text of [
    nested(MAX_DEPTH + 2),
    nested(100),
    nested(101),
    '['.repeat(200_000),
    '- '.repeat(100_000),
    '? '.repeat(50_000),
    '{a: '.repeat(50_000),
    'a: &x [*x]',
    Array.from({ length: 500 }, (_, i) => ' '.repeat(i) + 'a:').join('\n'),
  ])
    assert.match(String(read(text)), /nested/, text.slice(0, 40));
});

test('the text and the number of values are bounded', () => {
  const comment = (n: number): string => `a: 1 #${'x'.repeat(n - 6)}`;
  assert.deepEqual(plain(read(comment(MAX_TEXT))), { a: 1 });
  assert.match(String(read(comment(MAX_TEXT + 1))), /longer than/);
  assert.match(String(read(`[${'1,'.repeat(MAX_VALUES - 1)}]`)), /^1,1/);
  assert.match(String(read(`[${'1,'.repeat(MAX_VALUES)}]`)), /more than 50000 values/);
  const bomb = ['a: &a [1,1,1,1,1,1,1,1,1,1]'];
  for (const [x, y] of ['ab', 'bc', 'cd', 'de', 'ef'])
    bomb.push(`${y}: &${y} [${Array(10).fill(`*${x}`).join(',')}]`);
  assert.match(String(read(bomb.join('\n'))), /more than 50000 values/);
});

test('tags, several documents, odd keys and unknown anchors are refused', () => {
  assert.match(String(read('a: !x 1')), /tag/);
  assert.match(String(read('a: 1\n---\na: 2')), /documents/);
  assert.match(String(read('? [a]\n: 1')), /key must be a word/);
  assert.match(String(read('~: 1')), /key must be a word/);
  assert.match(String(read('a: *b')), /[Uu]nresolved alias|not defined/);
});

test('places are those of the file, columns within a quoted text too', () => {
  const doc = readDocument('a:\n  - b: "text"\n    c: {"2": x, "10": y}\n', around);
  assert.ok('locate' in doc);
  const at = (path: (string | number)[], key: 'key' | 'value' = 'value', offset?: number) =>
    doc.locate({ path, at: key, ...(offset === undefined ? {} : { offset }) });
  assert.deepEqual(at(['a', 0, 'b'], 'key'), { path: 'a[0].b', line: 2, column: 5 });
  assert.deepEqual(at(['a', 0, 'b']), { path: 'a[0].b', line: 2, column: 8 });
  assert.deepEqual(at(['a', 0, 'b'], 'value', 2), { path: 'a[0].b', line: 2, column: 11 });
  assert.deepEqual(at(['a', 0, 'b', 0]), { path: 'a[0].b', line: 2, column: 8 });
  assert.deepEqual(at(['a', 0, 'c', 1]), { path: 'a[0].c.10', line: 3, column: 23 });
  assert.deepEqual(doc.locate({ path: ['a', 0, 'c', 10], at: 'value', keyed: 'number' }).column, 23);
  assert.deepEqual(at(['a', 0, 'gone', 'deep']), { path: 'a[0].gone.deep', line: 2, column: 5 });
});

test('JSON pasted at the margin is read, its places are those of the file', () => {
  for (const text of [
    'a:\n[\n{\n"b": 1\n}\n]\nz: 2\n',
    'a: [\n{\n"b": 1\n}\n]\nz: 2\n',
    'a: # here\r\n[\r\n{\n"b": 1}]\nz: 2',
  ]) {
    const doc = readDocument(text, around);
    assert.ok('locate' in doc, text);
    assert.deepEqual(plain(doc.value), { a: [{ b: 1 }], z: 2 });
    assert.equal(doc.locate({ path: ['a', 0, 'b'], at: 'key' }).column, text.includes('\n"b"') ? 1 : 2);
  }
});

test('text without such JSON is left as it is', () => {
  for (const text of [
    'a: "[\n{"',
    'a: [1, 2]\nb:\n  [3]\n',
    "a: it's\n[",
    'a: |\n  b: [\n  ]\n',
    'a:\n[ "]" ',
  ])
    assert.equal(offTheMargin(text).text, text);
  assert.equal(offTheMargin('a:\n[ "]\\"", \']\' # ]\n]').text, 'a:\n [ "]\\"", \']\' # ]\n ]');
});

test('no text makes the reader throw', () => {
  const bits = fc.array(
    fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '#',
      '&x',
      '*x',
      '!',
      '|',
      '>',
      '%',
      '?',
      '\t',
      '0',
      '---\n',
      'env',
      'file',
      '\u2028',
      '\ud800',
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(bits, (parts) => {
      const doc = readDocument(parts.join(''), around);
      if ('issues' in doc) for (const i of doc.issues) assert.ok(i.line >= 1 && i.column >= 1);
    }),
    { numRuns: 1000 },
  );
});
