// The quick check: unit tests; types (all, then the pure folders without ambient types), lint, borders, documents and format.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);
const cache = (name) => join(root, 'node_modules', '.cache', name);
const started = Date.now();
const seconds = (since) => ((Date.now() - since) / 1000).toFixed(1);

const running = new Set();
// When a step fails, what runs beside it is of no interest any more.
process.on('exit', () => running.forEach((child) => process.kill(-child.pid)));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

/** Runs one step after another; ends the program with the code of the first that fails. */
async function inTurn(steps) {
  for (const [title, command, args] of steps) {
    const at = Date.now();
    const code = await new Promise((resolve) => {
      // Each leads a group of its own, so that those it started end with it.
      const child = spawn(command, args, { cwd: root, stdio: 'inherit', detached: true });
      running.add(child);
      child.once('close', (status) => {
        running.delete(child);
        resolve(status ?? 1);
      });
    });
    console.log(`-- ${title}: ${code === 0 ? 'ok' : 'FAILED'} (${seconds(at)} s)`);
    if (code !== 0) process.exit(code);
  }
}

/** Files that were found well are looked at again only when their content changed. */
const KEPT = ['--cache', '--cache-strategy=content', `--cache-location=${cache('format')}`];

/** Types are worked out again only for what changed, or hangs on what changed, since the last time. */
const types = (title, project) => [
  title,
  bin('tsc'),
  ['-p', project, '--incremental', '--tsBuildInfoFile', cache(`types-${project.replaceAll(/\W/g, '-')}`)],
];

// Unit tests wait more than they compute: what only computes runs beside them.
await Promise.all([
  inTurn([['unit tests', process.execPath, ['scripts/test.mjs', 'unit']]]),
  inTurn([
    types('types', 'tsconfig.json'),
    types('types of the pure folders', 'tsconfig.pure.json'),
    types('types of the pages', 'src/ui'),
    types('types of their tests', 'test/ui'),
    ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings', 'src', 'test', 'bench', 'scripts']],
    ['borders', process.execPath, ['scripts/borders.mjs']],
    ['documents', process.execPath, ['scripts/test.mjs', 'documents']],
    ['format', bin('prettier'), [...KEPT, '--check', '--log-level=warn', '.']],
  ]),
]);
console.log(`check: ok in ${seconds(started)} s`);
