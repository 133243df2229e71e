import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteStringOf, isPermanent } from '#message';
import { asciiForm, isHostName, mailDomainOf } from './mail-domain.ts';

test('a domain is lower case, in A-labels and without the dot at its end', () => {
  for (const [address, name] of [
    ['u@Example.ORG', 'example.org'],
    ['u@example.org.', 'example.org'],
    ['"a@b"@example.org', 'example.org'],
    [byteStringOf('u@Bücher.example'), 'xn--bcher-kva.example'],
    [byteStringOf('ü@例え.テスト'), 'xn--r8jz45g.xn--zckzah'],
    ['u@_smtp.host-1.test', '_smtp.host-1.test'],
    ['u@localhost', 'localhost'],
  ])
    assert.deepEqual(mailDomainOf(address!), { kind: 'domain', name }, address);
});

test('an address literal is an address', () => {
  assert.deepEqual(mailDomainOf('u@[192.0.2.1]'), {
    kind: 'literal',
    name: '[192.0.2.1]',
    address: '192.0.2.1',
  });
  assert.deepEqual(mailDomainOf('u@[IPv6:2001:DB8:0::1]'), {
    kind: 'literal',
    name: '[2001:db8::1]',
    address: '2001:db8::1',
  });
  assert.deepEqual(mailDomainOf('u@[ipv6:::ffff:192.0.2.1]'), {
    kind: 'literal',
    name: '[192.0.2.1]',
    address: '192.0.2.1',
  });
});

test('what is no place for mail is refused for good, and asked of nobody', () => {
  const why = (address: string): string => {
    const where = mailDomainOf(address);
    assert.equal(where.kind, 'nowhere', address);
    return where.kind === 'nowhere' ? `${where.status.code} ${where.status.enhanced}` : '';
  };
  for (const bad of [
    'u@1.2.3.4',
    'u@a..b',
    'u@.test',
    'u@-a.test',
    'u@a-.test',
    'u@sp ace.test',
    'u@under/../path',
    'u@nul\0.test',
    'u@[1.2.3]',
    'u@[2001:db8::1]',
    'u@[IPv6:192.0.2.1]',
    'u@[x400:whatever]',
    'u@[192.0.2.1',
    'u@\xfcmlaut.test', // no UTF-8
    `u@${'a'.repeat(64)}.test`,
    `u@${'a.'.repeat(130)}test`,
  ])
    assert.equal(why(bad), '550 5.1.2', bad);
  assert.equal(why('postmaster'), '553 5.1.3');
});

test('labels go up to 63 and names up to 253', () => {
  assert.ok(isHostName('a') && isHostName(`${'a'.repeat(63)}.test`) && !isHostName(`${'a'.repeat(64)}.test`));
  const long = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
  assert.equal(long.length, 253);
  assert.ok(isHostName(long) && !isHostName(`${long}d`) && !isHostName(''));
});

test('whatever stands behind the @, only a clean name or an address comes out', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 40 }), (any, plain) => {
      for (const text of [byteStringOf(any), plain, `[${plain}]`, `${plain}.test`]) {
        const where = mailDomainOf(`u@${text}`);
        if (where.kind === 'domain') assert.match(where.name, /^[a-z0-9_.-]{1,253}$/);
        else if (where.kind === 'literal') assert.match(where.address, /^[0-9a-f.:]+$/);
        else assert.ok(isPermanent(where.status));
      }
      assert.doesNotThrow(() => asciiForm(byteStringOf(any)));
    }),
  );
});
