import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '#clock';
import { pathOf, status, type Origin, type TlsFacts } from '#message';
import type { MacroLookup } from '#milter/protocol';
import { macrosOf, refusedMacros, type MacroHost } from './macros.ts';
import type { SessionFacts, Transaction } from './session.ts';

const HOST: MacroHost = {
  hostname: 'mx.test',
  version: 'Millrace 1.2.3',
  mailerOf: (address) => ({ mailer: 'smtp', host: `hop-of-${address}` }),
  clock: new ManualClock(Date.UTC(2024, 1, 9, 4, 5, 6, 700)),
};

const ORIGIN: Origin = {
  listener: 'submission',
  protocol: 'smtp',
  session: 's',
  remoteAddress: '192.0.2.7',
  remotePort: 40_000,
  localAddress: '192.0.2.1',
  localPort: 587,
  clientName: 'mail.out.test',
  clientPtr: 'mail.out.test',
  helo: 'helo.test',
  heloVerb: 'EHLO',
  tls: null,
  user: '',
  authMethod: '',
  clientConnections: 3,
};

const TRANSACTION: Transaction = {
  id: 'Q1',
  sender: pathOf('a@out.test'),
  senderParams: [],
  began: 0,
  recipients: [],
  hold: null,
};

const factsOf = (
  origin: Partial<Origin> = {},
  transaction: Partial<Transaction> | null = null,
): SessionFacts => ({
  origin: { ...ORIGIN, ...origin },
  transaction: transaction && { ...TRANSACTION, ...transaction },
  candidate: null,
  messageId: '',
  waited: 0,
  over: false,
});

const lookup = (origin: Partial<Origin>, transaction: Partial<Transaction> | null = null): MacroLookup =>
  macrosOf(factsOf(origin, transaction), HOST, null);

/** Values in the order of the names; '' for what is left out. */
const values = (macros: MacroLookup, names: string): string[] =>
  names.split(' ').map((name) => macros(name) ?? '');

test('a client is shown with its verified name, as forged, or as unknown', () => {
  const names = '_ {client_name} {client_ptr} {client_resolve} {client_addr} {client_port}';
  const six = '2001:db8::7';
  for (const [origin, ...expected] of [
    [
      { clientName: 'mail.out.test', clientPtr: 'mail.out.test' },
      'mail.out.test [192.0.2.7]',
      'mail.out.test',
      'mail.out.test',
      'OK',
      '192.0.2.7',
      '40000',
    ],
    [
      { clientName: '', clientPtr: 'forged.test' },
      'forged.test [192.0.2.7] (may be forged)',
      'unknown',
      'forged.test',
      'FORGED',
      '192.0.2.7',
      '40000',
    ],
    [
      { clientName: '', clientPtr: '' },
      'unknown [192.0.2.7]',
      'unknown',
      'unknown',
      'FAIL',
      '192.0.2.7',
      '40000',
    ],
    [
      { clientName: '', clientPtr: '', remoteAddress: six },
      `unknown [${six}]`,
      'unknown',
      'unknown',
      'FAIL',
      `IPv6:${six}`,
      '40000',
    ],
    // A client on a unix socket is on this machine.
    [
      { clientName: '', clientPtr: '', remoteAddress: '', remotePort: 0 },
      'localhost',
      'localhost',
      'localhost',
      'OK',
      '',
      '0',
    ],
  ] as const)
    assert.deepEqual(values(lookup(origin), names), expected);
});

test('the listener, and the interface unless it is the loopback', () => {
  const names = '{daemon_name} {daemon_addr} {daemon_port} {if_name} {if_addr} {client_connections}';
  for (const [localAddress, ...expected] of [
    ['192.0.2.1', '192.0.2.1', '587', 'mx.test', '192.0.2.1'],
    ['2001:db8::1', 'IPv6:2001:db8::1', '587', 'mx.test', 'IPv6:2001:db8::1'],
    ['127.0.0.1', '127.0.0.1', '587', 'localhost', ''],
    ['::1', 'IPv6:::1', '587', 'localhost', ''],
    ['', '', '', 'mx.test', ''],
  ] as const)
    assert.deepEqual(values(lookup({ localAddress }), names), ['submission', ...expected, '3']);
});

test('our names, and the date from the clock in the format of messages', () => {
  assert.deepEqual(values(lookup({}), 'j v b s r i Z'), [
    'mx.test',
    'Millrace 1.2.3',
    'Fri, 09 Feb 2024 04:05:06 +0000',
    'helo.test',
    'ESMTP',
    '',
    '',
  ]);
});

test('TLS and certificates show only where they are', () => {
  const names =
    '{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer} {verify} {tls_sni} r'.split(' ');
  const shown = (tls: TlsFacts | null): string[] => values(lookup({ tls }), names.join(' '));
  const bare: TlsFacts = {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    bits: 256,
    certSubject: '',
    certIssuer: '',
    certCheck: 'NO',
    sni: '',
  };
  const suite = ['TLSv1.3', 'TLS_AES_256_GCM_SHA384', '256'];
  assert.deepEqual(shown(null), ['', '', '', '', '', '', '', 'ESMTP']);
  assert.deepEqual(shown(bare), [...suite, '', '', 'NO', '', 'ESMTPS']);
  const known: TlsFacts = { ...bare, certSubject: '/CN=c', certIssuer: '/CN=ca', certCheck: 'OK', sni: 'mx' };
  assert.deepEqual(shown(known), [...suite, '/CN=c', '/CN=ca', 'OK', 'mx', 'ESMTPS']);
});

test('a user shows with mechanism and author, and nothing of that without one', () => {
  const names = '{auth_authen} {auth_type} {auth_author} {auth_ssf} r';
  const user: Partial<Origin> = { user: 'alice@in.test', authMethod: 'PLAIN' };
  const params = ['SIZE=10', 'auth=a+2Bb+40out.test+3D'];
  assert.deepEqual(values(lookup(user), names), ['alice@in.test', 'PLAIN', '', '0', 'ESMTPA']);
  assert.deepEqual(values(lookup(user, { senderParams: params }), names), [
    'alice@in.test',
    'PLAIN',
    'a+b@out.test=',
    '0',
    'ESMTPA',
  ]);
  assert.equal(lookup(user, { senderParams: ['AUTH=<>'] })('{auth_author}'), '<>');
  // What a stranger writes into MAIL makes nobody a user.
  assert.deepEqual(values(lookup({}, { senderParams: params }), names), ['', '', '', '', 'ESMTP']);
});

test('sender and recipient with where their mail would go; the null sender shows nothing', () => {
  const names = 'i {mail_addr} {mail_host} {mail_mailer} {rcpt_addr} {rcpt_host} {rcpt_mailer} {msg_id}';
  const facts = { ...factsOf({}, {}), messageId: '<1@out.test>' };
  const recipient = { path: pathOf('b@in.test'), params: [] };
  const sender = ['Q1', 'a@out.test', 'hop-of-a@out.test', 'smtp'];
  assert.deepEqual(values(macrosOf(facts, HOST, null), names), [...sender, '', '', '', '<1@out.test>']);
  const there = ['b@in.test', 'hop-of-b@in.test', 'smtp', '<1@out.test>'];
  assert.deepEqual(values(macrosOf(facts, HOST, recipient), names), [...sender, ...there]);
  assert.deepEqual(values(lookup({}, { sender: pathOf('') }), names), ['Q1', '', '', '', '', '', '', '']);
});

test('a refused recipient shows as error, code and text; the rest stays as it is', () => {
  const names = 'i {rcpt_mailer} {rcpt_host} {rcpt_addr} {mail_addr}';
  const refused = refusedMacros(factsOf({}, {}), HOST, status(550, '5.1.1', 'Nobody\nhere'));
  assert.deepEqual(values(refused, names), ['Q1', 'error', '5.1.1', 'Nobody here', 'a@out.test']);
});
