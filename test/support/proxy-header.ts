/** PROXY headers of version 2 for tests, put together apart from the code that reads them. */
import { isIPv6 } from 'node:net';

export interface V2Header {
  readonly source: string;
  readonly destination: string;
  /** How many extensions follow the addresses. */
  readonly extensions: number;
  /** The length it claims, when that is not the true one. */
  readonly length?: number;
}

/** A header from `source` port 4711 to `destination` port 2525, or that of a proxy that speaks for itself; a byte string. */
export function proxyV2(header: V2Header | 'local'): string {
  const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
  if (header === 'local')
    return Buffer.concat([signature, Buffer.from('20000000', 'hex')]).toString('latin1');
  const { source, destination, extensions } = header;
  const ports = Buffer.from([4711 >> 8, 4711 & 255, 2525 >> 8, 2525 & 255]);
  const more = Array.from({ length: extensions }, (_, i) => Buffer.from([0xe0 + i, 0, 3, 1, 2, 3]));
  const block = Buffer.concat([octets(source), octets(destination), ports, ...more]);
  const fixed = Buffer.from([0x21, isIPv6(source) ? 0x21 : 0x11, 0, 0]);
  fixed.writeUInt16BE(header.length ?? block.length, 2);
  return Buffer.concat([signature, fixed, block]).toString('latin1');
}

/** The bytes of an address; IPv6 with one `::` and no dotted part. */
function octets(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const [head = [], tail = []] = address.split('::').map((half) => half.split(':').filter(Boolean));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(groups.map((g) => g.padStart(4, '0')).join(''), 'hex');
}
