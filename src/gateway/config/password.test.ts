import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePasswordHash, passwordHashText } from './password.ts';
import { senderPattern, userName } from './users.ts';

const b64 = (n: number): string => Buffer.alloc(n, 7).toString('base64').replaceAll('=', '');
const scrypt = (cost: string, salt = 16, hash = 32): string => `$scrypt$${cost}$${b64(salt)}$${b64(hash)}`;
const scram = (i: number, salt = 16, stored = 32): string =>
  `$scram-sha-256$i=${i}$${b64(salt)}$${b64(stored)}$${b64(32)}`;

test('what is written is what is read', () => {
  for (const text of [scrypt('ln=15,r=8,p=1'), scram(4096)]) {
    const { scrypt: one, scram: other } = parsePasswordHash(text)!;
    assert.equal(passwordHashText((one ?? other)!), text);
  }
  const both = parsePasswordHash(`${scram(4096)} ${scrypt('ln=4,r=1,p=4')}`)!;
  assert.ok(both.scrypt && both.scram);
});

test('bounds: memory and time of scrypt, iterations of SCRAM, lengths', () => {
  const taken = [
    scrypt('ln=17,r=8,p=1'),
    scrypt('ln=1,r=1,p=1'),
    scrypt('ln=14,r=64,p=4'),
    scrypt('ln=4,r=8,p=1', 8, 16),
    scrypt('ln=4,r=8,p=1', 64, 64),
    scram(4096, 8),
    scram(1_000_000, 64),
  ];
  for (const text of taken) assert.ok(parsePasswordHash(text), text);
  const refused = [
    scrypt('ln=18,r=8,p=1'),
    scrypt('ln=17,r=9,p=1'),
    scrypt('ln=0,r=8,p=1'),
    scrypt('ln=4,r=0,p=1'),
    scrypt('ln=4,r=8,p=0'),
    scrypt('ln=4,r=8,p=5'),
    scrypt('ln=99,r=8,p=1'),
    scrypt('ln=4,r=8,p=1', 7),
    scrypt('ln=4,r=8,p=1', 65),
    scrypt('ln=4,r=8,p=1', 16, 15),
    scrypt('ln=4,r=8,p=1', 16, 65),
    scram(4095),
    scram(1_000_001),
    scram(4096, 7),
    scram(4096, 16, 31),
    scram(4096, 16, 33),
    `${scram(4096)} ${scram(4096)}`,
    `${scrypt('ln=4,r=8,p=1')} secret`,
    scrypt('ln=4,r=8,p=1') + '=',
    'secret',
    '',
  ];
  for (const text of refused) assert.equal(parsePasswordHash(text), null, text);
});

test('no text makes it throw', () => {
  const piece = fc.constantFrom(
    '$',
    'scrypt',
    'scram-sha-256',
    'ln=4,r=8,p=1',
    'i=4096',
    b64(16),
    b64(32),
    ' ',
    '=',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const found = parsePasswordHash(pieces.join(''));
      assert.ok(found === null || found.scrypt !== null || found.scram !== null);
    }),
  );
});

test('user names and senders', () => {
  assert.equal(userName('j\u00f6rg'), 'j\u00c3\u00b6rg');
  assert.equal(userName('x'.repeat(255))?.length, 255);
  for (const name of ['', ' a', 'a ', 'a:b', 'a\tb', 'x'.repeat(256)])
    assert.equal(userName(name), null, name);
  assert.equal(senderPattern('Ann@In.Test'), 'ann@in.test');
  assert.equal(senderPattern('@In.Test'), '@in.test');
  for (const text of ['', 'a', '@', 'a@', 'a@b@c', '<a@b>', 'a b@c', 'a@b,c@d'])
    assert.equal(senderPattern(text), null, text);
});
