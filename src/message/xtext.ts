/** xtext (RFC 3461 4): text in which `+XX` stands for one byte, so that it goes into a parameter. Pure; never throws. */

/** The byte string behind an xtext. What is none is taken as it stands. */
export function decodeXtext(text: string): string {
  return text.includes('+')
    ? text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    : text;
}
