/** Functions on mail and network addresses (reference 9.4). Total. */
import { toText, type Value } from '../values.ts';
import { isWithin, parseAddress, parseNetwork, reverseName, type Network } from './ip.ts';
import { mapping, plain, yesNo, type FunctionGroup, type PlainRow } from './row.ts';
import { trimmed } from './unicode.ts';

// Local part: RFC 5321 4.1.2 Dot-string or Quoted-string, with anything above ASCII (RFC 6531 3.3). No part of the pattern
// can match where its neighbour could, so it takes linear time.
const EMAIL =
  /^(?:[\w!#$%&'*+/=?^`{|}~\x80-\uffff-]+(?:\.[\w!#$%&'*+/=?^`{|}~\x80-\uffff-]+)*|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])+")@[\w\x80-\uffff-]+(?:\.[\w\x80-\uffff-]+)+$/;

/** Longer texts are no addresses (RFC 5321 4.5.3.1 allows far less), and the pattern need not look at them. */
const LONGEST_EMAIL = 2048;

function isEmail(value: Value): Value {
  const text = toText(value);
  return yesNo(text.length <= LONGEST_EMAIL && EMAIL.test(text));
}

function emailPart(value: Value, part: Value): Value {
  const address = toText(value);
  const at = address.lastIndexOf('@');
  if (at < 0) return '';
  if (part === 'local') return trimmed(address.slice(0, at), true, true);
  return part === 'domain' ? trimmed(address.slice(at + 1), true, true) : '';
}

function familyOf(value: Value): 0 | 4 | 6 {
  const groups = parseAddress(toText(value));
  return groups ? (groups.length === 2 ? 4 : 6) : 0;
}

function reversed(value: Value): Value {
  const groups = parseAddress(toText(value));
  return groups ? reverseName(groups) : '';
}

function within(address: Value, network: Network | null): Value {
  const groups = network && parseAddress(toText(address));
  return yesNo(groups !== null && isWithin(groups, network!));
}

const isIpInCidr: PlainRow = {
  ...plain(2, (a, b) => within(a, parseNetwork(toText(b)))),
  prepare: (b) => {
    const network = parseNetwork(toText(b));
    return (a) => within(a, network);
  },
};

export const addressFunctions: FunctionGroup = {
  is_email: plain(1, isEmail),
  email_part: mapping(2, emailPart),
  is_ip_addr: plain(1, (a) => yesNo(familyOf(a) !== 0)),
  is_ipv4_addr: plain(1, (a) => yesNo(familyOf(a) === 4)),
  is_ipv6_addr: plain(1, (a) => yesNo(familyOf(a) === 6)),
  ip_reverse_name: plain(1, reversed),
  is_ip_in_cidr: isIpInCidr,
};
