/**
 * IP addresses and networks as an expression sees them (reference 9.4).
 *
 * Strict text forms only: four decimal numbers without leading zeros, or RFC 4291 section 2.2 without a zone; anything
 * else is null, never an exception, since strangers choose these texts. (The general library reads octal, hexadecimal and
 * short IPv4 forms as well, and throws on the rest.)
 */

/** An address as 16-bit groups: two for IPv4, eight for IPv6. */
export type Groups = readonly number[];

/** A network: the address, and how many of its bits count. */
export interface Network {
  readonly groups: Groups;
  readonly bits: number;
}

const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const LONGEST = 45; // an IPv6 address that ends in a dotted quad

/** Reads either family; null for any other text. */
export function parseAddress(text: string): Groups | null {
  if (text.length > LONGEST) return null;
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Groups | null {
  const match = IPV4.exec(text);
  if (!match) return null;
  const [a, b, c, d] = [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])];
  return a > 255 || b > 255 || c > 255 || d > 255 ? null : [a * 256 + b, c * 256 + d];
}

function parseIpv6(text: string): Groups | null {
  const gap = text.indexOf('::');
  if (gap < 0) {
    const all = groupsOf(text, true);
    return all?.length === 8 ? all : null;
  }
  const head = groupsOf(text.slice(0, gap), false);
  const tail = groupsOf(text.slice(gap + 2), true);
  if (!head || !tail || head.length + tail.length > 7) return null;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** Groups between colons; a dotted quad may stand last where the address ends. */
function groupsOf(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (GROUP.test(part)) groups.push(parseInt(part, 16));
    else {
      const quad = last && i === parts.length - 1 ? parseIpv4(part) : null;
      if (!quad) return null;
      groups.push(...quad);
    }
  }
  return groups;
}

/** IPv4-mapped IPv6 (RFC 4291 2.5.5.2) as the IPv4 it stands for, everything else as it is. */
function unmapped(groups: Groups): Groups {
  const mapped = groups.length === 8 && groups[5] === 0xffff && groups.slice(0, 5).every((g) => g === 0);
  return mapped ? groups.slice(6) : groups;
}

/** Reads `address/bits`, or an address alone for exactly that one; null for any other text. */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/');
  const groups = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!groups) return null;
  const size = groups.length * 16;
  const written = slash < 0 ? String(size) : text.slice(slash + 1);
  const bits = /^\d{1,3}$/.test(written) ? Number(written) : Infinity;
  if (bits > size) return null;
  const short = bits >= 96 ? unmapped(groups) : groups;
  return short === groups ? { groups, bits } : { groups: short, bits: bits - 96 };
}

/** Whether the address lies in the network; IPv4 and mapped IPv6 are the same family. */
export function isWithin(address: Groups, network: Network): boolean {
  const groups = unmapped(address); // so a mapped address lies in no IPv6 network, not even ::/0
  if (groups.length !== network.groups.length) return false;
  let left = network.bits;
  for (let i = 0; left > 0; i++, left -= 16) {
    const shift = Math.max(0, 16 - left);
    if (groups[i]! >> shift !== network.groups[i]! >> shift) return false;
  }
  return true;
}

/** `1.2.0.192` and the nibbles of IPv6, as reverse zones name them, without the zone (RFC 1035 3.5, RFC 3596 2.5). */
export function reverseName(groups: Groups): string {
  if (groups.length === 2)
    return groups
      .flatMap((g) => [g >> 8, g & 255])
      .toReversed()
      .join('.');
  const nibbles = groups.flatMap((g) => [g >> 12, (g >> 8) & 15, (g >> 4) & 15, g & 15]);
  return nibbles
    .toReversed()
    .map((nibble) => nibble.toString(16))
    .join('.');
}
