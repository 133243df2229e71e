import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf } from '#message';
import { heldLine, looksLikeMalware, readable } from './held.ts';
import { MAX_PREVIEW_BODY, MAX_PREVIEW_TEXT, previewOf } from './preview.ts';
import { heldBy, START, to } from './rig.cases.ts';

const look = (header: string, body: string, more = false) => previewOf(bytesOf(header), bytesOf(body), more);

test('plain text is shown decoded, whatever it was encoded in', () => {
  for (const [header, body] of [
    ['', 'h\xc3\xa9 \xe2\x82\xac\r\n'],
    ['Content-Type: text/plain; charset=iso-8859-15\r\n', 'h\xe9 \xa4\r\n'],
    [
      'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n',
      'h=C3=A9 =\r\n=E2=82=AC\r\n',
    ],
    ['Content-Transfer-Encoding: base64\r\n', 'aMOpIOKC\r\nrA0K\r\n'],
  ] as const)
    assert.equal(look(header, body).text, 'hé €\r\n', header);
});

const MIXED = `Content-Type: multipart/mixed; boundary="b=1"\r\n`;
const PARTS = [
  'preamble',
  '--b=1',
  'Content-Type: multipart/alternative; boundary=inner',
  '',
  '--inner',
  'Content-Type: text/html',
  '',
  '<b>html</b>',
  '--inner',
  'Content-Type: text/plain',
  '',
  'plain',
  '--inner--',
  '--b=1',
  'Content-Type: application/pdf; name="=?utf-8?q?rech=C3=A9.pdf?="',
  'Content-Transfer-Encoding: base64',
  '',
  'AAAA',
  '--b=1--',
  'epilogue',
].join('\r\n');

test('of several parts the plain text is shown, and all are listed', () => {
  const { text, textType, parts } = look(MIXED, PARTS);
  assert.deepEqual([text, textType], ['plain', 'text/plain']);
  assert.deepEqual(
    parts.map((p) => `${p.type} ${p.name}`),
    ['text/html ', 'text/plain ', 'application/pdf reché.pdf'],
  );
  const html = look('Content-Type: text/html\r\n', '<script>x</script>');
  assert.deepEqual([html.text, html.textType], ['<script>x</script>', 'text/html'], 'HTML stays text');
});

test('the header is shown decoded', () => {
  const { header } = look('Subject: =?utf-8?B?w6k=?=\r\nX-Raw: \xff\r\n', '');
  assert.deepEqual(header, [
    { name: 'Subject', value: 'é' },
    { name: 'X-Raw', value: 'ÿ' },
  ]);
});

test('what is long is cut, and says so; what is nested without end ends', () => {
  assert.equal(look('', 'x'.repeat(MAX_PREVIEW_TEXT)).cut, false);
  assert.equal(look('', 'x'.repeat(MAX_PREVIEW_TEXT + 1)).cut, true);
  assert.equal(look('', 'x'.repeat(MAX_PREVIEW_BODY + 1)).text.length, MAX_PREVIEW_TEXT);
  assert.equal(look('', 'x', true).cut, true);
  const began = performance.now();
  const bomb = `--b\r\n${MIXED.replace('b=1', 'b')}\r\n`.repeat(5000);
  assert.ok(look(MIXED.replace('b=1', 'b'), bomb).parts.length <= 100);
  assert.ok(performance.now() - began < 1000);
});

test('property: it never throws', () => {
  const piece = fc.constantFrom(
    '--b',
    '--b--',
    '\r\n',
    'Content-Type: multipart/x; boundary=b',
    'a',
    '\xff',
    '=?x?q?=',
    '=',
    '\r\n\r\n',
  );
  const text = fc.array(piece, { maxLength: 40 }).map((p) => p.join(''));
  fc.assert(fc.property(text, text, (header, body) => void look(header, body)));
});

test('a text of many encoded words is made readable, and cut', () => {
  assert.equal(readable('=?utf-8?B?w6k=?= =?utf-8?q?=C3=A9_x?= y', 200), 'éé x y');
  assert.equal(readable('x'.repeat(300), 200).length, 200);
  assert.equal(readable(`${'x'.repeat(199)}\xf0\x9f\x98\x80`, 200), 'x'.repeat(199), 'no character is torn');
  const began = performance.now();
  readable('=?'.repeat(500_000), 200);
  assert.ok(performance.now() - began < 500);
});

test('a held entry has what an operator decides by', () => {
  const entry = heldBy('clamav', {
    hold: { reason: 'Win.Test.EICAR_HDB-1', by: 'clamav', since: START + 5 },
    recipients: [to('a@one.test'), to('b@two.test', { state: 'delivered' })],
  });
  const header = bytesOf('From: =?utf-8?q?=C3=89va?= <e@x.test>\r\nSubject: s\r\n');
  const line = heldLine(entry, header, { at: 1, by: 'operator:eva', text: 'seen' }, 1000);
  assert.deepEqual(
    [line.from, line.subject, line.to, line.recipients, line.malware, line.note],
    ['Éva <e@x.test>', 's', ['a@one.test'], 1, true, 'seen'],
  );
  assert.equal(line.expiresAt, new Date(START + 1005).toISOString());
  assert.equal(heldLine(entry, null, undefined, 0).subject, '');
});

test('words that speak of malware', () => {
  for (const yes of ['Virus found', 'clamav: x', 'Eicar-Test', 'Phishing'])
    assert.ok(looksLikeMalware(yes), yes);
  for (const no of ['spam', 'exclamation', 'looks odd']) assert.ok(!looksLikeMalware(no), no);
});
