/** Bytes typed by hand (milter reference 19), and every way to cut them. For tests only; never fails. */

/** Bytes from hexadecimal digits; blanks are ignored. */
export function hex(digits: string): Uint8Array {
  const clean = digits.replace(/\s+/g, '');
  const bytes = new Uint8Array(clean.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(clean.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** The bytes whole, byte by byte, and in two pieces cut at every offset. */
export function everyCut(bytes: Uint8Array): Uint8Array[][] {
  const cuts: Uint8Array[][] = [[bytes], Array.from(bytes, (b) => Uint8Array.of(b))];
  for (let i = 1; i < bytes.length; i++) cuts.push([bytes.subarray(0, i), bytes.subarray(i)]);
  return cuts;
}
