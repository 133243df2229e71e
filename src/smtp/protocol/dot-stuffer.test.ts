import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, latin1 } from '#message';
import { DotStuffer } from './dot-stuffer.ts';

/** The rule of RFC 5321 4.5.2 on a whole text, written independently of the code under test. */
function expected(text: string): string {
  const lines = text.replace(/\r\n|\r|\n/g, '\r\n').split('\r\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((l) => (l.startsWith('.') ? '.' : '') + l + '\r\n').join('') + '.\r\n';
}

function stuffed(chunks: readonly string[]): string {
  const stuffer = new DotStuffer();
  const out: Uint8Array[] = [];
  for (const c of chunks) stuffer.push(bytesOf(c), out);
  stuffer.end(out);
  return out.map((c) => latin1(c)).join('');
}

/** Every way to cut a text in two, and byte by byte. */
function* cuts(text: string): Generator<string[]> {
  yield text.split('');
  for (let i = 0; i <= text.length; i++) yield [text.slice(0, i), text.slice(i)];
}

const CASES: readonly [string, string][] = [
  ['', '.\r\n'],
  ['a', 'a\r\n.\r\n'],
  ['a\r\n', 'a\r\n.\r\n'],
  ['.', '..\r\n.\r\n'],
  ['.\r\n', '..\r\n.\r\n'],
  ['a\r\n.\r\nb\r\n', 'a\r\n..\r\nb\r\n.\r\n'],
  ['a\r\n..b', 'a\r\n...b\r\n.\r\n'],
  ['a.\r\n.b.\r\n', 'a.\r\n..b.\r\n.\r\n'],
  ['a\n.\nb', 'a\r\n..\r\nb\r\n.\r\n'],
  ['a\r.\rb', 'a\r\n..\r\nb\r\n.\r\n'],
  ['a\r\r\nb', 'a\r\n\r\nb\r\n.\r\n'],
  ['a\n\r\n', 'a\r\n\r\n.\r\n'],
  ['a\r', 'a\r\n.\r\n'],
  ['\n', '\r\n.\r\n'],
  ['\r', '\r\n.\r\n'],
  ['\r\n', '\r\n.\r\n'],
  ['\r\n\r\n.', '\r\n\r\n..\r\n.\r\n'],
];

test('each text becomes what the standard says, however it is cut', () => {
  for (const [text, wire] of CASES)
    for (const chunks of cuts(text)) assert.equal(stuffed(chunks), wire, JSON.stringify(chunks));
});

test('any text in any chunks comes out as the rule on the whole text says', () => {
  const piece = fc.constantFrom('\r', '\n', '.', '\r\n', 'a', '\r\n.', 'text of a line', '\xff', '\0');
  fc.assert(
    fc.property(fc.array(fc.array(piece, { maxLength: 60 }), { maxLength: 6 }), (parts) => {
      const chunks = parts.map((p) => p.join(''));
      assert.equal(stuffed(chunks), expected(chunks.join('')));
    }),
    { numRuns: 2000 },
  );
});

test('a clean chunk is given out as it is, not copied', () => {
  const chunk = bytesOf('Subject: x\r\n\r\nhello\r\nworld.\r\n');
  const out: Uint8Array[] = [];
  new DotStuffer().push(chunk, out);
  assert.deepEqual(out.length, 1);
  assert.equal(out[0], chunk);
});

test('a chunk full of dots or bare line ends yields few pieces and at most twice the bytes', () => {
  for (const line of ['.\r\n', '\n', '\r', '.\n']) {
    const text = line.repeat(20_000);
    const chunk = bytesOf(text);
    const out: Uint8Array[] = [];
    const stuffer = new DotStuffer();
    stuffer.push(chunk, out);
    assert.ok(out.length < 80, `${out.length} pieces`);
    stuffer.end(out);
    const wire = out.map((c) => latin1(c)).join('');
    assert.equal(wire, expected(text));
    assert.ok(wire.length <= 2 * chunk.length + 5);
  }
});
