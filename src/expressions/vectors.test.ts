import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileBlock, compileExpression, explainExpression } from '#expressions';
import { environment } from './environment.cases.ts';
import { BLOCKS, ERRORS, VALUES } from './vectors.cases.ts';

const HERE = { variables: 'enable' } as const;

test('every expression of the reference gives its value, at once', () => {
  for (const [source, wanted] of VALUES) {
    const { expression, diagnostics } = compileExpression(source, HERE);
    assert.deepEqual(
      diagnostics.filter((d) => d.severity === 'error'),
      [],
      source,
    );
    assert.deepStrictEqual(expression!.evaluate(environment()), wanted, source);
  }
});

test('the tester comes to the same values without computing anything in advance', async () => {
  for (const [source, wanted] of VALUES) {
    const { value, parts } = await explainExpression(source, HERE, environment());
    assert.deepStrictEqual(value, wanted, source);
    assert.deepStrictEqual(parts.at(-1)!.value, wanted, source);
  }
});

test('every wrong expression of the reference gives exactly its error', () => {
  for (const [source, code] of ERRORS) {
    const { expression, diagnostics } = compileExpression(source, HERE);
    assert.equal(expression, null, source);
    const errors = diagnostics.filter((d) => d.severity === 'error');
    assert.deepEqual(
      errors.map((d) => d.code),
      [code],
      source,
    );
  }
});

test('every block of the reference gives its value, and gives it again from its canonical form', () => {
  for (const [value, wanted] of BLOCKS) {
    const { block, diagnostics } = compileBlock(value, { ...HERE, defaultTo: 'true' });
    assert.ok(block, JSON.stringify(diagnostics));
    assert.deepStrictEqual(block.evaluate(environment()), wanted, JSON.stringify(value));
    const again = compileBlock(block.source, HERE).block;
    assert.deepStrictEqual(again!.evaluate(environment()), wanted, JSON.stringify(block.source));
  }
});
