// Builds dist/ from src/: the program by the compiler, then the pages (src/ui) by Vite. Run by `prepare`, so that bin/millrace works from a checkout after `npm ci`.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
rmSync(join(root, 'dist'), { recursive: true, force: true });
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
const steps = [
  [tsc, '-p', join(root, 'tsconfig.build.json')],
  [vite, 'build', '--config', join(root, 'src', 'ui', 'vite.config.ts'), '--logLevel', 'warn'],
];
for (const step of steps) {
  const run = spawnSync(process.execPath, step, { stdio: 'inherit', cwd: root });
  process.exitCode = run.status ?? 1;
  if (process.exitCode !== 0) break;
}
