import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecipientList, recipientCheck } from '#intake';
import { byteStringOf, pathOf, status, type Status } from '#message';

const listOf = (...entries: string[]): RecipientList => {
  const list = new RecipientList();
  for (const entry of entries) assert.ok(list.add(entry), entry);
  return list;
};

test('an address is found in any case and with quotes that need not be there; nothing else is taken for it', () => {
  const list = listOf(
    'Info@In.Test',
    '"a.b"@in.test',
    "o'x+tag@in.test",
    byteStringOf('grüße@in.test'),
    '@all.test',
  );
  for (const known of [
    'info@in.test',
    'INFO@IN.TEST',
    '"info"@in.test',
    '"i\\nfo"@in.test',
    'A.B@in.test',
    "O'X+tag@in.test",
  ])
    assert.equal(list.find(known), 'known', known);
  for (const unknown of [
    'inf@in.test',
    'info+x@in.test',
    "o'x@in.test",
    'x@in.test',
    '@in.test',
    '" info"@in.test',
  ])
    assert.equal(list.find(unknown), 'unknown', unknown);
  assert.equal(list.find(byteStringOf('grüße@in.test')), 'known');
  assert.equal(list.find('anybody@ALL.test'), 'known');
  for (const elsewhere of ['info@out.test', 'info@sub.in.test', 'info', ''])
    assert.equal(list.find(elsewhere), 'elsewhere');
  assert.equal(list.size, 5);
});

test('everybody of a domain counts, before and after single names', () => {
  assert.equal(listOf('a@in.test', '@in.test', 'b@in.test').find('x@in.test'), 'known');
  assert.equal(listOf('@IN.test', 'b@in.test').find('x@in.test'), 'known');
});

test('what is no entry is refused and adds nothing', () => {
  const list = new RecipientList();
  for (const bad of [
    '',
    '@',
    'a',
    'a@',
    'postmaster',
    '<a@in.test>',
    'a b@in.test',
    'a@in.test b',
    '@x:a@in.test',
    '@a@b',
    'a@in..test',
    'a\0@in.test',
    'gr\xfc@in.test',
  ])
    assert.equal(list.add(bad), false, JSON.stringify(bad));
  assert.equal(list.size, 0);
  assert.equal(list.find('a@in.test'), 'elsewhere');
});

test('names of objects are recipients like any other', () => {
  const list = listOf('__proto__@in.test', 'constructor@in.test');
  assert.equal(list.find('__proto__@in.test'), 'known');
  assert.equal(list.find('toString@in.test'), 'unknown');
  assert.equal(list.find('a@__proto__'), 'elsewhere');
});

test('any address that was added is found, and only those', () => {
  const local = fc.stringMatching(/^[a-z0-9]{1,12}$/);
  fc.assert(
    fc.property(fc.uniqueArray(local, { minLength: 1, maxLength: 20 }), local, (names, other) => {
      const list = listOf(...names.map((n) => `${n}@in.test`));
      for (const n of names) assert.equal(list.find(`${n.toUpperCase()}@in.test`), 'known');
      assert.equal(list.find(`${other}@in.test`), names.includes(other) ? 'known' : 'unknown');
    }),
  );
});

test('the check speaks of our domains alone: by the list where it has the domain, else by asking ahead', () => {
  const asked: string[] = [];
  const busy = status(450, '4.1.1', 'later');
  const ahead = ({ address }: { address: string }): Status | null => {
    asked.push(address);
    return address.startsWith('busy') ? busy : null;
  };
  const list = listOf('a@in.test', 'x@other.test');
  const check = recipientCheck(['in.test', 'more.test'], () => list, ahead)!;
  const say = (address: string): number => {
    const answer = check(pathOf(address)) as Status | null;
    return answer?.code ?? 250;
  };
  assert.deepEqual(
    ['a@in.test', 'b@in.test', 'Postmaster@in.test', 'postmaster', 'y@other.test', 'z@ext.test'].map(say),
    [250, 550, 250, 250, 250, 250],
  );
  assert.deepEqual(asked, []);
  assert.deepEqual(['q@more.test', 'busy@MORE.test', 'postmaster@more.test'].map(say), [250, 450, 250]);
  assert.deepEqual(asked, ['q@more.test', 'busy@MORE.test']);
  const { enhanced, text } = check(pathOf('b@in.test')) as Status;
  assert.deepEqual([enhanced, text], ['5.1.1', 'No such recipient here']);
});

test('without list and without asking ahead there is no check; either of them alone is enough', () => {
  assert.equal(recipientCheck(['in.test'], null, null), null);
  assert.equal(recipientCheck(['in.test'], null, () => null)!(pathOf('x@in.test')), null);
  const list = listOf('a@in.test');
  assert.equal(recipientCheck(['in.test', 'b.test'], () => list, null)!(pathOf('x@b.test')), null);
});
