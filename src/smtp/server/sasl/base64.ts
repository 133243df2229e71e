/** Base64 as SASL in SMTP writes it (RFC 4648 4, RFC 4954 4): padded, no blanks, no other alphabet. Never throws. */

/** The bytes as a byte string; null when the text is not exactly Base64. The empty text is no bytes. */
export function fromBase64(text: string): string | null {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const bytes = Buffer.from(text, 'base64');
  // Bits that a padded last group leaves over must be zero: one text for one value.
  return bytes.toString('base64') === text ? bytes.toString('latin1') : null;
}

/** A byte string as Base64. */
export function toBase64(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('base64');
}
