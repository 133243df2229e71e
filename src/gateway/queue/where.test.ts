import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteStringOf } from '#message';
import { heldBy, HOUR, metaOf, START, to } from './rig.cases.ts';
import { MAX_WHERE, MAX_WHERE_TEXT, parseWhere, WHERE_KEYS } from './where.ts';

const NOW = START + 2 * HOUR;

function holds(entry: ReturnType<typeof metaOf>, ...conditions: string[]): boolean {
  const where = parseWhere(conditions);
  assert.ok(!('trouble' in where), JSON.stringify(where));
  return where.holds(entry, NOW);
}

function trouble(...conditions: string[]): string {
  const where = parseWhere(conditions);
  assert.ok('trouble' in where);
  return where.trouble;
}

test('every key is asked for by its words, and all conditions must hold', () => {
  const entry = metaOf({ recipients: [to('a@one.test'), to('b@two.test', { state: 'delivered' })] });
  for (const yes of [
    ['id=m1'],
    ['state=queued'],
    ['state=deferred'],
    ['sender=FROM@sender.TEST'],
    ['sender_domain=sender.test'],
    ['rcpt=a@one.test'],
    ['rcpt_domain=one.test', 'rcpt_domain=*.test'],
    ['rcpt_domain!=two.test'],
    ['client=192.0.2.*'],
    ['listener=smtp'],
    ['user='],
    ['age>1h', 'age<=2h'],
    ['size>=100', 'size<1KiB'],
    ['attempts>0'],
    [],
  ])
    assert.equal(holds(entry, ...yes), true, yes.join());
  for (const no of [
    ['id=m'],
    ['id=m11'],
    ['state=held'],
    ['state=queued', 'state=held'],
    ['state=incoming'],
    ['sender_domain=test'],
    ['rcpt_domain=two.test'],
    ['rcpt=b@two.test'],
    ['age>2h'],
    ['size>100'],
    ['held_by=*'],
    ['rcpt_domain=one.test', 'size>1MB'],
  ])
    assert.equal(holds(entry, ...no), false, no.join());
});

test('held entries are asked for by who holds them and why', () => {
  const entry = heldBy('rspamd');
  assert.equal(holds(entry, 'state=held', 'held_by=rspamd', 'reason=*odd'), true);
  assert.equal(holds(entry, 'held_by=clamav'), false);
  assert.equal(holds(heldBy('x', { sender: byteStringOf('jürgen@x.test') }), 'sender=jürgen*'), true);
});

test('a condition that is none is answered with a sentence', () => {
  assert.match(trouble('rcpt_domain'), /is not a condition/);
  assert.match(trouble('colour=red'), /the keys are state, id/);
  assert.match(trouble('state=open'), /the states are queued, leased, held/);
  assert.match(trouble('state>held'), /with =/);
  assert.match(trouble('sender>a'), /with = or !=/);
  assert.match(trouble('age>soon'), /duration/);
  assert.match(trouble('age=1h'), /> or </);
  assert.match(trouble('size>big'), /size/);
  assert.match(trouble('attempts>-1'), /number/);
  for (const name of ['__proto__', 'constructor']) {
    assert.match(trouble(`${name}=x`), /the keys are|not a condition/);
    assert.match(trouble(`state=${name}`), /the states are/);
  }
});

test('conditions and their length are bounded', () => {
  assert.ok(!('trouble' in parseWhere(Array.from({ length: MAX_WHERE }, () => 'id=*'))));
  assert.match(trouble(...Array.from({ length: MAX_WHERE + 1 }, () => 'id=*')), /more than/);
  const longest = `id=${'x'.repeat(MAX_WHERE_TEXT - 3)}`;
  assert.equal(holds(metaOf(), longest), false);
  assert.match(trouble(`${longest}x`), /is not a condition/);
});

test('a pattern means what the same regular expression means', () => {
  const part = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
  fc.assert(
    fc.property(part, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }), (pattern, id) => {
      const same = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(id);
      assert.equal(holds(metaOf({ id }), `id=${pattern}`), same);
    }),
  );
});

test('whatever is written, reading it ends in conditions or a sentence', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 4 }), fc.constantFrom(...WHERE_KEYS), (texts, key) => {
      for (const where of [parseWhere(texts), parseWhere(texts.map((t) => `${key}=${t}`))])
        if (!('trouble' in where)) assert.equal(typeof where.holds(metaOf(), NOW), 'boolean');
    }),
  );
});
