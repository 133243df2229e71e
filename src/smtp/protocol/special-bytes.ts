/**
 * The search for bytes that content reading must look at (CR, LF, NUL), four bytes at a time.
 *
 * One pass finds all three, where a native search per byte value and line would be several calls a line. Used by the
 * un-stuffer only. Pure; never throws; never writes.
 */

/** Shorter data is not worth a word view. */
const SMALL = 64;
const NO_WORDS = new Int32Array(0);

/** The aligned 32-bit words of `data`; the first begins at index `alignedAt(data)`. */
export function wordsOf(data: Uint8Array): Int32Array {
  if (data.length < SMALL) return NO_WORDS;
  const skip = alignedAt(data);
  return new Int32Array(data.buffer, data.byteOffset + skip, (data.length - skip) >>> 2);
}

/** Index of the first byte of `data` that lies on a 32-bit boundary: 0 to 3. */
export function alignedAt(data: Uint8Array): number {
  return -data.byteOffset & 3;
}

/** Index of the first CR, LF or NUL at or after `at`, else data.length. `words` and `aligned` belong to `data`. */
export function nextSpecial(data: Uint8Array, words: Int32Array, aligned: number, at: number): number {
  const end = data.length;
  for (;;) {
    while (at < end && ((at - aligned) & 3) !== 0) {
      if (isSpecial(data[at]!)) return at;
      at++;
    }
    let i = (at - aligned) >> 2;
    const count = words.length;
    // A byte below 14 borrows into its top bit, which `~w` keeps only for bytes that had it clear.
    while (i < count) {
      const w = words[i]!;
      if (((w - 0x0e0e0e0e) & ~w & 0x80808080) !== 0) break;
      i++;
    }
    if (i >= count) {
      at = Math.max(at, aligned + 4 * count);
      while (at < end && !isSpecial(data[at]!)) at++;
      return at;
    }
    // A word with a low byte: usually a line end, but tabs and other low bytes are stepped over.
    at = aligned + 4 * i;
    for (const stop = at + 4; at < stop; at++) if (isSpecial(data[at]!)) return at;
  }
}

function isSpecial(byte: number): boolean {
  return byte < 14 && (byte === 13 || byte === 10 || byte === 0);
}
