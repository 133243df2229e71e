/** The borders between the folders: held by scripts/borders.mjs, which must itself notice what it is for. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { codeOf, readText, tablesIn } from './support/documents.ts';
import { Cleanup, ROOT, tempFolder } from './support/folders.ts';

function borders(root?: string): { code: number | null; lines: readonly string[] } {
  const script = join(ROOT, 'scripts', 'borders.mjs');
  const run = spawnSync(process.execPath, [script, ...(root ? [root] : [])], { encoding: 'utf8' });
  return { code: run.status, lines: (run.stdout + run.stderr).trim().split('\n') };
}

const table = (): Record<string, string[]> =>
  JSON.parse(readText('boundaries.json')) as Record<string, string[]>;

test('every import of src stays inside boundaries.json', () => {
  const { code, lines } = borders();
  assert.equal(code, 0, lines.join('\n'));
});

test('the folder table of ARCHITECTURE.md has every folder of boundaries.json once, and no other', () => {
  const folders = tablesIn(readText('ARCHITECTURE.md')).find(({ columns }) => columns[0] === 'Folder');
  const named = folders!.rows.flatMap(([cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map(([, path]) => codeOf(path!).replace(/\/$/, '')),
  );
  assert.deepEqual(named.toSorted(), Object.keys(table()).toSorted());
});

test('the import table of ARCHITECTURE.md is boundaries.json', () => {
  const written = tablesIn(readText('ARCHITECTURE.md')).find(({ columns }) => columns[1] === 'Imports from');
  const names = (cell: string): string[] => [...cell.matchAll(/`([^`]+?)\/?`/g)].map(([, path]) => path!);
  const imports = Object.fromEntries(written!.rows.map(([house, from]) => [names(house!)[0], names(from!)]));
  assert.deepEqual(imports, table());
});

test('the table of borders goes one way: no folder reaches itself through others', () => {
  const houses = table();
  const reached = (from: string, seen: Set<string>): Set<string> => {
    for (const next of houses[from]!)
      if (!seen.has(next)) {
        seen.add(next);
        reached(next, seen);
      }
    return seen;
  };
  for (const house of Object.keys(houses)) assert.ok(!reached(house, new Set()).has(house), house);
  assert.ok(!reached('intake', new Set()).has('delivery'), 'intake and delivery meet only at the spool');
  assert.ok(!reached('delivery', new Set()).has('intake'));
});

test('a breach of every kind is noticed, and what is allowed is not', async (t) => {
  const root = await tempFolder(new Cleanup(t), 'millrace-borders');
  const files: Record<string, string> = {
    'boundaries.json': JSON.stringify({ a: [], 'a/inner': ['a'], b: ['a'] }),
    'tsconfig.pure.json': JSON.stringify({ include: ['src/a'] }),
    'src/a/index.ts': "import { x } from './own.ts';\nexport * from '#b';\n",
    'src/a/own.ts': "import { readFile } from 'node:fs';\nexport const x = 1;\n",
    'src/a/own.test.ts': "import { readFile } from 'node:fs';\nimport { y } from '#b';\n",
    'src/a/inner/index.ts': "import { x } from '#a';\n",
    'src/b/index.ts': "import { x } from '#a';\nimport type {\n  X,\n} from '../a/own.ts';\nimport '#c';\n",
    'src/b/late.ts': "export const later = () => import('#a/inner');\n",
    'src/stray.ts': '',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const { code, lines } = borders(root);
  assert.equal(code, 1);
  assert.deepEqual(lines.toSorted(), [
    'src/a/index.ts: may not import #b',
    'src/a/own.ts: is pure and imports node:fs',
    'src/b/index.ts: imports #c, which is no folder of boundaries.json',
    'src/b/index.ts: reaches a/own.ts by relative path; cross a border with #a',
    'src/b/late.ts: may not import #a/inner',
    'src/stray.ts: lies in no folder of boundaries.json',
  ]);
});
