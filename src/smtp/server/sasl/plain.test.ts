import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromBase64, toBase64 } from './base64.ts';
import { login } from './login.ts';
import { parsePlain, plain } from './plain.ts';

const bytes = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)) });
const word = (minLength: number) =>
  fc.string({ minLength, unit: fc.integer({ min: 1, max: 255 }).map((n) => String.fromCharCode(n)) });

test('Base64 of any bytes is read back', () => {
  fc.assert(fc.property(bytes, (text) => assert.equal(fromBase64(toBase64(text)), text)));
});

test('any text is either the Base64 of what is read, or refused', () => {
  const text = fc.string({ unit: fc.constantFrom('A', 'b', '9', '+', '/', '=', '-', ' ', '\0', '\u00ff') });
  fc.assert(
    fc.property(text, (t) => {
      const read = fromBase64(t);
      if (read !== null) assert.equal(toBase64(read), t);
    }),
  );
  for (const t of ['=', 'A', 'AA', 'AAA', 'AA=A', 'AB==', 'AAB=', 'A===', '====', 'AA AA', 'AA==AA==', '*'])
    assert.equal(fromBase64(t), null, t);
  assert.equal(fromBase64(''), '');
});

test('PLAIN takes authority, name and password apart, whatever bytes they are', () => {
  fc.assert(
    fc.property(word(0), word(1), word(1), (authority, name, password) =>
      assert.deepEqual(parsePlain(`${authority}\0${name}\0${password}`), {
        kind: 'password',
        authority,
        name,
        password,
      }),
    ),
  );
});

test('PLAIN refuses everything with another number of NULs, without a name or without a password', () => {
  for (const message of ['', 'tim', '\0tim', 'a\0tim', '\0tim\0', '\0\0x', '\0tim\0a\0b', '\0\0\0'])
    assert.equal(parsePlain(message).kind, 'malformed', JSON.stringify(message));
  fc.assert(
    fc.property(bytes, (message) => {
      const good = /^[^\0]*\0[^\0]+\0[^\0]+$/.test(message);
      assert.equal(parsePlain(message).kind, good ? 'password' : 'malformed');
    }),
  );
});

test('PLAIN without an initial response asks with an empty challenge', () => {
  const machine = plain();
  assert.deepEqual(machine.start(null), { kind: 'challenge', text: '' });
  assert.equal(machine.next('\0tim\0tanstaaf').kind, 'password');
});

test('LOGIN asks for name and password; an initial response is the name', () => {
  const machine = login();
  assert.deepEqual(machine.start(null), { kind: 'challenge', text: 'Username:' });
  assert.deepEqual(machine.next('tim'), { kind: 'challenge', text: 'Password:' });
  const found = { kind: 'password', name: 'tim', authority: '', password: 'x' };
  assert.deepEqual(machine.next('x'), found);
  const short = login();
  assert.equal(short.start('tim').kind, 'challenge');
  assert.deepEqual(short.next('x'), found);
  assert.equal(login().start('').kind, 'malformed');
});
