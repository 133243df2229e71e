import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, latin1 } from '#message';
import { DotUnstuffer, type ContentRules } from '#smtp/protocol';

const REJECT: ContentRules = { bareLineEnds: 'reject', maxSize: Infinity, maxLineLength: Infinity };
const NORMALISE: ContentRules = { ...REJECT, bareLineEnds: 'normalise' };

interface Read {
  content: string;
  fault: string | null;
  /** What follows the end; null when the end was not seen. */
  rest: string | null;
}

/** Reads `text`, cut into the given lengths (the last one repeats), as a server would. */
function read(text: string, rules: ContentRules, cuts: readonly number[] = [text.length || 1]): Read {
  const reader = new DotUnstuffer(rules);
  const out: Uint8Array[] = [];
  let at = 0;
  for (let i = 0; at < text.length && !reader.done; i++) {
    const chunk = bytesOf(text.slice(at, at + cuts[Math.min(i, cuts.length - 1)]!));
    at += reader.push(chunk, 0, out);
  }
  const content = out.map((piece) => latin1(piece)).join('');
  assert.equal(reader.size, content.length);
  return {
    content: reader.fault ? '' : content,
    fault: reader.fault,
    rest: reader.done ? text.slice(at) : null,
  };
}

/** The law in its plainest form, by another way than the code's: regular expressions over the whole text. */
function law(text: string, rules: ContentRules): Read {
  const m = /^(?:\.\r\n|[^]*?\r\n\.\r\n)/.exec(text);
  const whole = m ? m[0] : text;
  const inside = m ? whole.slice(0, -3) : text;
  // Without an end, what may still become the end marker is held back.
  const open = m ? inside : inside.replace(/(^|\r\n)\.\r?$/, '$1');
  let content = open.replace(/(^|\r\n)\.(?!$)/g, '$1');
  const bare = /(?<!\r)\n|\r(?!\n)/;
  const seen = m ? inside : open.endsWith('\r') ? open.slice(0, -1) : open;
  const nul = seen.indexOf('\0');
  const lone = rules.bareLineEnds === 'reject' ? seen.search(bare) : -1;
  let fault: string | null = null;
  if (nul >= 0 && (lone < 0 || nul < lone)) fault = 'nul';
  else if (lone >= 0) fault = 'bare-line-end';
  if (rules.bareLineEnds === 'normalise') content = content.replace(/\r(?!\n|$)|(?<!\r)\n/g, '\r\n');
  if (m && rules.bareLineEnds === 'normalise') content = content.replace(/\r$/, '\r\n');
  return { content: fault ? '' : content, fault, rest: m ? text.slice(whole.length) : null };
}

const GOOD: [string, string][] = [
  ['.\r\n', ''],
  ['a\r\n.\r\n', 'a\r\n'],
  ['..\r\n.\r\n', '.\r\n'],
  ['..a\r\n.b\r\n...\r\n.\r\n', '.a\r\nb\r\n..\r\n'],
  ['a.\r\n .\r\n.\r\n', 'a.\r\n .\r\n'],
  ['\r\n\r\n.\r\n', '\r\n\r\n'],
];

test('takes stuffed dots out and stops at the end, cut at every place', () => {
  for (const [wire, content] of GOOD) {
    const whole = wire + 'MAIL FROM:<>\r\n';
    for (let cut = 1; cut <= whole.length; cut++)
      for (const next of [1, 2, 3, 1000]) {
        const got = read(whole, REJECT, [cut, next]);
        assert.equal(got.fault, null);
        assert.equal(got.content, content, JSON.stringify([wire, cut, next]));
        assert.equal(got.rest, 'MAIL FROM:<>\r\n');
      }
  }
});

// Reference reliability S01.
const FALSE_ENDS = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\n',
  '\n.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\r\n.\r\r\n',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
];
const SMUGGLED = 'MAIL FROM:<evil@ext.test>\r\nRCPT TO:<a@in.test>\r\nDATA\r\nevil\r\n.\r\n';

test('a false end never ends content, under either rule and however it is cut', () => {
  for (const end of FALSE_ENDS) {
    const whole = `Subject: x\r\n\r\nbody${end}${SMUGGLED}after`;
    for (const rules of [REJECT, NORMALISE])
      for (let cut = 1; cut <= whole.length; cut++)
        for (const next of [1, 1000]) {
          const got = read(whole, rules, [cut, next]);
          assert.equal(got.rest, 'after', JSON.stringify([end, cut]));
          if (rules === REJECT) assert.equal(got.fault, end.includes('\0') ? 'nul' : 'bare-line-end');
          else if (!end.includes('\0')) {
            assert.doesNotMatch(got.content, /(?<!\r)\n|\r(?!\n)/);
            assert.ok(got.content.includes('evil@ext.test'));
          }
        }
  }
});

test('under normalise each lone CR or LF becomes CRLF, and a dot behind one is an ordinary dot', () => {
  const got = read('a\nb\rc\r\r\nd\n..\r\n..x\r\n.\r\n', NORMALISE);
  assert.equal(got.content, 'a\r\nb\r\nc\r\n\r\nd\r\n..\r\n.x\r\n');
  assert.equal(got.fault, null);
});

const text = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom('\r\n', '.', '..', 'x', '\r\n.', '\r\n.\r\n', 'long '.repeat(20)),
      },
      { weight: 1, arbitrary: fc.constantFrom('\r', '\n', '\0', '\t', '\xff', '\x80\x0b') },
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

test('agrees with the law, however the content is cut', () => {
  fc.assert(
    fc.property(
      text,
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      (wire, cuts, reject) => {
        const rules = reject ? REJECT : NORMALISE;
        const whole = wire + 'x\r\n.\r\nrest';
        assert.deepEqual(read(whole, rules, cuts), law(whole, rules));
      },
    ),
    { numRuns: 3000 },
  );
});

test('agrees with the law on content that has no end yet', () => {
  fc.assert(
    fc.property(text, (wire) => {
      const expected = law(wire, REJECT);
      if (expected.rest !== null) return;
      assert.equal(read(wire, REJECT).rest, null);
      assert.equal(read(wire, REJECT).fault, expected.fault);
    }),
    { numRuns: 1000 },
  );
});

test('finds line ends at every alignment and length', () => {
  for (let offset = 0; offset < 8; offset++)
    for (let length = 60; length < 140; length++) {
      const wire = 'y'.repeat(length - 3) + '\t\x0b\xff';
      const store = new Uint8Array(400);
      const bytes = bytesOf(`${wire}\r\n..z\r\n.\r\nQUIT`);
      store.set(bytes, offset);
      const out: Uint8Array[] = [];
      const reader = new DotUnstuffer(REJECT);
      const end = reader.push(store.subarray(offset, offset + bytes.length), 0, out);
      assert.equal(latin1(out[0]!), `${wire}\r\n.z\r\n`);
      assert.equal(end, bytes.length - 4);
    }
});

test('gives out views of the chunk, one per chunk, and leaves what follows the end alone', () => {
  const chunk = bytesOf('NOOP\r\n' + '..\r\n'.repeat(500) + `..${'z'.repeat(100)}\r\n.\r\nQUIT\r\n`);
  const out: Uint8Array[] = [];
  const end = new DotUnstuffer(REJECT).push(chunk, 6, out);
  assert.equal(out.length, 1);
  assert.equal(out[0]!.buffer, chunk.buffer);
  assert.equal(latin1(out[0]!), '.\r\n'.repeat(500) + `.${'z'.repeat(100)}\r\n`);
  assert.equal(latin1(chunk, end), 'QUIT\r\n');
});

test('the size limit counts un-stuffed bytes: 0, the limit, one more', () => {
  const sized = (size: number, content: string): string | null =>
    read(`${content}.\r\n`, { ...REJECT, maxSize: size }, [3]).fault;
  assert.equal(sized(0, ''), null);
  assert.equal(sized(0, '\r\n'), 'size');
  assert.equal(sized(10, '..345678\r\n'), null); // 9 bytes
  assert.equal(sized(10, '..3456789\r\n'), null); // 10
  assert.equal(sized(10, '..3456789a\r\n'), 'size'); // 11
  assert.equal(sized(10, '123456789\r\n'), 'size');
});

test('after a fault nothing more is given out, and the end is still found', () => {
  const reader = new DotUnstuffer({ ...REJECT, maxSize: 5 });
  const out: Uint8Array[] = [];
  for (const chunk of ['123\r\n', '6789\r\n', '\r\n', '.\r\nQUIT']) reader.push(bytesOf(chunk), 0, out);
  assert.equal(out.length, 1);
  assert.equal(reader.fault, 'size');
  assert.ok(reader.done);
});

test('a line of a megabyte passes unchanged when lines have no limit', () => {
  const line = 'w'.repeat(1_000_000);
  assert.equal(read(`${line}\r\n.\r\n`, REJECT, [65_536]).content, `${line}\r\n`);
});

test('the line limit: 0, the limit, one more, in either reader and over cuts', () => {
  const limited = (max: number, wire: string, rules: ContentRules, cut: number): string | null =>
    read(wire, { ...rules, maxLineLength: max }, [cut]).fault;
  for (const rules of [REJECT, NORMALISE])
    for (const cut of [1, 2, 3, 5, 7, 100]) {
      assert.equal(limited(0, '\r\n\r\n.\r\n', rules, cut), null);
      assert.equal(limited(0, '\r\n..\r\n.\r\n', rules, cut), 'line-length');
      assert.equal(limited(5, 'aaaaa\r\n..bbbb\r\n.\r\n', rules, cut), null, `${rules.bareLineEnds} ${cut}`);
      assert.equal(limited(5, 'aaaaa\r\nbbbbbb\r\n.\r\n', rules, cut), 'line-length');
      assert.equal(limited(5, 'bbbbbbb', rules, cut), 'line-length', 'before its end is seen');
    }
  for (const cut of [1, 2, 3, 5, 100]) {
    assert.equal(limited(5, 'aaaaa\nbbbbb\rccccc\r\n.\r\n', NORMALISE, cut), null);
    assert.equal(limited(5, 'aaaaa\nbbbbbb\nccc\r\n.\r\n', NORMALISE, cut), 'line-length');
  }
});
