/** Address literals (RFC 5321 4.1.3) and well-formed UTF-8 (RFC 3629) in byte strings. Pure; never throws. */

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
/** True for `192.0.2.1`: four decimal octets without leading zeros. */
export const isIpv4 = (text: string): boolean => IPV4.test(text);

/** Tag and content of a literal of some other kind (`General-address-literal`). */
const GENERAL = /^[A-Za-z0-9-]*[A-Za-z0-9]:[\x21-\x5a\x5e-\x7e]+$/;

/** True for the inside of a literal: `192.0.2.1`, `IPv6:2001:db8::1`, `tag:content`. */
export function isAddressLiteral(inside: string): boolean {
  if (/^IPv6:/i.test(inside)) return isIpv6(inside.slice(5));
  return IPV4.test(inside) || GENERAL.test(inside);
}

/** True for the text of an IPv6 address, the forms of RFC 4291 2.2; no zone. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') {
      if (halves.length === 1) return false;
      continue;
    }
    const parts = half.split(':');
    for (const [i, part] of parts.entries()) {
      const last = index === halves.length - 1 && i === parts.length - 1;
      if (last && IPV4.test(part)) groups += 2;
      else if (GROUP.test(part)) groups++;
      else return false;
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

const WELL_FORMED_UTF8 =
  /^(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*$/;

/** True when the bytes are UTF-8 without C1 control characters (U+0080 to U+009F). */
export function isCleanUtf8(text: string): boolean {
  return WELL_FORMED_UTF8.test(text) && !/\xc2[\x80-\x9f]/.test(text);
}
