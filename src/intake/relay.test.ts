import assert from 'node:assert/strict';
import { test } from 'node:test';
import { relayPolicy } from '#intake';
import { pathOf, type Origin } from '#message';

const from = (remoteAddress: string, user = ''): Origin => ({
  listener: 'smtp',
  protocol: 'smtp',
  session: 's',
  remoteAddress,
  remotePort: 1,
  localAddress: '127.0.0.1',
  localPort: 25,
  clientName: '',
  clientPtr: '',
  helo: 'x',
  heloVerb: 'EHLO',
  tls: null,
  user,
  authMethod: '',
  clientConnections: 1,
});

const policy = relayPolicy(
  [
    { family: 4, address: '127.0.0.0', bits: 8 },
    { family: 6, address: '::1', bits: 128 },
  ],
  ['in.test'],
);
const code = (origin: Origin, to: string) => policy.refusal(policy.trusts(origin), pathOf(to))?.code ?? 250;

test('a stranger reaches our domains and nothing else', () => {
  const stranger = from('192.0.2.1');
  assert.equal(code(stranger, 'u@in.test'), 250);
  assert.equal(code(stranger, 'u@IN.TEST'), 250);
  assert.equal(code(stranger, 'Postmaster'), 250);
  for (const to of ['u@ext.test', 'u@[127.0.0.1]', 'u@in.test.ext.test', 'u@IN.TEST.'])
    assert.equal(code(stranger, to), 554, to);
  for (const to of [
    'u%ext.test@in.test',
    '"u@ext.test"@in.test',
    'u@ext.test@in.test',
    'ext.test!u@in.test',
    'ext.test!u',
  ])
    assert.equal(code(stranger, to), 550, to);
});

test('a listed network, an authenticated user and a client on a unix socket reach everybody', () => {
  for (const origin of [from('127.0.0.9'), from('::1'), from('192.0.2.1', 'alice'), from('')])
    assert.equal(code(origin, 'u@ext.test'), 250);
  assert.equal(code(from('::2'), 'u@ext.test'), 554);
});

test('the address of a proxy that cannot name its client lets nobody relay', () => {
  const unnamed = { ...from('127.0.0.9'), proxy: '127.0.0.9', undeclared: true };
  assert.equal(code(unnamed, 'u@ext.test'), 554);
  assert.equal(code(unnamed, 'u@in.test'), 250);
  assert.equal(code({ ...unnamed, user: 'alice' }, 'u@ext.test'), 250);
  assert.equal(code({ ...from('127.0.0.9'), proxy: '127.0.0.9' }, 'u@ext.test'), 250);
});
