/**
 * Test files that are also programs: a process of its own, to be killed or to live apart, is the test file again, called with the
 * word `child`. It is built into one file before, since a child that translates a hundred sources as it starts takes six
 * times as long, and there are dozens of them.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The arguments that have node run the test file at `url` (its `import.meta.url`) as a child. The built file lies below
 * `node_modules`, where packages are found from, and is gone when this process ends.
 */
export async function childArguments(url: string): Promise<readonly string[]> {
  const file = fileURLToPath(url);
  const folder = fileURLToPath(new URL('../../node_modules/.cache/millrace', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${basename(file, '.ts')}-${process.pid}.mjs`);
  process.once('exit', () => rmSync(outfile, { force: true }));
  // Not loaded by the child, which holds this module too.
  const { build } = await import('esbuild');
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['source'],
    packages: 'external',
  });
  return [outfile, 'child'];
}
