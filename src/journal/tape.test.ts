import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND, MAX_TAPE, readTape, SMTP, Tape } from './tape.ts';

const LOTS = { left: Infinity };
const record = fc.record({
  kind: fc.constantFrom(KIND.smtp, KIND.milter, KIND.decision, KIND.note),
  sent: fc.boolean(),
  lane: fc.integer({ min: 0, max: 255 }),
  code: fc.integer({ min: 3, max: 0x41 }),
  at: fc.integer({ min: 0, max: 0xfffffff0 }),
  waited: fc.option(fc.integer({ min: 0, max: 1e9 })),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)), maxLength: 300 }),
  ),
  keep: fc.integer({ min: 0, max: 400 }),
});

test('what is recorded comes back as it was, however much of it there is', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 60 }), (records) => {
      const tape = new Tape(LOTS);
      for (const { kind, sent, lane, code, at, waited, payload, keep } of records) {
        if (typeof payload === 'string') tape.addText(kind, sent, lane, code, at / 100, payload);
        else tape.add(kind, sent, lane, code, at / 100, payload, keep);
        if (waited !== null) tape.waited(waited / 100);
      }
      const read = readTape(tape.recording);
      assert.equal(read.length, records.length);
      assert.equal(tape.packets, records.length);
      let dropped = 0;
      for (const [i, { payload, keep, waited, at, ...heads }] of records.entries()) {
        const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : Buffer.from(payload);
        const kept = typeof payload === 'string' ? bytes.length : Math.min(keep, bytes.length);
        dropped += bytes.length - kept;
        const { data, ...rest } = read[i]!;
        assert.deepEqual(rest, {
          ...heads,
          at: at / 100,
          waited: waited === null ? null : waited / 100,
          bytes: bytes.length,
        });
        assert.deepEqual(Buffer.from(data), bytes.subarray(0, kept));
      }
      assert.equal(tape.dropped, dropped);
    }),
  );
});

test('a recording that is cut anywhere gives whole records and never throws', () => {
  const tape = new Tape(LOTS);
  for (let i = 0; i < 5; i++) tape.addText(KIND.smtp, false, 0, SMTP.line, i, `line ${i}`);
  const whole = Buffer.from(tape.recording);
  for (let end = 0; end <= whole.length; end++) {
    const read = readTape(whole.subarray(0, end));
    assert.ok(read.length <= 5 && read.every((r, i) => r.data.toString() === `line ${i}`));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readTape(bytes)));
});

test('a full tape gives up its oldest body bytes first, then what comes last, and counts both', () => {
  const tape = new Tape(LOTS);
  const chunk = new Uint8Array(64 * 1024).fill(65);
  tape.addText(KIND.smtp, false, 0, SMTP.line, 0, 'DATA');
  for (let i = 0; i < 40; i++) tape.add(KIND.smtp, false, 0, SMTP.content, i, chunk);
  assert.ok(tape.used <= MAX_TAPE);
  const read = readTape(tape.recording);
  assert.equal(read.length, 41);
  assert.equal(read[0]!.data.toString(), 'DATA');
  assert.equal(read[1]!.data.length, 0);
  assert.equal(read.at(-1)!.data.length, chunk.length);
  const kept = read.reduce((sum, r) => sum + r.data.length, 0);
  assert.equal(tape.dropped, 4 + 40 * chunk.length - kept);
  for (let i = 0; i < 100_000; i++) tape.addText(KIND.smtp, false, 0, SMTP.line, 0, 'RCPT TO:<a@b.test>');
  assert.ok(tape.used < MAX_TAPE + 100_000);
  assert.equal(tape.packets, 100_041);
});

test('tapes share a budget: who finds it used up counts only, and gives back what it had', () => {
  const budget = { left: 10_000 };
  const tape = new Tape(budget);
  for (let i = 0; i < 10; i++) tape.add(KIND.smtp, false, 0, SMTP.content, 0, new Uint8Array(4000));
  assert.ok(budget.left >= 0);
  assert.ok(tape.dropped >= 28_000);
  tape.release();
  assert.equal(budget.left, 10_000);
});
