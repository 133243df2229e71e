// The quick check: types (all, then the pure folders without ambient types), lint, format, borders, unit tests.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);
const steps = [
  ['types', bin('tsc'), ['-p', 'tsconfig.json']],
  ['types of the pure folders', bin('tsc'), ['-p', 'tsconfig.pure.json']],
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings', 'src', 'test', 'bench', 'scripts']],
  ['format', bin('prettier'), ['--check', '--log-level=warn', '.']],
  ['borders', process.execPath, ['scripts/borders.mjs']],
  ['unit tests', process.execPath, ['scripts/test.mjs', 'unit']],
  ['documents', process.execPath, ['scripts/test.mjs', 'gateway', 'docs', 'boundaries']],
];
const started = Date.now();
for (const [title, command, args] of steps) {
  const at = Date.now();
  const run = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  console.log(
    `-- ${title}: ${run.status === 0 ? 'ok' : 'FAILED'} (${((Date.now() - at) / 1000).toFixed(1)} s)`,
  );
  if (run.status !== 0) process.exit(run.status ?? 1);
}
console.log(`check: ok in ${((Date.now() - started) / 1000).toFixed(1)} s`);
