/** The titles of tests as their files write them, for documents that name tests. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from './documents.ts';
import { ROOT } from './folders.ts';

/** Values that a loop may put into a title without writing them down. */
const COMPUTED = /^(?:\d+|true|false|fault reply|used)$/;

interface TestFile {
  readonly text: string;
  readonly titles: ReadonlySet<string>;
  readonly templates: readonly RegExp[];
}

const known = new Map<string, TestFile | null>();

/**
 * Whether the file has a test of exactly this title. A title made in a loop counts when the template fits and what stands in
 * its gaps is written somewhere in the file.
 */
export function hasTest(path: string, title: string): boolean {
  let file = known.get(path);
  if (file === undefined) known.set(path, (file = read(path)));
  if (!file) return false;
  if (file.titles.has(title)) return true;
  const { templates, text } = file;
  return templates.some((template) => {
    const gaps = template.exec(title)?.slice(1);
    return gaps?.every((gap) => COMPUTED.test(gap) || text.includes(gap)) ?? false;
  });
}

function read(path: string): TestFile | null {
  if (!path.endsWith('.test.ts') || !existsSync(join(ROOT, path))) return null;
  const text = readText(path);
  const titles = new Set<string>();
  const templates: RegExp[] = [];
  const calls = /\btest\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;
  for (const [, single, double, template] of text.matchAll(calls)) {
    if (template === undefined) titles.add((single ?? double!).replaceAll(/\\(.)/g, '$1'));
    else if (isTelling(template)) templates.push(patternOf(template));
  }
  return { text, titles, templates };
}

/** A template of gaps alone fits everything. */
const isTelling = (template: string): boolean => partsOf(template).join('').trim().length >= 2;

const patternOf = (template: string): RegExp =>
  new RegExp(`^${partsOf(template).map(literally).join('(.+?)')}$`);

/** What stands around the gaps of a template; a gap may hold braces one level deep. */
const partsOf = (template: string): readonly string[] =>
  template.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/).map((part) => part.replaceAll(/\\(.)/g, '$1'));

const literally = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
