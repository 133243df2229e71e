import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { MAX_LINE, passLines } from './lines.ts';

function output(): {
  written: string[];
  room: boolean;
  drain: () => void;
  to: Parameters<typeof passLines>[1];
} {
  const waiting: (() => void)[] = [];
  const out = {
    written: [] as string[],
    room: true,
    drain: () => {
      out.room = true;
      for (const listener of waiting.splice(0)) listener();
    },
    to: {
      write: (lines: string) => {
        out.written.push(lines);
        return out.room;
      },
      once: (_: 'drain', listener: () => void) => waiting.push(listener),
    },
  };
  return out;
}

test('lines come whole however they were cut, and half a line at the end is dropped', async () => {
  const text = '{"a":"ü€"}\n{"b":2}\n{"half":';
  const bytes = Buffer.from(text);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const from = new PassThrough();
    const { written, to } = output();
    passLines(from, to);
    from.write(bytes.subarray(0, cut));
    await turn();
    from.end(bytes.subarray(cut));
    await new Promise((resolve) => from.once('close', resolve));
    for (const lines of written) assert.ok(lines.endsWith('\n'));
    assert.equal(written.join(''), '{"a":"ü€"}\n{"b":2}\n');
  }
});

test('a slow output is waited for', async () => {
  const from = new PassThrough();
  const out = output();
  out.room = false;
  passLines(from, out.to);
  from.write('one\n');
  await turn();
  from.write('two\n');
  await turn();
  assert.deepEqual(out.written, ['one\n']);
  out.drain();
  await turn();
  await turn();
  assert.deepEqual(out.written, ['one\n', 'two\n']);
});

test('what is longer than any line is forgotten, one that is just as long is not', async () => {
  for (const [length, kept] of [
    [MAX_LINE, 1],
    [MAX_LINE + 1, 0],
  ] as const) {
    const from = new PassThrough();
    const out = output();
    passLines(from, out.to);
    const line = 'x'.repeat(length);
    for (let at = 0; at < length; at += 65_536) from.write(line.slice(at, at + 65_536));
    from.end('\nnext\n');
    await new Promise((resolve) => from.once('close', resolve));
    const lines = out.written.join('').split('\n');
    assert.deepEqual(lines, [...(kept ? [line] : []), 'next', '']);
  }
});
