import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, latin1 } from '#message';
import { FrameReader, FrameWriter, MilterProtocolError, type Frame } from '#milter/protocol';
import { everyCut, hex } from './vectors.cases.ts';

const readAll = (chunks: readonly Uint8Array[], limit = 1000): Frame[] => {
  const reader = new FrameReader(limit);
  const frames: Frame[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let f = reader.next(); f; f = reader.next()) frames.push(f);
  }
  assert.equal(reader.pending, 0);
  return frames;
};

const codeOf = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    assert.ok(error instanceof MilterProtocolError);
    return error.code;
  }
  return 'none';
};

test('frames come out the same whole, byte by byte and cut at every offset', () => {
  const bytes = hex('00000001 63  00000005 42 68690d0a  00000001 45  00000009 68 582d4100 6f6e6500');
  for (const chunks of everyCut(bytes)) {
    const frames = readAll(chunks).map((f) => String.fromCharCode(f.code) + latin1(f.payload));
    assert.deepEqual(frames, ['c', 'Bhi\r\n', 'E', 'hX-A\0one\0']);
  }
});

test('a payload within one chunk is a view of it', () => {
  const chunk = hex('00000001 63  00000004 62 616263');
  const [, body] = readAll([chunk]);
  assert.equal(body!.payload.buffer, chunk.buffer);
});

test('the length field is bound: 0, 1, the limit and one more', () => {
  assert.equal(
    codeOf(() => readAll([hex('00000000')])),
    'frame_invalid',
  );
  assert.equal(readAll([hex('00000001 63')], 1).length, 1);
  assert.equal(readAll([hex('00000003 62 0102')], 3).length, 1);
  assert.equal(
    codeOf(() => readAll([hex('00000004 62 010203')], 3)),
    'frame_too_large',
  );
  assert.equal(
    codeOf(() => readAll([hex('00000001 63')], 0)),
    'frame_too_large',
  );
  assert.equal(
    codeOf(() => readAll([hex('7fffffff')])),
    'frame_too_large',
  );
  assert.equal(
    codeOf(() => readAll([hex('ffffffff')])),
    'frame_too_large',
  );
});

test('other programs are recognised by what they say', () => {
  const cases: [string, RegExp][] = [
    ['UNKNOWN COMMAND\n', /clamd/],
    ['HTTP/1.1 400 Bad Request', /HTTP server.*11332/],
    ['220 mx.example ESMTP', /SMTP server/],
    ['* OK IMAP4rev1', /IMAP/],
    ['\x15\x03\x01\0\x02\x02\x46', /TLS.*useTls/],
    ['\x16\x03\x01\x02\0', /TLS/],
    ['GET / HTTP/1.1', /HTTP client/],
  ];
  for (const [text, expected] of cases) {
    const reader = new FrameReader(50_000_000);
    reader.push(bytesOf(text));
    assert.throws(
      () => reader.next(),
      (e) => e instanceof MilterProtocolError && e.code === 'not_a_milter' && expected.test(e.message),
      text,
    );
  }
});

test('a large frame in tiny pieces is gathered in linear time and without announcing memory', () => {
  const size = 400_000;
  const reader = new FrameReader(size + 1);
  reader.push(hex('00061a81 62'));
  const started = performance.now();
  for (let i = 0; i < size; i++) {
    reader.push(Uint8Array.of(i & 0xff));
    if (i < size - 1) assert.equal(reader.next(), null);
  }
  const frame = reader.next()!;
  assert.equal(frame.payload.length, size);
  for (let i = 0; i < size; i += 997) assert.equal(frame.payload[i], i & 0xff);
  assert.ok(performance.now() - started < 2000);
});

test('small pieces between large ones keep their order', () => {
  const payload = new Uint8Array(10_000).map((_, i) => (i * 7) & 0xff);
  const bytes = new Uint8Array([...hex('00002711 62'), ...payload, ...hex('00000001 63')]);
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of [3, 1, 2000, 5, 7, 3000, 1, 1, 1, 4000, 10_000]) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  const frames = readAll(chunks, 20_000);
  assert.deepEqual(frames[0]!.payload, payload);
  assert.equal(frames[1]!.code, 0x63);
});

test('any frames survive any cutting', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 2500 }), { maxLength: 30 }),
      (payloads, sizes) => {
        const writer = new FrameWriter();
        for (const p of payloads) writer.raw(0x42, [p.subarray(0, 100), p.subarray(100)]);
        const bytes = join(writer.take());
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const s of sizes) chunks.push(bytes.subarray(at, (at += s)));
        chunks.push(bytes.subarray(at));
        const frames = readAll(chunks, 4000);
        assert.deepEqual(
          frames.map((f) => [...f.payload]),
          payloads.map((p) => [...p]),
        );
      },
    ),
    { numRuns: 60 },
  );
});

const join = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(parts.flatMap((p) => [...p]));

test('the writer gathers frames into one buffer and passes large payloads through uncopied', () => {
  const writer = new FrameWriter();
  const large = new Uint8Array(2000).fill(7);
  writer.open(0x48).string('a').close();
  writer.bare(0x54);
  writer.raw(0x42, [large]);
  writer.bare(0x45);
  assert.equal(writer.size, 7 + 5 + 2005 + 5);
  const parts = writer.take();
  assert.equal(parts.length, 3);
  assert.equal(parts[1], large);
  assert.equal(latin1(parts[0]!), latin1(hex('00000003 48 6100  00000001 54  000007d1 42')));
  assert.equal(writer.size, 0);
  assert.deepEqual(writer.take(), []);
});

test('what was taken is never touched again', () => {
  const writer = new FrameWriter();
  const taken: [Uint8Array, string][] = [];
  for (let i = 0; i < 500; i++) {
    writer
      .open(0x4c)
      .string('Name')
      .string('x'.repeat(i * 3))
      .close();
    for (const part of writer.take()) taken.push([part, latin1(part)]);
  }
  for (const [part, text] of taken) assert.equal(latin1(part), text);
});

test('a NUL inside text, plain or hidden above U+00FF, cannot break the frame', () => {
  const writer = new FrameWriter();
  writer.open(0x48).string('a\0b\u0100c').close();
  assert.equal(latin1(join(writer.take())), '\0\0\0\x07Ha b c\0');
});

test('the payload of a written frame is bound: at the limit it goes, one more throws and leaves no trace', () => {
  const writer = new FrameWriter(4);
  writer.open(0x48).string('abc').close();
  assert.equal(
    codeOf(() => writer.open(0x48).string('abcd').close()),
    'frame_too_large',
  );
  assert.equal(
    codeOf(() => writer.raw(0x42, [new Uint8Array(5)])),
    'frame_too_large',
  );
  writer.raw(0x42, [new Uint8Array(4)]);
  assert.equal(writer.size, 9 + 9);
});

test('clear goes back to the mark, and the mark goes with take', () => {
  const writer = new FrameWriter();
  writer.bare(0x41);
  writer.mark();
  writer.bare(0x54);
  writer.raw(0x42, [new Uint8Array(5000)]);
  writer.clear();
  writer.bare(0x51);
  assert.equal(latin1(join(writer.take())), '\0\0\0\x01A\0\0\0\x01Q');
  writer.bare(0x54);
  writer.clear();
  assert.equal(writer.size, 0);
});
