// Holds every import of src/ against boundaries.json. A folder may import itself by relative path, and other folders only
// as `#folder`, only those the table grants, and never node:* from a pure folder; `import('...')` counts like any other. Prints
// each breach; exit code 1 on any. The tree to look at may be named (its root folder); without a name it is this one.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..'));
const table = JSON.parse(readFileSync(join(root, 'boundaries.json'), 'utf8'));
const pure = JSON.parse(readFileSync(join(root, 'tsconfig.pure.json'), 'utf8')).include.map((p) =>
  p.replace('src/', ''),
);
const houses = Object.keys(table).toSorted((a, b) => b.length - a.length);
const breaches = [];

/** The folder of the table that a file lies in. */
export const houseOf = (path) => houses.find((h) => path === h || path.startsWith(h + '/'));

for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
  const file = join(entry.parentPath ?? entry.path, entry.name);
  const here = relative(join(root, 'src'), file).replaceAll('\\', '/');
  const test = /\.(test|cases)\.ts$/.test(here);
  if (here.startsWith('ui/')) continue; // built on its own by Vite; imports nothing of the house
  const house = houseOf(here);
  const say = (what) => breaches.push(`src/${here}: ${what}`);
  if (!house) {
    say('lies in no folder of boundaries.json');
    continue;
  }
  const text = readFileSync(file, 'utf8');
  for (const [, from, alone, called] of text.matchAll(
    /(?:^|\n)\s*(?:import|export)[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  )) {
    const spec = from ?? alone ?? called;
    if (spec.startsWith('.')) {
      const target = relative(join(root, 'src'), resolve(dirname(file), spec)).replaceAll('\\', '/');
      if (houseOf(target) !== house)
        say(`reaches ${target} by relative path; cross a border with #${houseOf(target) ?? '?'}`);
    } else if (spec.startsWith('#')) {
      const target = spec.slice(1);
      if (!(target in table)) say(`imports ${spec}, which is no folder of boundaries.json`);
      else if (target !== house && !test && !table[house].includes(target)) say(`may not import ${spec}`);
    } else if (spec.startsWith('node:') && pure.includes(house) && !test) say(`is pure and imports ${spec}`);
  }
}
if (breaches.length) {
  console.error(breaches.join('\n'));
  process.exitCode = 1;
} else console.log('borders: every import stays inside boundaries.json');
