/** White space and letters by Unicode properties. Pure, linear. */

/** Whether a UTF-16 unit is white space (property White_Space; all of it lies below U+10000). */
export function isSpace(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
  if (unit < 0x1680) return unit === 0x85 || unit === 0xa0;
  return (
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x200a) ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x3000
  );
}

/** Without white space at the chosen ends. */
export function trimmed(text: string, start: boolean, end: boolean): string {
  let from = 0;
  let to = text.length;
  if (start) while (from < to && isSpace(text.charCodeAt(from))) from++;
  if (end) while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return from === 0 && to === text.length ? text : text.slice(from, to);
}

/** Scalar values in a text; a lone surrogate counts as one. */
export function countCharacters(text: string): number {
  let count = text.length;
  for (let i = 1; i < text.length; i++) if (endsPair(text, i)) count--;
  return count;
}

/** The part of a text from one scalar value on, so many of them. */
export function sliceCharacters(text: string, start: number, count: number): string {
  if (!SURROGATE.test(text)) return text.slice(start, Math.min(text.length, start + count));
  const from = skip(text, 0, start);
  return text.slice(from, skip(text, from, count));
}

const SURROGATE = /[\ud800-\udfff]/;

function endsPair(text: string, i: number): boolean {
  return (text.charCodeAt(i) & 0xfc00) === 0xdc00 && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800;
}

function skip(text: string, from: number, characters: number): number {
  let at = from;
  for (let left = characters; left > 0 && at < text.length; left--) {
    at++;
    if (at < text.length && endsPair(text, at)) at++;
  }
  return at;
}
