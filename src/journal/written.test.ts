// What is written to a milter in one go, recorded with all of its content or a part of it: against the frame reader, for any packets in any order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader, FrameWriter, SMFIC } from '#milter/protocol';
import { KIND, readTape, Tape, WRITTEN } from './tape.ts';
import { addCut, packetsIn } from './written.ts';

/** A packet as the client writes it: small payloads are copied into the block, larger ones travel by themselves. */
const packet = fc.record({
  code: fc.constantFrom(SMFIC.BODY, SMFIC.HEADER, SMFIC.EOH, SMFIC.BODYEOB, SMFIC.MACRO),
  sizes: fc.array(fc.oneof(fc.nat(80), fc.integer({ min: 1000, max: 3000 })), { maxLength: 3 }),
});

interface Packet {
  readonly code: number;
  readonly payload: string;
}

function packetsOf(pieces: readonly Uint8Array[]): Packet[] {
  const reader = new FrameReader(0xffffffff);
  for (const piece of pieces) reader.push(piece);
  const packets: Packet[] = [];
  for (let frame = reader.next(); frame !== null; frame = reader.next())
    packets.push({ code: frame.code, payload: Buffer.from(frame.payload).toString('hex') });
  return packets;
}

test('content is kept as far as it may be and counted, everything else is there as it was written', () => {
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 12 }),
      fc.constantFrom(0, 50, 2000, Infinity),
      (packets, most) => {
        const writer = new FrameWriter(1 << 20);
        packets.forEach(({ code, sizes }, n) =>
          writer.raw(
            code,
            sizes.map((size, i) => new Uint8Array(size).fill(n * 16 + i)),
          ),
        );
        const pieces = writer.take();
        const all = packetsOf(pieces);
        assert.equal(packetsIn(pieces), all.length);
        const tape = new Tape({ left: 1 << 20 });
        addCut(tape, 2, 1.5, pieces, (bytes) => Math.min(bytes, most));
        assert.equal(tape.packets, all.length);
        const content = all.filter(({ code }) => code === SMFIC.BODY);
        assert.equal(
          tape.dropped,
          content.reduce((sum, { payload }) => sum + Math.max(0, payload.length / 2 - most), 0),
        );
        const kept = readTape(tape.recording).flatMap((record): Packet[] => {
          assert.deepEqual([record.kind, record.sent, record.lane, record.at], [KIND.milter, true, 2, 1.5]);
          if (record.code === WRITTEN) return packetsOf([record.data]);
          return [{ code: record.code, payload: record.data.toString('hex') }];
        });
        assert.deepEqual(
          kept,
          all.map((one) =>
            one.code === SMFIC.BODY ? { ...one, payload: one.payload.slice(0, 2 * most) } : one,
          ),
        );
      },
    ),
  );
});
