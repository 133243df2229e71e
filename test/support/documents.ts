/** Markdown documents as data: tables and fenced blocks with the heading they stand under, for tests that hold them true. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './folders.ts';

/** A table: cells as written, `\|` undone. */
export interface Table {
  /** Text of the heading above. */
  readonly heading: string;
  /** What stands in the HTML comment directly above the table, '' when there is none. */
  readonly mark: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A fenced block. `info`: everything behind the opening fence. */
export interface Fence {
  readonly heading: string;
  readonly info: string;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
}

/** A file of the repository. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Every document that readers are sent to, by path. */
export function documents(): readonly string[] {
  const folder = (path: string): string[] =>
    readdirSync(join(ROOT, path))
      .filter((name) => name.endsWith('.md'))
      .toSorted()
      .map((name) => (path === '.' ? name : `${path}/${name}`));
  return [...folder('.'), ...folder('docs'), ...folder('docs/decisions')];
}

/** All tables of a document, in order. */
export function tablesIn(text: string): readonly Table[] {
  const tables: Table[] = [];
  const lines = proseOf(text);
  let heading = '';
  let mark = '';
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (/^#+ /.test(line)) [heading, mark] = [line.replace(/^#+ /, ''), ''];
    const comment = /^<!-- (.*) -->$/.exec(line);
    if (comment) mark = comment[1]!;
    if (!line.startsWith('|') || !/^\|[ :|-]+\|$/.test(lines[i + 1] ?? '')) continue;
    const columns = cellsOf(line);
    const rows: string[][] = [];
    for (i += 2; lines[i]?.startsWith('|'); i++) rows.push(cellsOf(lines[i]!));
    tables.push({ heading, mark, columns, rows });
    mark = '';
  }
  return tables;
}

/** All fenced blocks of a document, in order. */
export function fencesIn(text: string): readonly Fence[] {
  const fences: Fence[] = [];
  const lines = text.split('\n');
  let heading = '';
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (/^#+ /.test(line)) heading = line.replace(/^#+ /, '');
    if (!line.startsWith('```')) continue;
    const from = i++;
    while (i < lines.length && lines[i] !== '```') i++;
    fences.push({
      heading,
      info: line.slice(3).trim(),
      text: lines.slice(from + 1, i).join('\n'),
      line: from + 1,
    });
  }
  return fences;
}

/** The text of a cell that is one code span; the cell as it is otherwise. */
export function codeOf(cell: string): string {
  return /^`+ ?(.*?) ?`+$/.exec(cell)?.[1] ?? cell;
}

/** Lines of the document, those of fenced blocks blank. */
function proseOf(text: string): readonly string[] {
  let inside = false;
  return text.split('\n').map((line) => {
    const fence = line.startsWith('```');
    const hidden = inside || fence;
    if (fence) inside = !inside;
    return hidden ? '' : line;
  });
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, line.lastIndexOf('|'))
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}
