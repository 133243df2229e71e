import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  compileExpression,
  explainExpression,
  ExpressionFault,
  floatOf,
  LIMITS,
  toText,
  truthy,
  type Value,
} from '#expressions';
import { CONTEXT, environment } from './environment.cases.ts';
import { ERRORS, VALUES } from './vectors.cases.ts';

const HERE = { variables: 'enable', available: new Set(['metrics'] as const) } as const;

/** The value of an expression, with `listener` and `recipients` standing in for values that are not known at load. */
const value = (source: string, more: Record<string, Value> = {}): unknown => {
  const { expression, diagnostics } = compileExpression(source, HERE);
  assert.ok(expression, `${source}: ${JSON.stringify(diagnostics)}`);
  return expression.evaluate(environment({}, { ...CONTEXT, ...more }));
};

const each = (cases: readonly (readonly [string, unknown])[]): void => {
  for (const [source, wanted] of cases) assert.deepStrictEqual(value(source), wanted, source);
};

test('integers are 64 bits wide, exact, and stop at their ends', () => {
  each([
    ['9007199254740991 + 1', 9007199254740992n],
    ['9007199254740993 - 2', 9007199254740991],
    ['9223372036854775807 + 1', 9223372036854775807n],
    ['-9223372036854775807 - 5', -9223372036854775808n],
    ['-(-9223372036854775807 - 1)', 9223372036854775807n],
    ['3037000500 * 3037000500', 9223372036854775807n],
    ['3037000499 * 3037000499', 9223372030926249001n],
    ['4294967296 * -4294967296', -9223372036854775808n],
    ['0 * -5', 0],
    ["-'0'", 0],
    ['9007199254740993 == 9007199254740993', 1],
    ['9007199254740993 == 9007199254740992.0', 0],
    ['9007199254740992 == 9007199254740992.0', 1],
    ["9223372036854775807 == '9223372036854775807'", 1],
    ["'99999999999999999999' > 9223372036854775807", 1],
    ['9223372036854775807 + 0.0', floatOf(2 ** 63)],
    ["'' + 9223372036854775807 + ''", 9223372036854775807n],
    ["'n' + 9223372036854775807", 'n9223372036854775807'],
    ['len(9223372036854775807)', 19],
  ]);
});

test('operators mix types as the reference says', () => {
  each([
    ["'3' * '4'", 12],
    ["'3' - 1.5", floatOf(1.5)],
    ["'x' * 2", 0],
    ['[] * 5', 5],
    ['[1] * 5', 0],
    ["'+7' - 0", 7],
    ["' 7' - 0", 0],
    ["'1e3' - 0", 0],
    ['1 / 0.0', floatOf(0)],
    ['6 / 3', floatOf(2)],
    ["'a' + 2.0", 'a2'],
    ["'a' + 1000000.0 * 1000000000000000.0", 'a1000000000000000000000'],
    ["'a' + 1 / 10000000", 'a0.0000001'],
    ["'a' + -1.25 / 10000000", 'a-0.000000125'],
    ["'a' + [1, [2], 'b']", ['a', 1, [2], 'b']],
    ["to_lowercase([[1], 'B', 2])", ['1', 'b', '2']],
    ["len('x' + '') + len([1, 2] + [])", 3],
    ["matches('^1\\r\\nb$', [1, ['no'], 'b'])", 1],
    ['[1, 2] - [1]', [1, 2]],
    ['[[1], 2] - [1]', [2]],
    ["1 - ['1', 2]", [2]],
    ['[1, 2] < [1, 3]', 1],
    ['[1] < [1, 0]', 1],
    ['[] > 99', 1],
    ["'zz' > [1]", 0],
    ["'\ud83d\ude00' > '\uffee'", 1],
    ['!!5', 1],
    ['- -5', 5],
    ['!is_tls == 0', 1],
    ['0.0 || 0', 0],
    ["'0' && 'false'", 1],
    ["is_tls & listener = 'smtp' | 0", 1],
    ['25 => local_port', 1],
    ['25 =< local_port', 1],
    ['2 < 1 == 0', 1],
    ['10H', 36_000_000],
    ['5MS', 5],
  ]);
});

test('indexing answers empty text beyond the ends and for kinds that cannot count', () => {
  each([
    ['recipients[1.9]', 'carol+tag@other.test'],
    ["recipients['1']", 'carol+tag@other.test'],
    ['recipients[-1]', ''],
    ["recipients['x']", ''],
    ['recipients[[0]]', ''],
    ['authenticated_as[0]', ''],
    ['local_port[0]', 25],
    ['[[1, 2], 3][0][1]', 2],
    ['recipients[9223372036854775807]', ''],
  ]);
});

test('functions at their edges', () => {
  each([
    ["trim('\\t\u00a0 a b\u3000\u0085')", 'a b'],
    ["trim_start(' a ')", 'a '],
    ["trim([' a ', 5])", ['a', '5']],
    ["len('\ud83d\ude00') + count_chars('\ud83d\ude00')", 5],
    ["substring('a\ud83d\ude00b', 1, 1)", '\ud83d\ude00'],
    ["substring('abc', -1, 1) + substring('abc', 1, -1)", 'bc'],
    ["is_lowercase(['a1', 'aB', '1'])", [1, 0, 1]],
    ["is_uppercase('\u00c4\u00e4')", 0],
    ["count_spaces('a\\tb\u2003c')", 2],
    ["contains(['5'], 5) + contains(55, 5)", 2],
    ["contains_ignore_case(['\u00c4b', 5], '\u00e4B') + contains_ignore_case([5], '5')", 1],
    ["eq_ignore_case('\u00c4', '\u00e4') + eq_ignore_case('AZ@[', 'az@[')", 1],
    ["strip_prefix(['ab', 'b'], 'a')", ['b', '']],
    ["strip_suffix('a', '')", 'a'],
    ["lines('')", []],
    ["lines('\\n\\na\\r')", ['', '', 'a\r']],
    ['lines(5)', 5],
    ["split('', ',')", ['']],
    ["split('abc', '')", ['abc']],
    ["split_once('abc', '')", ['abc']],
    ["split('aaa', 'aa')", ['', 'a']],
    ["rsplit('aaa', 'aa')", ['', 'a']],
    ["rsplit(',a,', ',')", ['', 'a', '']],
    ["split_n('a,b', ',', 0)", ['a,b']],
    ["split_n('a,b', ',', -1)", ['a', 'b']],
    ["split_words(' a1\\t\u00e9 b-c \u4f60 ')", ['a1', '\u00e9', '\u4f60']],
    ["hash('h\u00e9', 'md5')", '33fcd01258e6ba07ef405dc9e721f3a7'],
    ["hash('', 'sha1')", 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
    ["count([]) + count(['', ''])", 2],
    ["sort('x', 1)", ['x']],
    ["sort([10, '9', 1.5], true)", [floatOf(1.5), '9', 10]],
    ["dedup([1, '1', 1.0, 'a'])", [1, 'a']],
    ["winnow(['', [], 0])", [[], 0]],
    ["is_intersect([1, 2], ['2']) + is_intersect('', [])", 1],
    ["is_email('\"a b\"@c.test') + is_email('a..b@c.test') + is_email('a@c..test')", 1],
    ["is_email('a@b@c.test') + is_email('a@.test') + is_email('\u00e9@\u00e9.test')", 1],
    ["email_part('a@b@ c.test ', 'domain') + email_part('x', 'local')", 'c.test'],
    ["is_ip_addr('010.0.0.1') + is_ip_addr('1.2.3') + is_ip_addr('1.2.3.256') + is_ip_addr('::1%eth0')", 0],
    ["is_ipv6_addr(['::', '::'])", 0],
    ["is_ipv6_addr('::') + is_ipv6_addr('::1.2.3.4') + is_ipv6_addr('1:2:3:4:5:6:7::')", 3],
    [
      "is_ipv6_addr(':::') + is_ipv6_addr('1::2::3') + is_ipv6_addr('1:2:3:4:5:6:7:8:9') + is_ipv6_addr('12345::')",
      0,
    ],
    ["is_ipv6_addr(':1::2') + is_ipv6_addr('1:2:3:4:5:6:7') + is_ipv6_addr('1::2:')", 0],
    ["ip_reverse_name('::1.2.3.4')", `4.0.3.0.2.0.1.0.${'0.'.repeat(23)}0`],
    ["is_ip_in_cidr(remote_ip, '0.0.0.0/0') + is_ip_in_cidr(remote_ip, '::/0')", 1],
    ["is_ip_in_cidr(remote_ip, '192.0.2.11/31') + is_ip_in_cidr(remote_ip, '192.0.2.11/32')", 1],
    ["is_ip_in_cidr(remote_ip, '192.0.2.0/33') + is_ip_in_cidr(remote_ip, '192.0.2.0/')", 0],
    ["is_ip_in_cidr(remote_ip, listener + '::ffff:192.0.2.0/120')", 0],
    ["is_ip_in_cidr(remote_ip, '' + '::ffff:c000:200/120')", 1],
    ["is_ip_in_cidr('2001:db8:8000::', '2001:db8::/33')", 0],
    ['is_number(1.0) + is_number([])', 1],
    ["if_then('', 1, [2])", [2]],
    ["metric('queue.count') + 0", floatOf(12)],
    ["system('node_id')", 7],
  ]);
});

test('regular expressions are not unescaped, search, and know Unicode', () => {
  each([
    ["matches('^a\\.b$', 'a.b') + matches('^a\\.b$', 'axb')", 1],
    ["matches('it\\'s \"', 'it\\'s \"')", 1],
    ["matches('\\\\', 'a\\\\b')", 1],
    ["matches('^.$', '\ud83d\ude00') + matches('a.b', 'a\\nb') + matches('A', 'a')", 1],
    ["matches('(?i)A', 'a') && $0", 1],
    ["matches('(x)?(a)', 'ba') && [$0, $1, $2, $3] == ['a', '', 'a', '']", 1],
    ["matches('(a)', 'a') && matches('b', 'a') || $1 == ''", 1],
    ['matches("5", local_port)', 1],
  ]);
});

test('a hostile pattern and text end at once', () => {
  const started = performance.now();
  for (const [pattern, text] of [
    ['^(a+)+$', 'a'.repeat(50) + '!'],
    ['^(a|aa)+$', 'a'.repeat(5000) + '!'],
    ['^(.*)*$', 'a'.repeat(5000) + '\n'],
    ['(x+x+)+y', 'x'.repeat(5000)],
  ]) {
    assert.equal(value(`matches('${pattern}', listener)`, { listener: text! }), 0);
    assert.equal(value(`matches('${pattern}', listener) || $0`, { listener: text! }), 0);
  }
  const spaces = ' '.repeat(200_000) + 'x';
  value('trim(listener) == is_email(listener) + count_spaces(listener)', { listener: spaces + spaces });
  assert.ok(performance.now() - started < 1000);
});

test('results have bounds, and going beyond is a fault with a code', () => {
  const tooLarge = (error: unknown): boolean =>
    error instanceof ExpressionFault && error.code === 'expression-too-large';
  const half = 'x'.repeat(LIMITS.characters / 2);
  assert.equal((value('listener + listener', { listener: half }) as string).length, LIMITS.characters);
  assert.throws(() => value("listener + listener + 'x'", { listener: half }), tooLarge);
  assert.throws(() => value('to_lowercase(recipients)', { recipients: [half + half + 'x'] }), tooLarge);
  const parts = (n: number): unknown => value("count(split(listener, ','))", { listener: ','.repeat(n - 1) });
  assert.equal(parts(1), 1);
  assert.equal(parts(LIMITS.elements), LIMITS.elements);
  assert.throws(() => parts(LIMITS.elements + 1), tooLarge);
  const many = Array.from({ length: LIMITS.elements }, (_, i) => String(i));
  assert.equal(value('count(recipients + [])', { recipients: many }), LIMITS.elements);
  assert.throws(() => value("count(recipients + 'x')", { recipients: many }), tooLarge);
});

test('an explanation shows each part as written, and leaves out what was not reached', async () => {
  const source = "(listener == 'smtp') || is_tls";
  const { value: result, parts } = await explainExpression(source, HERE, environment());
  assert.equal(result, 1);
  assert.deepEqual(
    parts.map((p) => [p.column, p.text, p.value]),
    [
      [2, 'listener', 'smtp'],
      [14, "'smtp'", 'smtp'],
      [1, "(listener == 'smtp')", 1],
      [1, source, 1],
    ],
  );
  const wrong = await explainExpression('nope', HERE, environment());
  assert.equal(wrong.value, null);
  assert.equal(wrong.diagnostics[0]!.code, 'unknown-variable');
});

test('every text compiles or is refused with a place inside it, and what compiles has a value', () => {
  const words = [...VALUES, ...ERRORS].flatMap(([source]) => source.split(/(?<=\W)|(?=\W)/));
  const soup = fc.array(fc.constantFrom(...words, ' '), { maxLength: 12 }).map((parts) => parts.join(''));
  const spliced = fc
    .tuple(fc.constantFrom(...VALUES), fc.constantFrom(...VALUES), fc.nat(60), fc.nat(60))
    .map(([[a], [b], i, j]) => a.slice(0, i) + b.slice(j));
  const joined = fc
    .tuple(
      fc.constantFrom(...VALUES),
      fc.constantFrom('+', '-', '*', '/', '<', '==', '^', '||'),
      fc.constantFrom(...VALUES),
    )
    .map(([[a], operator, [b]]) => `(${a}) ${operator} (${b})[0]`);
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), soup, spliced, joined), (source) => {
      const { expression, diagnostics } = compileExpression(source, HERE);
      for (const d of diagnostics) assert.ok(d.column >= 1 && d.column - 1 + d.length <= source.length);
      if (!expression) return assert.ok(diagnostics.some((d) => d.severity === 'error'));
      const result = expression.evaluate(environment());
      assert.ok(isValue(result));
      assert.equal(expression.holds(environment()), truthy(result));
      assert.equal(typeof toText(result), 'string');
      if (expression.constant !== null) assert.equal(expression.constant, truthy(result));
    }),
    { numRuns: 1500 },
  );
});

/** Whether it is a value in its normal form. */
function isValue(x: unknown): x is Value {
  if (typeof x === 'string') return true;
  if (typeof x === 'number') return Number.isSafeInteger(x) && !Object.is(x, -0);
  if (typeof x === 'bigint') return x >= -(2n ** 63n) && x < 2n ** 63n && !Number.isSafeInteger(Number(x));
  if (Array.isArray(x)) return x.every(isValue);
  return typeof x === 'object' && x !== null && typeof (x as { float: unknown }).float === 'number';
}
