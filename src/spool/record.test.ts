import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  BODY_FILE,
  decodeContent,
  decodeMeta,
  encodeInline,
  encodeMeta,
  encodeOnFile,
  isInState,
  readTimeKey,
  timeKey,
} from './record.ts';
import { metaOf, pattern, recipient } from './samples.cases.ts';

const FILE = '12-ab-ff.k2.0';

test('any text in an entry comes back unchanged', () => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  fc.assert(
    fc.property(text, text, text, fc.boolean(), (sender, address, reason, onFile) => {
      const meta = metaOf({
        sender,
        recipients: [recipient(address)],
        state: 'held',
        hold: { reason, by: sender },
      });
      const file = onFile ? FILE : null;
      const record = encodeMeta(meta, file);
      assert.deepEqual(decodeMeta(record, meta.id), { meta, file });
      assert.ok(isInState(record, 'held') && !isInState(record, 'queued'));
    }),
  );
});

test('a meta record of another id, cut short or overwritten is damaged, and decoding never throws', () => {
  const meta = metaOf();
  const record = encodeMeta(meta, FILE);
  assert.equal(decodeMeta(record, 'other'), null);
  for (let end = 0; end < record.length; end++)
    assert.equal(decodeMeta(record.subarray(0, end), meta.id), null);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => decodeMeta(Buffer.from(bytes), 'x') === null),
  );
  for (const wrong of [
    { recipients: null },
    { due: null },
    { state: 'gone' },
    { origin: null },
    { sender: 1 },
  ]) {
    const text = `\x01q\x00${JSON.stringify({ ...meta, ...wrong })}`;
    assert.equal(decodeMeta(Buffer.from(text), meta.id), null);
  }
});

test('content records give back header and body, and are damaged at any other length', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.uint8Array({ maxLength: 200 })),
      (header, chunks) => {
        const body = Buffer.concat(chunks);
        const record = encodeInline(header, chunks, body.length);
        const content = decodeContent(record);
        assert.ok(content?.kind === 'inline' && content.header.equals(header) && content.body.equals(body));
        assert.equal(decodeContent(record.subarray(0, -1)), null);
        assert.equal(decodeContent(Buffer.concat([record, Buffer.alloc(1)])), null);
        const onFile = decodeContent(encodeOnFile(header, FILE, 2 ** 40));
        assert.ok(onFile?.kind === 'file' && onFile.header.equals(header));
        assert.deepEqual([onFile.file, onFile.size], [FILE, 2 ** 40]);
      },
    ),
  );
});

test('content that is no record of ours is damaged, and decoding never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      if (bytes[0] === 1) bytes[0] = 2;
      return decodeContent(Buffer.from(bytes)) === null;
    }),
  );
  for (const name of ['../../etc/passwd', 'a/b', '.', '..', 'a.b.c/d', 'x'.repeat(200)])
    assert.equal(decodeContent(encodeOnFile(pattern(3), name, 5)), null);
  assert.equal(decodeContent(encodeOnFile(pattern(3), FILE, -1)), null);
  assert.equal(decodeContent(encodeOnFile(pattern(3), FILE, Number.NaN)), null);
  assert.ok(BODY_FILE.test(FILE));
});

test('time keys sort by time, then id, and hold both', () => {
  const at = fc.oneof(fc.maxSafeNat(), fc.nat(70_000));
  fc.assert(
    fc.property(at, at, (a, b) => {
      const [x, y] = [timeKey(a, 'm'), timeKey(b, 'm')];
      assert.deepEqual(readTimeKey(x), { at: a, id: 'm' });
      assert.equal(Math.sign(Buffer.compare(x, y)), Math.sign(a - b));
    }),
  );
  assert.equal(Buffer.compare(timeKey(5, 'a'), timeKey(5, 'b')), -1);
  assert.equal(Buffer.compare(timeKey(5, ''), timeKey(5, 'a')), -1);
  assert.equal(readTimeKey(timeKey(-5, 'a')).at, 0);
  assert.equal(readTimeKey(timeKey(5.9, 'a')).at, 5);
  assert.equal(readTimeKey(timeKey(1e300, 'a')).at, Number.MAX_SAFE_INTEGER);
});
