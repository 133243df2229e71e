import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileBlock, compileExpression, ExpressionFault, LIMITS, type Block } from '#expressions';
import { countingStore, environment } from './environment.cases.ts';

const ALL = { variables: 'enable', available: new Set(['dns', 'store', 'sql', 'local'] as const) } as const;

const block = (value: unknown): Block => {
  const { block: compiled, diagnostics } = compileBlock(value, ALL);
  assert.ok(compiled, JSON.stringify(diagnostics));
  return compiled;
};

const codes = (value: unknown, defaultTo?: string): string[] =>
  compileBlock(value, { ...ALL, ...(defaultTo === undefined ? {} : { defaultTo }) })
    .diagnostics.filter((d) => d.severity === 'error')
    .map((d) => `${d.path} ${d.code}`);

test('an empty block is its default, in every way of being empty', () => {
  for (const empty of [undefined, null, {}, [], '', ' ', { match: {} }, { match: [] }, { else: '' }]) {
    const { block: compiled } = compileBlock(empty, { ...ALL, defaultTo: 'true' });
    assert.equal(compiled!.constant, true, JSON.stringify(empty));
    assert.deepEqual(codes(empty).length, 1);
  }
});

test('scalars stand for expressions', () => {
  assert.equal(block(true).constant, true);
  assert.equal(block(false).constant, false);
  assert.equal(block(0).constant, false);
  assert.equal(block({ match: [{ if: true, then: 5 }], else: false }).evaluate(environment()), 5);
});

test('what is no block is refused with its place', () => {
  assert.deepEqual(codes({ match: [{ if: 'true', then: 'true' }] }), [' missing-else']);
  assert.deepEqual(codes({ match: [{ if: 'true', then: 'true' }], else: '' }), ['.else missing-else']);
  assert.deepEqual(codes([{ if: 'true', then: 'true' }]), [' missing-else']);
  assert.deepEqual(codes({ match: [{ if: '', then: 'true' }], else: '1' }), ['.match[0].if empty-clause']);
  assert.deepEqual(codes({ match: { 3: { if: '1' } }, else: '1' }), ['.match[3].then empty-clause']);
  assert.deepEqual(codes({ match: { x: { if: '1', then: '1' } }, else: '1' }), ['.match invalid-block']);
  assert.deepEqual(codes({ match: { '01': { if: '1', then: '1' } }, else: '1' }), ['.match invalid-block']);
  assert.deepEqual(codes({ match: 'true', else: '1' }), ['.match invalid-block']);
  assert.deepEqual(codes({ mach: [], else: '1' }), [' invalid-block']);
  assert.deepEqual(codes(JSON.parse('{"__proto__": 1, "else": "1"}')), [' invalid-block']);
  assert.deepEqual(codes([{ else: '1' }, { if: '1', then: '1' }]).includes('[0] invalid-block'), true);
  assert.deepEqual(codes({ else: ['1'] }), ['.else invalid-block']);
  assert.deepEqual(
    codes(() => true),
    [' invalid-block'],
  );
});

test('the number of pairs has a bound', () => {
  const pairs = (n: number): unknown => ({
    match: Array.from({ length: n }, () => ({ if: 'is_tls', then: '1' })),
    else: '1',
  });
  for (const n of [0, 1, LIMITS.pairs]) assert.deepEqual(codes(pairs(n)), []);
  assert.deepEqual(codes(pairs(LIMITS.pairs + 1)), ['.match limit-exceeded']);
});

test('what always holds or never holds is known without asking', () => {
  assert.equal(block('true').constant, true);
  assert.equal(block("listener == 'smtp'").constant, null);
  assert.equal(block("listener == 'smtp' || 1").constant, true);
  assert.equal(block('is_tls && false').constant, false);
  assert.equal(block('!(is_tls && false)').constant, true);
  assert.equal(block('[is_tls]').constant, true);
  assert.equal(block({ match: [{ if: 'is_tls', then: '1' }], else: "'x'" }).constant, true);
  assert.equal(block({ match: [{ if: 'is_tls', then: '1' }], else: '0' }).constant, null);
  assert.equal(block({ match: [{ if: 'false', then: '1' }], else: '0' }).constant, false);
  assert.equal(block({ match: [{ if: 'is_tls || 1', then: '1' }], else: '0' }).constant, true);
  assert.equal(block("key_set('', 'k', 'v') || true").constant, null);
  assert.equal(
    block("key_set('', 'k', 'v') || true").holds(environment({ store: countingStore(false) })),
    true,
  );
});

test('a block tells which variables it reads', () => {
  const reading = block({ match: [{ if: "contains(rcpt, '+')", then: 'sender' }], else: 'rcpt' });
  assert.deepEqual([...reading.reads].toSorted(), ['rcpt', 'sender']);
});

test('short circuits leave the store alone, if_then does not', async () => {
  for (const later of [false, true]) {
    for (const [source, wanted, calls] of [
      ["true || key_set('', 'k', '1')", 1, 0],
      ["false && key_set('', 'k', '1')", 0, 0],
      ["is_tls || key_set('', 'k', '1')", 1, 0],
      ["!is_tls && key_set('', 'k', '1')", 0, 0],
      ["is_tls && key_set('', 'k', '1')", 1, 1],
      ["if_then(true, 'a', key_set('', 'k', '1'))", 'a', 1],
    ] as const) {
      const store = countingStore(later);
      const { expression } = compileExpression(source, ALL);
      assert.equal(await expression!.evaluate(environment({ store })), wanted, source);
      assert.equal(store.calls.length, calls, source);
    }
  }
});

test('without an asynchronous function nothing is ever a promise', () => {
  const sync = block({ match: [{ if: "matches('a', rcpt)", then: '$0' }], else: 'true' });
  assert.equal(sync.isAsync, false);
  assert.equal(sync.evaluate(environment()), 'a');
  assert.equal(sync.holds(environment()), true);
  assert.equal(block("true || key_get('', 'k')").isAsync, false);
  const late = block("key_get('', 'k') == ''");
  assert.equal(late.isAsync, true);
  assert.equal(late.evaluate(environment({ store: countingStore(false) })), 1);
  assert.ok(late.evaluate(environment({ store: countingStore(true) })) instanceof Promise);
});

test('asynchronous inputs are evaluated from left to right, one after another', async () => {
  const store = countingStore(true);
  const source =
    "[counter_incr('s', 'a', 1), counter_incr('s', 'a', 2) + counter_get('s', 'a'), -counter_incr('s', 'a', '4')]";
  assert.deepEqual(await block(source).evaluate(environment({ store })), [1, 6, -7]);
  assert.deepEqual(store.calls, [
    'increment s/a by 1',
    'increment s/a by 2',
    'counter s/a',
    'increment s/a by 4',
  ]);
});

test('captures survive from clause to clause, also across promises', async () => {
  const value = {
    match: [
      { if: "matches('^(alice)@(x)?', sender) && key_exists('', 'no')", then: "'a'" },
      { if: "matches('^([^+]+)', key_get('', 'k') + rcpt) && $1 != 'carol'", then: "'b'" },
    ],
    else: "$0 + '/' + $1 + '/' + $2 + '/' + $99999999999",
  };
  for (const later of [false, true])
    assert.equal(await block(value).evaluate(environment({ store: countingStore(later) })), 'carol/carol//');
});

test('services answer as the reference says', async () => {
  const asked: string[] = [];
  const env = environment({
    store: countingStore(true),
    dns: (name, type) => {
      asked.push(`${type} ${name}`);
      return Promise.resolve(type === 'mx' ? ['mx1.test', 'mx2.test'] : []);
    },
    sql: (_, statement, parameters) => [statement, ...parameters],
    isLocalDomain: (domain) => domain === 'other.test',
    isLocalAddress: (address) => Promise.resolve(address.startsWith('carol')),
  });
  for (const [source, wanted] of [
    ["dns_query(rcpt_domain, 'MX')[1]", 'mx2.test'],
    ["dns_query(rcpt_domain, 'soa')", ''],
    ["count(dns_query('a', 'ip')) == 0 && is_local_domain(rcpt_domain)", 1],
    ["is_local_domain('dir', 'nowhere.test')", 0],
    ["is_local_address('dir', rcpt)", 1],
    ["key_exists('', 'a')", 0],
    ["key_set('', 'a', 5) + key_get('', 'a')", '15'],
    ["sql_query('', 'q', [sender, 1])", ['q', 'alice@example.org', 1]],
    ["sql_query('', 'q', sender)", ['q', 'alice@example.org']],
  ] as const)
    assert.deepEqual(await block(source).evaluate(env), wanted, source);
  assert.deepEqual(asked, ['mx other.test', 'ip a']);
});

test('a failing service fails the evaluation, and a missing one is a fault with a code', async () => {
  const failing = environment({ dns: () => Promise.reject(new Error('SERVFAIL')) });
  await assert.rejects(async () => block("dns_query('a', 'mx') == ''").evaluate(failing), /SERVFAIL/);
  await assert.rejects(
    async () => block("dns_query('a', 'mx')").evaluate(environment()),
    (error: unknown) => error instanceof ExpressionFault && error.code === 'expression-unavailable',
  );
});

test('all asynchronous work of an evaluation shares one time limit', async () => {
  const limits: number[] = [];
  const env = environment({
    store: countingStore(true),
    within: (work, milliseconds) => {
      limits.push(milliseconds);
      return work;
    },
  });
  await block("key_get('', 'a') + key_get('', 'b')").evaluate(env);
  assert.deepEqual(limits, [LIMITS.asyncMilliseconds]);
});
