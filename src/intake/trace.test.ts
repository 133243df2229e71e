import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { latin1, pathOf, type Envelope, type Origin, type TlsFacts } from '#message';
import { receivedField } from './trace.ts';

const ORIGIN: Origin = {
  listener: 'smtp',
  protocol: 'smtp',
  session: 's',
  remoteAddress: '192.0.2.1',
  remotePort: 1,
  localAddress: '127.0.0.1',
  localPort: 25,
  clientName: 'mail.out.test',
  clientPtr: 'mail.out.test',
  helo: 'helo.out.test',
  heloVerb: 'EHLO',
  tls: null,
  user: '',
  authMethod: '',
  clientConnections: 1,
};

const TLS: TlsFacts = {
  version: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  bits: 256,
  certSubject: '',
  certIssuer: '',
  certCheck: 'NOT',
  sni: '',
};

const to = (...addresses: string[]): Envelope => ({
  sender: pathOf('a@out.test'),
  senderParams: [],
  recipients: addresses.map((address) => ({ path: pathOf(address), params: [] })),
});

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const field = (origin: Partial<Origin>, envelope = to('b@in.test')): string =>
  latin1(receivedField({ ...ORIGIN, ...origin }, 'mx.test', 'Q1', envelope, NOW).raw);

test('the field tells who, by whom, how, which and when', () => {
  assert.equal(
    field({ tls: TLS, user: 'alice' }),
    'Received: from helo.out.test (mail.out.test [192.0.2.1])\r\n' +
      '\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384)\r\n' +
      '\tby mx.test (Millrace) with ESMTPSA id Q1\r\n' +
      '\tfor <b@in.test> tls TLS_AES_256_GCM_SHA384;\r\n' +
      '\tFri, 02 Jan 2026 03:04:05 +0000\r\n',
  );
  assert.ok(!field({ user: 'alice' }).includes('alice'));
  assert.equal(
    field({ heloVerb: 'HELO', clientName: '', remoteAddress: '2001:db8::1' }, to('b@in.test', 'c@in.test')),
    'Received: from helo.out.test (unknown [IPv6:2001:db8::1])\r\n' +
      '\tby mx.test (Millrace) with SMTP id Q1;\r\n' +
      '\tFri, 02 Jan 2026 03:04:05 +0000\r\n',
  );
});

test('a suite with a name of OpenSSL’s own stands in the comment alone', () => {
  const text = field({ tls: { ...TLS, version: 'TLSv1.2', cipher: 'ECDHE-RSA-AES128-GCM-SHA256' } });
  assert.ok(text.includes('(using TLSv1.2 with cipher ECDHE-RSA-AES128-GCM-SHA256)'));
  assert.ok(!text.includes(' tls '));
});

test('with SMTPUTF8 the protocol has its internationalized name', () => {
  const utf8 = { ...to('b@in.test'), senderParams: ['SIZE=1', 'smtputf8'] };
  assert.match(field({}, utf8), / with UTF8SMTP id /);
  assert.match(field({ tls: TLS }, utf8), / with UTF8SMTPS id /);
  assert.match(field({ tls: TLS, user: 'u' }, utf8), / with UTF8SMTPSA id /);
  assert.match(field({ protocol: 'lmtp', heloVerb: 'LHLO', user: 'u' }, utf8), / with UTF8LMTPA id /);
  assert.match(field({ protocol: 'lmtp', heloVerb: 'LHLO' }), / with LMTP id /);
});

test('a client on a unix socket, a literal, and a greeting that is no name', () => {
  assert.match(field({ remoteAddress: '', clientName: '' }), /^Received: from helo\.out\.test \(local\)\r\n/);
  assert.match(field({ helo: '[192.0.2.9]' }), /^Received: from \[192\.0\.2\.9\] \(mail/);
  assert.match(
    field({ helo: 'x)(y' }),
    /^Received: from unknown \(mail\.out\.test \[192\.0\.2\.1\] helo=x\?\?y\)\r\n/,
  );
  assert.match(field({ helo: '' }), /helo=none\)/);
});

test('a recipient that is not plain is not named', () => {
  for (const odd of ['"a b"@in.test', '"a)"@in.test', 'postmaster', 'gr\xfc@in.test', 'a;b@in.test'])
    assert.ok(!field({}, to(odd)).includes(' for ') && !field({}, to(odd)).includes('\tfor '), odd);
});

test('whatever strangers say, it is one field of ASCII, folded, with each clause once and in order', () => {
  const text = fc.oneof(
    fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)), maxLength: 300 }),
    fc.constantFrom('a.test', ') by evil (', '\r\nBcc: x', ';', '"', '\\', '(', '[1.2.3.4]', 'x'.repeat(255)),
  );
  fc.assert(
    fc.property(text, text, text, text, fc.boolean(), (helo, clientName, recipient, cipher, secure) => {
      const raw = field(
        { helo, clientName, tls: secure ? { ...TLS, cipher, version: helo } : null },
        to(recipient),
      );
      assert.match(raw, /^[\t\r\n\x20-\x7e]+$/);
      assert.match(raw, /^Received: [^\r\n]+\r\n(?:\t[^\r\n]+\r\n)+$/);
      const flat = raw.replace(/\r\n[\t]/g, ' ').trimEnd();
      const bare = flat.replace(/\([^()]*\)/g, '()');
      assert.match(
        bare,
        /^Received: from (?:[A-Za-z0-9._-]+|\[[0-9A-Za-z:.]+\]) \(\)(?: \(\))? by mx\.test \(\) with E?SMTPS? id Q1(?: for <[^\s<>()";]+>)?(?: tls [A-Z0-9_]+)?; Fri, 02 Jan 2026 03:04:05 \+0000$/,
      );
    }),
  );
});

test('lines stay within 78 where there is a place to fold', () => {
  const long = field({ clientName: `${'n'.repeat(60)}.test`, helo: `${'h'.repeat(60)}.test` });
  for (const line of long.split('\r\n')) assert.ok(line.replace('\t', ' '.repeat(8)).length <= 78, line);
});
