/** docs/limits.md: every number is the program's, every limit of the program is there, every key that sets one exists. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { codeOf, readText, tablesIn } from './support/documents.ts';
import { ROOT } from './support/folders.ts';
import { codeIn, numericConstants, sourceFiles } from './support/sources.ts';

const tables = tablesIn(readText('docs/limits.md'));

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  ms: 1,
  s: 1000,
  d: 86_400_000,
};

/** `64 KiB`, `300 s`, `20`, `none` as a number: bytes, milliseconds or a count. */
function valueOf(cell: string): number {
  if (cell === 'none') return Infinity;
  const [, digits, unit = ''] = /^([\d.]+)(?: (\w+))?$/.exec(cell) ?? [];
  assert.ok(digits !== undefined && Object.hasOwn(UNITS, unit), `${cell} is no number with a unit`);
  return Number(digits) * UNITS[unit]!;
}

test('every table of numbers says where they come from', () => {
  for (const { columns, mark, heading } of tables) {
    assert.equal(columns[0], 'Limit', heading);
    assert.match(mark, /^limits: /, `a table under ${heading}`);
  }
  assert.ok(tables.length >= 15);
});

/** Numbers among defaults that bound nothing. */
const NO_BOUNDS: ReadonlySet<string> = new Set(['port', 'smtpPort', 'lmtpPort']);

test('limits that the program exports stand there with their values, all of them and no other', async () => {
  for (const { mark, rows } of tables) {
    const [, file, path] = /^limits: (src\/\S+) (\S+)$/.exec(mark) ?? [];
    if (!file || !path) continue;
    const module: unknown = await import(pathToFileURL(join(ROOT, file)).href);
    const exported = path
      .split('.')
      .reduce((at, key) => (at as Record<string, unknown>)[key], module) as Record<string, unknown>;
    const numbers = Object.entries(exported).filter(
      ([key, value]) => typeof value === 'number' && !NO_BOUNDS.has(key),
    );
    const documented = rows.map(([name, value]) => [codeOf(name!), valueOf(value!)] as const);
    assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(numbers), mark);
    assert.equal(documented.length, numbers.length, mark);
  }
});

test('limits that are constants of one file stand there with their values', () => {
  const known = numericConstants();
  for (const { mark, rows } of tables.filter((t) => t.mark === 'limits: constants'))
    for (const [name, value, , file] of rows) {
      const constant = known.find((c) => c.name === codeOf(name!) && c.file === codeOf(file!));
      assert.ok(constant, `${name} is not in ${file} (${mark})`);
      assert.equal(valueOf(value!), constant.value, `${name} in ${file}`);
    }
});

test('defaults of options stand there with their values', () => {
  for (const { rows } of tables.filter((t) => t.mark === 'limits: options'))
    for (const [name, value, , file] of rows) {
      const used = new RegExp(`options\\.${codeOf(name!)} \\?\\? ([\\d_]+)`).exec(codeIn(codeOf(file!)));
      assert.ok(used, `${name} has no default in ${file}`);
      assert.equal(valueOf(value!), Number(used[1]!.replaceAll('_', '')), `${name} in ${file}`);
    }
});

/** Constants that are called like a limit and are none that anybody could meet. */
const NO_LIMITS: ReadonlySet<string> = new Set([
  'src/smtp/protocol/dot-stuffer.ts MAX_CUTS', // how a chunk is cut for one write
]);

test('every constant of the program that is called like a limit is documented', () => {
  const documented = new Set(
    tables
      .filter((t) => t.mark === 'limits: constants')
      .flatMap(({ rows }) => rows.map(([name, , , file]) => `${codeOf(file!)} ${codeOf(name!)}`)),
  );
  const called = /(?:^|_)(?:MAX|LIMIT|LONGEST|SHORTEST|PATIENCE|TIMEOUT|GRACE|FLOOR|WINDOW|LINGER)(?:_|$)/;
  for (const { file, name } of numericConstants())
    if (called.test(name) && !NO_LIMITS.has(`${file} ${name}`))
      assert.ok(documented.has(`${file} ${name}`), `${name} of ${file} is missing in docs/limits.md`);
});

test('what is said to set a limit is a key of the configuration or an option of the SDK', () => {
  const keys = new Set(
    tablesIn(readText('docs/configuration.md'))
      .filter(({ columns }) => columns[0] === 'Key')
      .flatMap(({ rows }) => rows.map(([key]) => codeOf(key!))),
  );
  for (const { columns, rows, mark } of tables.filter((t) => t.columns[3] === 'Set by'))
    for (const row of rows) {
      const by = codeOf(row[3]!);
      assert.equal(row.length, columns.length, mark);
      assert.ok(by === 'fixed' || keys.has(by) || by === `limits.${codeOf(row[0]!)}`, `${mark}: ${by}`);
    }
});

test('a code that is promised with a limit is said somewhere in the program', () => {
  const said = new Set(['501 5.1.3', '501 5.1.7']); // put together in smtp/protocol/paths.ts
  for (const file of ['src/smtp', 'src/intake', 'src/delivery', 'src/stages', 'src/gateway'].flatMap((f) =>
    sourceFiles(f),
  ))
    for (const [, code, enhanced] of codeIn(file).matchAll(/\bstatus\(\s*(\d{3}),\s*'([\d.]+)'/g))
      said.add(`${code} ${enhanced}`);
  let promised = 0;
  for (const { rows } of tables)
    for (const row of rows)
      for (const [text] of row[2]!.matchAll(/\b[45]\d\d [45]\.\d\.\d\b/g)) {
        promised++;
        assert.ok(said.has(text), `${row[0]}: nobody says ${text}`);
      }
  assert.ok(promised >= 25, `${promised}`);
});
