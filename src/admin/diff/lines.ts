/**
 * What became of a body: a unified diff of its lines, bounded.
 *
 * Lines are byte strings with their line ends, so that a diff that is not cut, applied to the body before, gives the body after to
 * the byte. Pure; never throws.
 */
import { latin1 } from '#message';
import { common } from './common.ts';

/** Bytes of either body that are compared, lines that are shown, lines around a change. */
export const MAX_DIFF_BYTES = 262_144;
export const MAX_DIFF_LINES = 2000;
const CONTEXT = 3;

/** Some lines that belong together. Places count lines from 0. */
export interface Hunk {
  readonly before: number;
  readonly beforeLines: number;
  readonly after: number;
  readonly afterLines: number;
  /** ` `, `-` or `+`, then the line as a byte string with its line end. */
  readonly lines: readonly string[];
}

/** See above. */
export interface BodyDiff {
  readonly hunks: readonly Hunk[];
  readonly added: number;
  readonly removed: number;
  /** Not everything was compared, or is shown. */
  readonly cut: boolean;
}

/** Compares. `more`: one of the two went on beyond what is kept of it. */
export function bodyDiff(before: Uint8Array, after: Uint8Array, more = false): BodyDiff {
  const [a, b] = [linesOf(before), linesOf(after)];
  const marked = markedLines(a, b);
  const hunks: Hunk[] = [];
  let [added, removed, shown] = [0, 0, 0];
  let cut = more || before.length > MAX_DIFF_BYTES || after.length > MAX_DIFF_BYTES;
  for (const [from, to] of stretches(marked)) {
    const lines = marked.slice(from, to);
    for (const { mark } of lines) {
      if (mark === '+') added++;
      else if (mark === '-') removed++;
    }
    const room = MAX_DIFF_LINES - shown;
    if (lines.length > room) cut = true;
    if (room <= 0) continue;
    const kept = lines.slice(0, room);
    shown += kept.length;
    hunks.push({
      before: lines[0]!.before,
      beforeLines: kept.filter((l) => l.mark !== '+').length,
      after: lines[0]!.after,
      afterLines: kept.filter((l) => l.mark !== '-').length,
      lines: kept.map((l) => l.mark + l.text),
    });
  }
  return { hunks, added, removed, cut };
}

/** The body after, from the one before and a diff that is not cut. */
export function applyBody(before: Uint8Array, { hunks }: BodyDiff): string {
  const a = linesOf(before);
  let out = '';
  let at = 0;
  for (const hunk of hunks) {
    out += a.slice(at, hunk.before).join('');
    for (const line of hunk.lines) if (line[0] !== '-') out += line.slice(1);
    at = hunk.before + hunk.beforeLines;
  }
  return out + a.slice(at).join('');
}

interface Marked {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
  readonly before: number;
  readonly after: number;
}

function markedLines(a: readonly string[], b: readonly string[]): Marked[] {
  const out: Marked[] = [];
  let [i, j] = [0, 0];
  const changed = (toA: number, toB: number): void => {
    while (i < toA) out.push({ mark: '-', text: a[i]!, before: i++, after: j });
    while (j < toB) out.push({ mark: '+', text: b[j]!, before: i, after: j++ });
  };
  for (const [p, q] of common(a, b)) {
    changed(p, q);
    out.push({ mark: ' ', text: a[p]!, before: i++, after: j++ });
  }
  changed(a.length, b.length);
  return out;
}

/** Where changes are, with the lines around them; those that touch are one. */
function stretches(marked: readonly Marked[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  marked.forEach(({ mark }, at) => {
    if (mark === ' ') return;
    const [from, to] = [Math.max(0, at - CONTEXT), Math.min(marked.length, at + CONTEXT + 1)];
    const last = found.at(-1);
    if (last && from <= last[1]) last[1] = to;
    else found.push([from, to]);
  });
  return found;
}

/** Lines with their ends; bytes behind the bound are left out. */
function linesOf(bytes: Uint8Array): string[] {
  return latin1(bytes.subarray(0, MAX_DIFF_BYTES)).match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
