/** What came first from the other side, kept as evidence of who it is until there is an agreement. Pure. */

/** Bytes that are kept. */
const KEPT = 64;
const NOTHING = new Uint8Array(0);

/** `before` and what `chunk` adds to it. */
export function firstBytes(before: Uint8Array | null, chunk: Uint8Array): Uint8Array {
  const known = before ?? NOTHING;
  if (known.length >= KEPT) return known;
  return Buffer.concat([known, chunk.subarray(0, KEPT - known.length)]);
}
