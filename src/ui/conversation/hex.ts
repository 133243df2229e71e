/** Bytes as people who know protocols read them. Pure. */

/** `0000  4d 41 …  MA…`, sixteen a line. */
export function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const numbers = Array.from(row, (byte) => byte.toString(16).padStart(2, '0'));
    const left = numbers.slice(0, 8).join(' ').padEnd(23);
    const right = numbers.slice(8).join(' ').padEnd(23);
    const text = Array.from(row, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·',
    ).join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${left}  ${right}  ${text}`);
  }
  return lines;
}
