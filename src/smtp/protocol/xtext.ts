/** xtext (RFC 3461 4): text in which `+XX` stands for one byte, so that it goes into a parameter. Pure; never throws. */

const XTEXT = /^(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*$/;

/** The byte string that an xtext stands for; null when it is none. */
export function fromXtext(text: string): string | null {
  if (!XTEXT.test(text)) return null;
  return text.includes('+')
    ? text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    : text;
}
