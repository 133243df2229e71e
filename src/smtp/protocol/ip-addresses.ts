/**
 * IP addresses as text in one form: what a proxy declares must compare equal to what a socket tells.
 *
 * IPv6 by RFC 5952 (lower case, the longest run of zeros cut out), an IPv4 address mapped into IPv6 as IPv4. No zones. Pure;
 * never throws.
 */
import { isIpv4, isIpv6 } from './literals.ts';

/** Bytes of an address. */
export const IPV4_BYTES = 4;
export const IPV6_BYTES = 16;

/** The one form of an address, or null for what is none (octal, short forms, zones and brackets included). */
export function canonicalIp(text: string): string | null {
  if (isIpv4(text)) return text;
  return isIpv6(text) ? ipv6Of(groupsOf(text)) : null;
}

/** The four bytes at `at`. */
export function ipv4Text(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** The sixteen bytes at `at`. */
export function ipv6Text(bytes: Uint8Array, at: number): string {
  return ipv6Of(Array.from({ length: 8 }, (_, i) => bytes[at + 2 * i]! * 256 + bytes[at + 2 * i + 1]!));
}

/** The eight groups of a well-formed IPv6 text. */
function groupsOf(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const left = numbersOf(head);
  if (tail === undefined) return left;
  const right = numbersOf(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function numbersOf(half: string): number[] {
  if (half === '') return [];
  return half.split(':').flatMap((part) => {
    if (!part.includes('.')) return [parseInt(part, 16)];
    const [a, b, c, d] = part.split('.').map(Number) as [number, number, number, number];
    return [a * 256 + b, c * 256 + d];
  });
}

function ipv6Of(groups: readonly number[]): string {
  if (groups[5] === 0xffff && groups.slice(0, 5).every((g) => g === 0))
    return [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join('.');
  const { from, length } = longestZeros(groups);
  const hex = (part: readonly number[]): string => part.map((g) => g.toString(16)).join(':');
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, from))}::${hex(groups.slice(from + length))}`;
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): { from: number; length: number } {
  let best = { from: 0, length: 0 };
  for (let from = 0; from < groups.length; from++) {
    let length = 0;
    while (groups[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
    from += length;
  }
  return best;
}
