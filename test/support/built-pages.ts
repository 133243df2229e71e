/** The web pages as they are built, made anew when their sources are newer; once per process. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './folders.ts';
import { run } from './processes.ts';

/** Where the build puts them. */
export const PAGES = join(ROOT, 'dist', 'ui');

let built: Promise<void> | undefined;

/** Whether they are there and not older than any of their sources. */
export function pagesAreFresh(): boolean {
  const index = join(PAGES, 'index.html');
  if (!existsSync(index)) return false;
  const made = statSync(index).mtimeMs;
  return readdirSync(join(ROOT, 'src', 'ui'), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && !/\.test\.ts$/.test(e.name))
    .every((e) => statSync(join(e.parentPath ?? e.path, e.name)).mtimeMs <= made);
}

/** Builds them when need be. */
export function ensurePages(): Promise<void> {
  built ??= pagesAreFresh() ? Promise.resolve() : build();
  return built;
}

async function build(): Promise<void> {
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  const config = join(ROOT, 'src', 'ui', 'vite.config.ts');
  const made = await run(
    'vite',
    process.execPath,
    [vite, 'build', '--config', config, '--logLevel', 'warn'],
    {
      cwd: ROOT,
      limitMs: 120_000,
    },
  );
  if (made.code !== 0) throw new Error(`the pages were not built:\n${made.output}`);
}
