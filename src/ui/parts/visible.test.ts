import assert from 'node:assert/strict';
import { test } from 'node:test';
import { piecesOf, visible } from './visible.ts';

test('ordinary text of any script is one piece', () => {
  for (const text of ['Hello', 'Grüße', 'שלום', 'مرحبا', '日本語', 'a\tb\nc', '😀'])
    assert.deepEqual(piecesOf(text), [{ text, hidden: false }]);
});

test('what acts on the reader is named', () => {
  assert.equal(visible('a\u202egnp.exe'), 'a⟨U+202E⟩gnp.exe');
  assert.equal(visible('\u0000\u001b[31m\u007f'), '␀␛[31m␡');
  assert.equal(visible('x\u200by\u2028z\ufeff'), 'x⟨U+200B⟩y⟨U+2028⟩z⟨U+FEFF⟩');
  assert.equal(visible('\r'), '␍');
  assert.equal(visible('a\ud800b'), 'a⟨U+D800⟩b');
  assert.deepEqual(piecesOf(''), []);
});

test('markup is left to React: it stays text', () => {
  assert.equal(visible('<img src=x onerror=alert(1)>'), '<img src=x onerror=alert(1)>');
});
