/** Bytes as the API carries them, and as people read them. Pure. */

/** Bytes of base64. */
export function bytesOf(base64: string): Uint8Array {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** UTF-8 where it is, else a character per byte, so that nothing is lost. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new TextDecoder('latin1').decode(bytes);
  }
}

/** Text with its line ends, tabs and blanks at the ends of lines to be seen. */
export function rawOf(text: string): string {
  return text
    .replace(/\t/g, '⇥\t')
    .replace(/ +(?=\r?\n|$)/g, (blanks) => '·'.repeat(blanks.length))
    .replace(/\r\n/g, '␍␊\n')
    .replace(/(?<!␊)\n(?!$)/g, (end) => end);
}
