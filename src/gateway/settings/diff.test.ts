import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { unifiedDiff } from './diff.ts';

/** Carries a unified diff out on a text, as `patch` would. */
function patched(text: string, diff: string): string {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const out: string[] = [];
  let at = 0;
  let [leftA, leftB] = [0, 0];
  const body = diff.match(/[^\n]*\n/g)!.slice(2);
  for (const [i, line] of body.entries()) {
    const heading = /^@@ -(\d+),(\d+) \+(\d+),(\d+) @@\n$/.exec(line);
    if (heading) {
      assert.deepEqual([leftA, leftB], [0, 0], 'the piece before has the lines it announced');
      const [startA, countA, startB, countB] = heading.slice(1).map(Number) as [
        number,
        number,
        number,
        number,
      ];
      const begin = countA === 0 ? startA : startA - 1;
      out.push(...lines.slice(at, begin));
      at = begin;
      assert.equal(out.length, countB === 0 ? startB : startB - 1);
      [leftA, leftB] = [countA, countB];
      continue;
    }
    if (line.startsWith('\\')) continue;
    const bare = body[i + 1]?.startsWith('\\') ? line.slice(1, -1) : line.slice(1);
    if (line[0] !== '+') assert.equal(lines[at++], bare);
    if (line[0] !== '-') out.push(bare);
    if (line[0] !== '+') leftA--;
    if (line[0] !== '-') leftB--;
  }
  return [...out, ...lines.slice(at)].join('');
}

test('a diff looks as everybody knows it', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n';
  assert.equal(unifiedDiff(before, before, 'x'), '');
  assert.equal(
    unifiedDiff(before, before.replace('b\n', '').replace('k', 'K'), 'x'),
    '--- x\n+++ x\n@@ -1,5 +1,4 @@\n a\n-b\n c\n d\n e\n@@ -8,4 +7,4 @@\n h\n i\n j\n-k\n+K\n',
  );
  assert.equal(
    unifiedDiff('', 'a', 'x'),
    '--- x\n+++ x\n@@ -0,0 +1,1 @@\n+a\n\\ No newline at end of file\n',
  );
  assert.equal(unifiedDiff('a\n', '', 'x'), '--- x\n+++ x\n@@ -1,1 +0,0 @@\n-a\n');
});

test('whatever two texts are, the diff makes the one of the other, with no line changed that stays', () => {
  const text = fc
    .array(fc.constantFrom('a\n', 'b\n', 'c\n', '\n', '- x\n'), { maxLength: 40 })
    .map((l) => l.join(''));
  const any = fc.tuple(text, text, fc.boolean(), fc.boolean());
  fc.assert(
    fc.property(any, ([a, b, cutA, cutB]) => {
      const before = cutA ? `${a}end` : a;
      const after = cutB ? `${b}end` : b;
      const diff = unifiedDiff(before, after, 'x');
      if (before === after) return assert.equal(diff, '');
      assert.equal(patched(before, diff), after);
      const added = `one\n${before}`;
      const one = unifiedDiff(before, added, 'x')
        .split('\n')
        .slice(2)
        .filter((l) => /^[+-]/.test(l));
      assert.deepEqual(one, ['+one']);
    }),
    { numRuns: 500 },
  );
});

test('texts that differ in everything are told without looking for the shortest way for ever', () => {
  const lines = (word: string): string => Array.from({ length: 20_000 }, (_, i) => `${word} ${i}\n`).join('');
  const begin = performance.now();
  const diff = unifiedDiff(lines('a'), lines('b'), 'x');
  assert.equal(patched(lines('a'), diff), lines('b'));
  assert.ok(performance.now() - begin < 5000);
});
