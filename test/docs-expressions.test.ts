/** docs/expressions.md: every example gives what it says, and every variable and function of the language is there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compileExpression,
  functionWords,
  variablesOf,
  type Float,
  type Value,
  type VariableSet,
} from '#expressions';
import { environmentFor } from '../src/gateway/environment.ts';
import { FUNCTIONS, SPECIAL_FORMS } from '../src/expressions/functions/index.ts';
import { codeOf, fencesIn, readText, tablesIn, type Table } from './support/documents.ts';

const text = readText('docs/expressions.md');
const marked = (mark: string): Table => {
  const table = tablesIn(text).find((t) => t.mark === mark);
  assert.ok(table, `no table ${mark}`);
  return table;
};

/** A value as an expression would write it. */
function written(value: Value): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map((v: Value) => written(v)).join(', ')}]`;
  const { float } = value as Float;
  return Number.isInteger(float) ? float.toFixed(1) : String(float);
}

test('every example gives the value that is printed beside it', async () => {
  const given = JSON.parse(fencesIn(text).find(({ info }) => info === 'json')!.text) as Record<string, Value>;
  assert.deepEqual(Object.keys(given).toSorted(), [...variablesOf('enable').keys()].toSorted());
  const environment = environmentFor('mx.example.org', () => 0)((name) => given[name]!);
  const { rows } = marked('examples');
  for (const [cell = '', result = ''] of rows) {
    const { expression, diagnostics } = compileExpression(codeOf(cell), { variables: 'enable' });
    assert.ok(expression, `${cell}: ${JSON.stringify(diagnostics)}`);
    assert.equal(written(await expression.evaluate(environment)), codeOf(result), cell);
  }
  for (const name of [...FUNCTIONS.keys(), ...SPECIAL_FORMS.keys()])
    assert.ok(
      // What needs a service that is not at hand has no value to show.
      FUNCTIONS.get(name)?.kind === 'late' ||
        name === 'metric' ||
        rows.some(([cell]) => cell!.includes(`${name}(`)),
      `no example of ${name}`,
    );
});

test('what is refused is refused with the code that is printed beside it', () => {
  for (const [cell = '', code = ''] of marked('refusals').rows) {
    const { diagnostics } = compileExpression(codeOf(cell), { variables: 'enable' });
    assert.deepEqual(
      [...new Set(diagnostics.filter((d) => d.severity === 'error').map((d) => d.code))],
      [codeOf(code)],
      cell,
    );
  }
});

test('every variable is documented where it can be read, with its type and since when it is known', () => {
  for (const set of ['enable', 'route'] satisfies VariableSet[]) {
    const documented = marked(`variables: ${set}`).rows.map(([name = '', ...more]) => [
      codeOf(name),
      ...more.slice(0, set === 'enable' ? 2 : 1),
    ]);
    const known = [...variablesOf(set)].map(([name, { type, since }]) => [
      name,
      type,
      ...(set === 'enable' ? [since] : []),
    ]);
    assert.deepEqual(documented, known.toSorted(orderOf(documented)), set);
  }
});

/** The order in which the document has them. */
function orderOf(documented: readonly (readonly string[])[]) {
  const at = (name: unknown): number => documented.findIndex(([n]) => n === name);
  return (a: readonly unknown[], b: readonly unknown[]): number => at(a[0]) - at(b[0]);
}

test('every function is documented with as many arguments as it takes, and those that are not there yet say so', () => {
  const documented = new Map(
    marked('functions').rows.map(([cell = '', says = '']) => {
      const [, name = '', inputs = ''] = /^(\w+)\((.*)\)$/.exec(codeOf(cell)) ?? [];
      return [name, { arity: inputs.split(',').length, says }] as const;
    }),
  );
  assert.deepEqual(
    [...documented.keys()].toSorted(),
    [...FUNCTIONS.keys(), ...SPECIAL_FORMS.keys()].toSorted(),
  );
  for (const [name, { arity, says }] of documented) {
    const row = FUNCTIONS.get(name);
    const least = row?.kind === 'late' ? row.least : (row?.arity ?? SPECIAL_FORMS.get(name));
    assert.equal(arity, least, name);
    const source = `${name}(${Array.from({ length: arity }, () => "'hostname'").join(', ')})`;
    const { expression } = compileExpression(source, { variables: 'enable' });
    assert.equal(expression === null, says.startsWith('not available yet'), name);
  }
});

test('the list of functions for completion says what the document says', () => {
  const documented = marked('functions').rows.map(([signature = '', tells = '']) => [
    codeOf(signature),
    tells,
  ]);
  const offered = functionWords().map(({ signature, tells }) => [signature, tells]);
  assert.deepEqual(offered, documented);
  const names = functionWords().map(({ name }) => name);
  assert.deepEqual(names.toSorted(), [...FUNCTIONS.keys(), ...SPECIAL_FORMS.keys()].toSorted());
});
