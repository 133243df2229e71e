/** xtext (RFC 3461 4) as strangers write it: checked before it is decoded. Pure; never throws. */
import { decodeXtext } from '#message';

const XTEXT = /^(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*$/;

/** The byte string that an xtext stands for; null when it is none. */
export function fromXtext(text: string): string | null {
  return XTEXT.test(text) ? decodeXtext(text) : null;
}
