import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientNames, type NameResolver } from './client-name.ts';

/** A resolver that knows these names; counts its questions. */
function resolver(
  ptr: Record<string, string[]>,
  addresses: Record<string, string[]>,
): NameResolver & { asked: number } {
  const answer = (table: Record<string, string[]>, key: string): Promise<string[]> =>
    table[key] ? Promise.resolve(table[key]) : Promise.reject(new Error('ENOTFOUND'));
  const self = {
    asked: 0,
    reverse: (address: string) => ((self.asked += 1), answer(ptr, address)),
    resolve4: (name: string) => answer(addresses, name),
    resolve6: (name: string) => answer(addresses, name),
  };
  return self as unknown as NameResolver & { asked: number };
}

test('a name counts when it leads back to the address; a PTR that does not is kept apart', async () => {
  const find = clientNames(
    resolver(
      {
        '192.0.2.1': ['other.test', 'mail.test.'],
        '192.0.2.2': ['forged.test'],
        '2001:db8::1': ['six.test'],
        '192.0.2.4': ['evil\r\nname'],
      },
      {
        'mail.test': ['192.0.2.9', '192.0.2.1'],
        'forged.test': ['192.0.2.9'],
        'six.test': ['2001:DB8:0::1'],
      },
    ),
  );
  assert.deepEqual(await find('192.0.2.1'), { name: 'mail.test', ptr: 'mail.test' });
  assert.deepEqual(await find('192.0.2.2'), { name: '', ptr: 'forged.test' });
  assert.deepEqual(await find('2001:db8::1'), { name: 'six.test', ptr: 'six.test' });
  assert.deepEqual(await find('192.0.2.3'), { name: '', ptr: '' });
  assert.deepEqual(await find('192.0.2.4'), { name: '', ptr: '' });
});

test('loopback is asked of nobody, and a name is remembered for a while', async () => {
  const r = resolver({ '192.0.2.1': ['mail.test'] }, { 'mail.test': ['192.0.2.1'] });
  let now = 0;
  const find = clientNames(r, () => now);
  assert.deepEqual(await find('127.0.0.9'), { name: 'localhost', ptr: 'localhost' });
  assert.deepEqual(await find('::1'), { name: 'localhost', ptr: 'localhost' });
  assert.deepEqual(await find(''), { name: '', ptr: '' });
  assert.equal(r.asked, 0);
  await find('192.0.2.1');
  await find('192.0.2.1');
  assert.equal(r.asked, 1);
  now += 300_001;
  await find('192.0.2.1');
  assert.equal(r.asked, 2);
});
