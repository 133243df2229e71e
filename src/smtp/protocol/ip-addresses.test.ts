/** One form per address: RFC 5952, IPv4-mapped as IPv4, and nothing that is no address. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { canonicalIp, ipv6Text } from './ip-addresses.ts';

test('addresses come out in one form', () => {
  for (const [text, one] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8::0001:0:0:1', '2001:db8::1:0:0:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['0:0:0:0:0:FFFF:c000:201', '192.0.2.1'],
    ['::192.0.2.1', '::c000:201'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ] as const)
    assert.equal(canonicalIp(text), one, text);
});

test('what is no address is none', () => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '0x1.2.3.4',
    ':',
    ':::',
    '1:2',
    '::1%1',
    '[::1]',
    '1::2::3',
    ' 1.2.3.4',
    'a.b',
  ])
    assert.equal(canonicalIp(text), null, text);
});

test('sixteen bytes and the text of another implementation agree', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 }), (octets) => {
      const theirs = ipaddr.process(ipaddr.fromByteArray(octets).toString());
      const text = ipv6Text(Uint8Array.from(octets), 0);
      assert.equal(text, theirs instanceof ipaddr.IPv6 ? theirs.toRFC5952String() : theirs.toString());
      assert.equal(canonicalIp(text), text);
    }),
  );
});
