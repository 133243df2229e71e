import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileBlock, compileExpression, LIMITS, type CompileOptions } from '#expressions';

/** `code@column+length` of every finding. */
const say = (source: string, more: Partial<CompileOptions> = {}): string[] =>
  compileExpression(source, { variables: 'enable', ...more }).diagnostics.map(
    (d) => `${d.code}@${d.column}+${d.length}`,
  );

const hintOf = (source: string): string =>
  compileExpression(source, { variables: 'enable' }).diagnostics[0]?.hint ?? '(none)';

test('figures are refused where there are none, and by a wrong name where there are', () => {
  assert.deepEqual(say("metric('queue.count')"), ['unsupported-function@1+6']);
  const available = new Set(['metrics'] as const);
  assert.deepEqual(say("metric('queue.count')", { available }), []);
  assert.deepEqual(say("metric('queue-count')", { available }), ['unknown-variable@8+13']);
});

test('a finding points at the very characters it means', () => {
  const cases: readonly (readonly [string, string])[] = [
    ["listener == 'smtp' && rcptt == 1", 'unknown-variable@23+5'],
    ['1 + contians(rcpt, 2)', 'unknown-function@5+8'],
    ["is_tls && contains('a')", 'arity@11+8'],
    ["rcpt == 'abc", 'unterminated-string@9+4'],
    ['is_tls && (1 + 2', 'unbalanced@11+1'],
    ['is_tls && ', 'unbalanced@11+0'],
    ['1 2', 'unbalanced@3+1'],
    ['1)', 'unbalanced@2+1'],
    ['(1 2)', 'unbalanced@4+1'],
    ['is_tls # 1', 'invalid-character@8+1'],
    ['is_tls }', 'invalid-character@8+1'],
    ["rcpt == 'a' + ü", 'invalid-character@15+1'],
    ['remote_ip == 127.0.0.1', 'invalid-number@14+9'],
    ['1 + 10x', 'invalid-number@5+3'],
    ['9223372036854775808', 'invalid-number@1+19'],
    ['1.', 'invalid-number@1+2'],
    ['1.5h', 'invalid-number@1+4'],
    ['99999999999999999d', 'invalid-number@1+18'],
    ['$name', 'unknown-variable@1+5'],
    ['$', 'invalid-character@1+1'],
    ['matches(rcpt, listener)', 'literal-required@9+4'],
    ['matches(true, listener)', 'literal-required@9+4'],
    ["matches('a(b', rcpt)", 'bad-regex@10+3'],
    ["matches('it\\'s (?=x)', rcpt)", 'bad-regex@16+3'],
    ["matches('a\\1', rcpt)", 'bad-regex@11+2'],
    ["system('hostnam')", 'unknown-variable@8+9'],
    ["config_get('a')", 'unsupported-function@1+10'],
    ["dns_query(rcpt_domain, 'mx')", 'unsupported-function@1+9'],
    ['rcpt(1)', 'unknown-function@1+4'],
    ['', 'empty-clause@1+0'],
    ['  ', 'empty-clause@1+2'],
  ];
  for (const [source, wanted] of cases) assert.equal(say(source)[0], wanted, source);
});

test('all wrong names are reported, not only the first', () => {
  assert.deepEqual(say('foo_x + nosuch(1) + retry_num'), [
    'unknown-variable@1+5',
    'unknown-function@9+6',
    'variable-not-available@21+9',
  ]);
});

test('hints name what was probably meant', () => {
  assert.match(hintOf("listner == 'smtp'"), /`listener`/);
  assert.match(hintOf("contians(rcpt, '+')"), /`contains`/);
  assert.match(hintOf('contains'), /contains\(…\)/);
  assert.match(hintOf("matches('(?=a)b', rcpt)"), /look-around/);
  assert.match(hintOf("matches('(?<!a)b', rcpt)"), /look-around/);
  assert.match(hintOf("matches('(a)\\1', rcpt)"), /back-references/);
  assert.match(hintOf('127.0.0.1'), /quotes/);
});

test('a word without quotes is an unknown variable and a suspected text', () => {
  assert.deepEqual(say('protocol == lmtp'), ['unknown-variable@13+4', 'unquoted-word@13+4']);
  assert.deepEqual(say('relaxed'), ['unknown-variable@1+7', 'unquoted-word@1+7']);
  assert.deepEqual(say('contains'), ['unknown-variable@1+8']);
});

test('routes and milters have their own variables', () => {
  assert.deepEqual(say("retry_num > 3 && source == 'dsn'", { variables: 'route' }), []);
  assert.deepEqual(say("listener == 'smtp'", { variables: 'route' }), ['variable-not-available@1+8']);
  assert.deepEqual(say('queue_name'), ['variable-not-available@1+10']);
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
    assert.deepEqual(say(`${name} == 1`)[0], `unknown-variable@1+${name.length}`);
  assert.equal(say('constructor(1)')[0], 'unknown-function@1+11');
});

test('a variable that no configured stage can know is warned of, once and at its first place', () => {
  const source = "rcpt_domain == 'a.test' || rcpt_domain == 'b.test' || helo_domain == 'x'";
  assert.deepEqual(say(source, { stages: ['connect'] }), ['never-known@1+11', 'never-known@55+11']);
  assert.deepEqual(say(source, { stages: ['connect', 'ehlo'] }), ['never-known@1+11']);
  assert.deepEqual(say(source, { stages: ['connect', 'data'] }), []);
  assert.deepEqual(say(source), []);
  assert.deepEqual(say('is_tls', { stages: ['connect'] }), []);
});

test('a side effect is warned of when it would happen at several stages', () => {
  const available = new Set(['store'] as const);
  const source = "counter_incr('', sender, 1) > 5";
  assert.deepEqual(say(source, { available, stages: ['mail', 'rcpt'] }), ['side-effect-per-stage@1+12']);
  assert.deepEqual(say(source, { available, stages: ['mail'] }), []);
  assert.deepEqual(say("counter_get('', sender) > 5", { available, stages: ['mail', 'rcpt'] }), []);
});

test('truth traps are warned of', () => {
  assert.deepEqual(say('authenticated_as == 0'), ['string-vs-number@21+1']);
  assert.deepEqual(say('-1 < sender'), ['string-vs-number@1+2']);
  assert.deepEqual(say('authenticated_as != true'), ['string-vs-number@21+4']);
  assert.deepEqual(say("local_port == '25'"), []);
  assert.deepEqual(say("is_tls == 'true'"), ['quoted-boolean@11+6']);
  assert.deepEqual(say("'false'"), ['quoted-boolean@1+7']);
  assert.deepEqual(say("is_tls && 'true'"), ['quoted-boolean@11+6']);
  assert.deepEqual(say("listener == 'smtp' || 'submission'"), ['always-true@1+34']);
  assert.deepEqual(say('is_tls && false'), ['always-false@1+15']);
  assert.deepEqual(say('true'), []);
  assert.deepEqual(say('false'), []);
});

test('paths name the clause of the block', () => {
  const paths = (value: unknown): string[] =>
    compileBlock(value, { variables: 'enable', path: 'milters[2].enable' }).diagnostics.map(
      (d) => `${d.path}:${d.column} ${d.code}`,
    );
  assert.deepEqual(paths({ match: [{ if: 'is_tls && nope', then: 'x(1)' }], else: '1 +' }), [
    'milters[2].enable.match[0].if:11 unknown-variable',
    'milters[2].enable.match[0].then:1 unknown-function',
    'milters[2].enable.else:4 unbalanced',
  ]);
  assert.deepEqual(paths({ match: { 10: { if: '(', then: 'true' } }, else: 'true' }), [
    'milters[2].enable.match[10].if:2 unbalanced',
  ]);
  assert.deepEqual(paths([{ if: '(', then: true }, { else: false }]), [
    'milters[2].enable[0].if:2 unbalanced',
  ]);
  assert.deepEqual(paths('('), ['milters[2].enable:2 unbalanced']);
});

test('text has a bound in bytes', () => {
  const texts = (length: number): string => `'${'x'.repeat(length - 2)}'`;
  assert.deepEqual(say(texts(2)), []);
  assert.deepEqual(say(texts(LIMITS.text)), []);
  assert.equal(say(texts(LIMITS.text + 1))[0], `limit-exceeded@1+${LIMITS.text + 1}`);
  assert.match(say(`'${'ü'.repeat(LIMITS.text / 2)}'`)[0]!, /^limit-exceeded/);
});

test('nesting has a bound, chains of operators have none but the text', () => {
  const nested = (depth: number): string => '('.repeat(depth) + 'is_tls' + ')'.repeat(depth);
  assert.deepEqual(say(nested(0)), []);
  assert.deepEqual(say(nested(1)), []);
  assert.deepEqual(say(nested(LIMITS.nesting)), []);
  assert.deepEqual(say(nested(LIMITS.nesting + 1)), [`limit-exceeded@${LIMITS.nesting + 1}+1`]);
  assert.deepEqual(say('!'.repeat(LIMITS.nesting) + 'is_tls'), []);
  assert.match(say('!'.repeat(4000) + 'is_tls')[0]!, /^limit-exceeded/);
  assert.match(say('['.repeat(4000))[0]!, /^limit-exceeded/);
  assert.deepEqual(say('1' + '+1'.repeat(2000) + '+ is_tls'), []);
});

test('a pattern has a bound on what it compiles to, which no pattern without repeats can reach', () => {
  const repeated = (times: number): string => `matches('${'a{500}'.repeat(times)}', rcpt)`;
  for (const times of [0, 1, 9]) assert.deepEqual(say(repeated(times)), []);
  assert.deepEqual(say(repeated(10)), ['bad-regex@10+60']);
  const plain = "matches('', rcpt)".length;
  assert.deepEqual(say(`matches('${'(a|b)'.repeat((LIMITS.text - plain) / 5)}', rcpt)`), []);
});
