import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fits, grant } from './mail-parameters.ts';

test('a declared size must fit into what is free, an undeclared one into anything', () => {
  assert.deepEqual(
    [-1, 0, 1].map((free) => fits([], free)),
    [false, false, true],
  );
  assert.deepEqual(
    [0, 99, 100, 101].map((free) => fits(['BODY=8BITMIME', 'size=100'], free)),
    [false, false, true, true],
  );
  assert.equal(fits(['SIZE=99999999999999999999'], 2 ** 40), false);
});

test('a stranger may lower a priority and not raise it, and is told what it got', () => {
  const trusted = (): boolean => true;
  const stranger = (): boolean => false;
  for (const value of ['-9', '-1', '0', '1', '9']) {
    const params = ['SIZE=1', `mt-priority=${value}`];
    assert.deepEqual(grant(params, trusted).params, params);
    const given = grant(params, stranger);
    const cut = Number(value) > 0;
    assert.deepEqual(given.params, cut ? ['SIZE=1', 'MT-PRIORITY=0'] : params);
    assert.equal(given.reply.enhanced, cut ? '2.3.6' : '2.1.0');
    assert.equal(given.reply.code, 250);
  }
  assert.match(grant(['MT-PRIORITY=4'], stranger).reply.text, /^0 /);
});

test('nobody asks who the client is when no priority is asked for', () => {
  const asked = (): boolean => assert.fail('asked');
  assert.deepEqual(grant([], asked).params, []);
  assert.deepEqual(grant(['MT-PRIORITY=-3', 'SIZE=1'], asked).params, ['MT-PRIORITY=-3', 'SIZE=1']);
});
