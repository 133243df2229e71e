/** PROXY headers: what each form says, every fault, and that no cut of the bytes changes the answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProxyHeaderParser } from '#smtp/protocol';

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const u16 = (n: number): string => String.fromCharCode(n >> 8, n & 255);
/** A header of version 2: version and command, family, block, and the length it claims. */
const v2 = (command: number, family: number, block: string, length = block.length): string =>
  SIGNATURE + String.fromCharCode(command, family) + u16(length) + block;
const PORTS = u16(4711) + u16(25);
const V4 = '\xc0\x00\x02\x01\xc6\x33\x64\x02' + PORTS;
const v6 = (last: string): string => '\x20\x01\x0d\xb8' + '\0'.repeat(11) + last;
const V6 = v6('\x01') + v6('\x02') + PORTS;
const extension = (type: number, value: string): string =>
  String.fromCharCode(type) + u16(value.length) + value;

/** What the parser makes of these pieces: `source:port destination:port + rest`, `none + rest`, `fault`, or null. */
function read(...pieces: readonly string[]): string | null {
  const parser = new ProxyHeaderParser();
  for (const [i, piece] of pieces.entries()) {
    const found = parser.push(bytes(piece));
    if (found === null) continue;
    if ('fault' in found) return 'fault';
    const rest = Buffer.from(found.rest).toString('latin1') + pieces.slice(i + 1).join('');
    const { declared } = found;
    if (declared === null) return `none + ${rest}`;
    const { source, destination } = declared;
    return `${source.address} ${source.port} ${destination.address} ${destination.port} + ${rest}`;
  }
  return null;
}

const GOOD: readonly (readonly [string, string])[] = [
  ['PROXY TCP4 192.0.2.1 198.51.100.2 4711 25\r\n', '192.0.2.1 4711 198.51.100.2 25'],
  [
    'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n',
    '255.255.255.255 65535 255.255.255.255 65535',
  ],
  ['PROXY TCP6 2001:DB8:0:0::1 2001:db8::2 4711 25\r\n', '2001:db8::1 4711 2001:db8::2 25'],
  ['PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 1 2\r\n', '192.0.2.1 1 198.51.100.2 2'],
  ['PROXY UNKNOWN\r\n', 'none'],
  [`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`, 'none'],
  [v2(0x21, 0x11, V4), '192.0.2.1 4711 198.51.100.2 25'],
  [v2(0x21, 0x21, V6), '2001:db8::1 4711 2001:db8::2 25'],
  [
    v2(0x21, 0x11, V4 + Array.from({ length: 20 }, (_, i) => extension(0xe0 + i, 'x'.repeat(i))).join('')),
    '192.0.2.1 4711 198.51.100.2 25',
  ],
  [v2(0x21, 0x11, V4 + extension(4, 'x'.repeat(2048 - 15))), '192.0.2.1 4711 198.51.100.2 25'],
  [v2(0x20, 0x00, ''), 'none'],
  [v2(0x20, 0x11, V4), 'none'],
  [v2(0x20, 0xff, 'whatever'), 'none'],
  [v2(0x21, 0x00, 'whatever'), 'none'],
  [v2(0x21, 0x31, '\0'.repeat(216)), 'none'],
];

const BAD: readonly string[] = [
  'EHLO client.test\r\n',
  'Q',
  'PROXX',
  'PROXY\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 4711 25\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 4711\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 4711 25 \r\n',
  'PROXY  TCP4 192.0.2.1 198.51.100.2 4711 25\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 0 25\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 4711 0\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 4711 65536\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 -1 25\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 04711 25\r\n',
  'PROXY TCP4 192.0.2.01 198.51.100.2 4711 25\r\n',
  'PROXY TCP4 192.0.2.256 198.51.100.2 4711 25\r\n',
  'PROXY TCP4 2001:db8::1 2001:db8::2 4711 25\r\n',
  'PROXY TCP6 192.0.2.1 198.51.100.2 4711 25\r\n',
  'PROXY TCP6 2001:db8::1%eth0 2001:db8::2 4711 25\r\n',
  'PROXY TCP6 1:2:3:4:5:6:7:8:9 2001:db8::2 4711 25\r\n',
  'PROXY TCP5 192.0.2.1 198.51.100.2 4711 25\r\n',
  'PROXY UDP4 192.0.2.1 198.51.100.2 4711 25\r\n',
  'PROXY UNKNOWNS\r\n',
  'proxy UNKNOWN\r\n',
  `PROXY UNKNOWN ${'f'.repeat(92)}\r\n`, // 108 bytes
  `PROXY UNKNOWN ${'f'.repeat(10_000)}`,
  SIGNATURE + '\x31',
  SIGNATURE + '\x11',
  SIGNATURE + '\x22\x11\0\0',
  SIGNATURE + '\x2f\x11\0\0',
  '\r\n\r\n\0\r\nQUIX',
  v2(0x21, 0x11, '', 65_535),
  v2(0x21, 0x11, '', 2049),
  v2(0x20, 0x00, '', 2049),
  v2(0x21, 0x11, V4.slice(0, -1)),
  v2(0x21, 0x21, V4),
  v2(0x21, 0x11, ''),
  v2(0x21, 0x31, '\0'.repeat(215)),
  v2(0x21, 0x12, V4),
  v2(0x21, 0x22, V6),
  v2(0x21, 0x10, V4),
  v2(0x21, 0x41, V4),
  v2(0x21, 0x11, V4.slice(0, 8) + u16(0) + u16(25)),
  v2(0x21, 0x11, V4.slice(0, 8) + u16(25) + u16(0)),
  v2(0x21, 0x11, V4 + 'x'),
  v2(0x21, 0x11, V4 + 'x\0'),
  v2(0x21, 0x11, V4 + extension(1, 'abc').slice(0, -1)),
  v2(0x21, 0x11, V4 + extension(1, 'abc') + 'y'),
];

const REST = 'EHLO x\r\nPROXY TCP4';

test('each form of header says what it declares, and what follows is left alone', () => {
  for (const [header, said] of GOOD) {
    assert.equal(read(header), `${said} + `, JSON.stringify(header));
    assert.equal(read(header + REST), `${said} + ${REST}`, JSON.stringify(header));
  }
});

test('a header cut at every offset, and byte by byte, is the same header', () => {
  for (const [header, said] of GOOD) {
    const all = header + REST;
    for (let at = 0; at <= header.length + 3; at++) {
      assert.equal(
        read(all.slice(0, at), all.slice(at)),
        `${said} + ${REST}`,
        `${JSON.stringify(header)} ${at}`,
      );
      if (at < header.length)
        assert.equal(read(header.slice(0, at)), null, `${JSON.stringify(header)} ${at}`);
    }
    assert.equal(read(...all.split('')), `${said} + ${REST}`);
  }
});

test('what is no header is a fault, whole and byte by byte', () => {
  for (const header of BAD) {
    assert.equal(read(header), 'fault', JSON.stringify(header.slice(0, 120)));
    assert.equal(read(...header.split('')), 'fault', JSON.stringify(header.slice(0, 120)));
  }
});

test('a line of 107 bytes is taken, one of 108 is a fault before its end has come', () => {
  assert.equal(read(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`), 'none + ');
  assert.equal(read(`PROXY UNKNOWN ${'f'.repeat(92)}`), null);
  assert.equal(read(`PROXY UNKNOWN ${'f'.repeat(93)}`), 'fault');
});

test('the fault of a stranger shows at the first byte that is not that of a header', () => {
  assert.equal(read('P'), null);
  assert.equal(read('PE'), 'fault');
  assert.equal(read('\r'), null);
  assert.equal(read('\r\r'), 'fault');
  assert.equal(read(''), null);
});

test('any bytes in any pieces give one answer, that of the whole', () => {
  const start = fc.constantFrom(
    '',
    'PROXY ',
    'PROXY TCP4 1.2.3.4 ',
    SIGNATURE,
    SIGNATURE + '\x21\x11\0\x0c',
    ...BAD,
  );
  fc.assert(
    fc.property(
      start,
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.infiniteStream(fc.nat(9)),
      (head, tail, cuts) => {
        const all = head + Array.from(tail, (c) => String.fromCharCode(c.codePointAt(0)! & 255)).join('');
        const pieces: string[] = [];
        for (let at = 0; at < all.length;) {
          const size = 1 + (cuts.next().value ?? 0);
          pieces.push(all.slice(at, at + size));
          at += size;
        }
        assert.equal(read(...pieces), read(all));
      },
    ),
    { numRuns: 300 },
  );
});
