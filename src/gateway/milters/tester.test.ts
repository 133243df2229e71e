import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkExpression, evaluateExpression, language, type Given } from './tester.ts';

async function evaluated(expression: unknown, variables: Record<string, Given> = {}) {
  const result = await evaluateExpression(expression, 'enable', variables, 'mx.test');
  assert.ok(!('trouble' in result), 'trouble' in result ? result.trouble : '');
  return result;
}

test('findings have their place, their remedy and what is always so', () => {
  const { ok, diagnostics, constant } = checkExpression('listener == foo', 'enable');
  assert.equal(ok, false);
  assert.equal(constant, null);
  const error = diagnostics.find((d) => d.severity === 'error')!;
  assert.deepEqual([error.at, error.length, error.code, error.path], [12, 3, 'unknown-variable', '']);
  assert.match(error.remedy, /quote it/);
  assert.deepEqual(checkExpression('true', 'enable').constant, true);
  const block = checkExpression([{ if: 'is_tls', then: 'tru' }, { else: 'false' }], 'enable');
  assert.equal(block.diagnostics[0]!.path, '[0].then');
  assert.ok(
    checkExpression("rcpt == 'x'", 'enable', ['connect']).diagnostics.some((d) => d.code === 'never-known'),
  );
  assert.equal(checkExpression("rcpt == 'x'", 'route').ok, true);
  assert.equal(checkExpression({ __proto__: null, constructor: 1 }, 'enable').ok, false);
});

test('every part that is evaluated shows its value; the others do not', async () => {
  const { value, holds, steps } = await evaluated("is_tls && remote_ip == '192.0.2.1'", { is_tls: 0 });
  assert.deepEqual([value, holds], ['0', false]);
  assert.deepEqual(
    steps.map(({ text, value: v }) => [text, v]),
    [
      ['is_tls', '0'],
      ["is_tls && remote_ip == '192.0.2.1'", '0'],
    ],
  );
});

test('a block runs clause by clause, captures and all', async () => {
  const block = [{ if: "matches('^([a-z]+)[+]', rcpt)", then: "$1 == 'carol'" }, { else: 'false' }];
  const yes = await evaluated(block, { rcpt: 'carol+x@in.test' });
  assert.equal(yes.holds, true);
  assert.ok(
    yes.steps.some(({ path, text, value }) => path === '[0].then' && text === '$1' && value === "'carol'"),
  );
  assert.equal((await evaluated(block, { rcpt: 'carol@in.test' })).holds, false);
});

test('variables that are not given are empty, those there are not are refused, types are kept', async () => {
  assert.equal((await evaluated('count(recipients)')).value, '0');
  assert.equal((await evaluated('recipients', { recipients: ['a', "b'"] })).value, "['a', 'b\\'']");
  assert.equal((await evaluated('remote_port + 1', { remote_port: '24' })).value, '25');
  for (const [name, value] of [
    ['nope', 'x'],
    ['__proto__', 'x'],
    ['remote_port', 'x'],
    ['sender', 3],
  ] as const) {
    const given = Object.fromEntries([[name, value]]);
    assert.ok('trouble' in (await evaluateExpression('true', 'enable', given, 'mx.test')), name);
  }
});

test('what evaluates to more than may be is a finding, and errors give no value', async () => {
  const wrong = await evaluated('nope');
  assert.deepEqual([wrong.ok, wrong.value, wrong.holds, wrong.steps.length], [false, '', null, 0]);
});

test('the language has every variable and function, with signatures', () => {
  const { variables, functions } = language();
  assert.ok(
    variables.enable.some((v) => v.name === 'helo_domain' && v.since === 'ehlo' && v.type === 'text'),
  );
  assert.ok(variables.route.some((v) => v.name === 'retry_num'));
  assert.ok(functions.some((f) => f.signature === 'is_ip_in_cidr(x, network)' && f.available));
  assert.ok(functions.some((f) => f.name === 'dns_query' && !f.available));
});
