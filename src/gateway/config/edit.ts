/**
 * The configuration's text changed without touching what is not meant: comments, order and looks stay, byte by byte.
 *
 * The pieces to replace are found in the document, put into the text, and the outcome is read again and compared with what was meant;
 * where a way of writing does not allow that, the one list is written anew as a whole. Works on YAML and JSON, lists in all
 * encodings. Where neither is possible (anchors used elsewhere, for example) it says so: then it is to be edited by hand. Never throws.
 */
import { isMap, isSeq, parseDocument, type Document, type Node } from 'yaml';
import { changedList, editSeq, type ListEdit } from './edit-list.ts';
import { replaced, same, setPair, type Edited, type Splice } from './edit-map.ts';
import { pairText, styleOf } from './edit-render.ts';
import { offTheMargin } from './margin.ts';
import { keyOf } from './places.ts';

export type { ListEdit } from './edit-list.ts';

/** The lists that can be edited, by their place. */
export const LISTS = {
  milters: ['milters'],
  listeners: ['listeners'],
  routes: ['delivery', 'routes'],
  users: ['users'],
} as const;
export type ListName = keyof typeof LISTS;

/** Why a configuration cannot be changed by a program. */
export interface NotEditable {
  readonly trouble: string;
}

type Plain = Record<string, unknown>;

interface Read extends Edited {
  readonly doc: Document;
  readonly value: Plain;
  /** Places in the text that was read, in the text that was given. */
  readonly given: (offset: number) => number;
}

/** The items of a list as they are written: plain values; secrets that stand elsewhere as `{ file }` or `{ env }`. */
export function listIn(text: string, list: ListName): readonly unknown[] | NotEditable {
  const found = read(text);
  return 'trouble' in found ? found : itemsOf(at(found.value, LISTS[list]));
}

/** What stands at a place, as listIn gives it; undefined when nothing does, or the text cannot be read. */
export function valueIn(text: string, path: readonly string[]): unknown {
  const found = read(text);
  return 'trouble' in found ? undefined : at(found.value, path);
}

/** The text with one change made. */
export function editList(
  text: string,
  list: ListName,
  edit: ListEdit,
): { readonly text: string } | NotEditable {
  const before = read(text);
  if ('trouble' in before) return before;
  const path = LISTS[list];
  const items = itemsOf(at(before.value, path));
  if ('at' in edit && edit.at > items.length - (edit.kind === 'insert' ? 0 : 1))
    return { trouble: `there is no item ${edit.at}` };
  const next = changedList(items, edit);
  const meant = (found: unknown): boolean => same(itemsOf(found), next);
  for (const splices of [inPlace(before, path, items, edit), anew(before, path, next)]) {
    const after = splices && spliced(text, before, splices);
    if (after !== null && after !== undefined && isMeant(after, before, path, meant)) return { text: after };
  }
  return {
    trouble: 'this part of the file is written in a way that only a person can change: edit the text',
  };
}

function read(text: string): Read | NotEditable {
  const moved = offTheMargin(text);
  const doc = parseDocument(moved.text, {
    keepSourceTokens: true,
    uniqueKeys: false,
    version: '1.2',
    schema: 'core',
    logLevel: 'silent',
  });
  if (doc.errors.length > 0) return { trouble: 'the text is no YAML: correct it first' };
  let value: unknown;
  try {
    value = doc.toJS();
  } catch {
    return { trouble: 'the text uses anchors that are not there: correct it first' };
  }
  if (value !== null && (typeof value !== 'object' || Array.isArray(value)))
    return { trouble: 'the text is no group of keys: correct it first' };
  const breaks = [...moved.lines].map((line) => offsetOfLine(moved.text, line));
  const given = (offset: number): number => offset - breaks.filter((start) => start < offset).length;
  return { text: moved.text, style: styleOf(text), doc, value: (value ?? {}) as Plain, given };
}

function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let n = 1; n < line; n++) offset = text.indexOf('\n', offset) + 1;
  return offset;
}

function at(value: unknown, path: readonly string[]): unknown {
  let part = value;
  for (const key of path)
    part =
      typeof part === 'object' && part !== null && Object.hasOwn(part, key)
        ? (part as Plain)[key]
        : undefined;
  return part;
}

/** A list in any encoding: an array, or a group with numbers for keys. */
function itemsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value)
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, item]) => item as unknown);
}

function nodeAt({ doc }: Read, path: readonly string[]): Node | null {
  let node: unknown = doc.contents;
  for (const key of path) {
    if (!isMap(node)) return null;
    node = node.items.find((pair) => keyOf(pair.key) === key)?.value ?? null;
  }
  return node as Node | null;
}

/** Only what is meant is touched; null when the list is written in a way that does not allow it. */
function inPlace(
  before: Read,
  path: readonly string[],
  items: readonly unknown[],
  edit: ListEdit,
): readonly Splice[] | null {
  const node = nodeAt(before, path);
  if (isSeq(node)) return editSeq(node, items, edit, before);
  if (!isMap(node) || edit.kind !== 'replace') return null;
  const pair = node.items.toSorted((a, b) => Number(keyOf(a.key)) - Number(keyOf(b.key)))[edit.at];
  return pair?.value ? [replaced(pair.value as Node, edit.item, before)] : null;
}

/** The whole list is written anew, where it stands or at the end. */
function anew(before: Read, path: readonly string[], next: readonly unknown[]): readonly Splice[] | null {
  const { doc, text, style } = before;
  const [key, inner] = path;
  if (
    doc.contents === null ||
    doc.contents.range === undefined ||
    (!isMap(doc.contents) && text.trim() === '')
  ) {
    const lead = text === '' || text.endsWith('\n') ? '' : style.eol;
    const value = inner === undefined ? next : { [inner]: next };
    return [
      { from: text.length, to: text.length, text: `${lead}${pairText(key!, value, 0, style)}${style.eol}` },
    ];
  }
  if (!isMap(doc.contents)) return null;
  const root = doc.contents;
  if (inner === undefined) return [setPair(root, key!, next, before)];
  const outer = nodeAt(before, [key!]);
  return isMap(outer) && outer.items.length > 0
    ? [setPair(outer, inner, next, before)]
    : [setPair(root, key!, { [inner]: next }, before)];
}

function spliced(text: string, { given }: Read, splices: readonly Splice[]): string | null {
  let out = '';
  let from = 0;
  for (const splice of splices.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    const [begin, end] = [given(splice.from), given(splice.to)];
    if (begin < from) return null; // they overlap
    out += text.slice(from, begin) + splice.text;
    from = end;
  }
  return out + text.slice(from);
}

/** Whether the new text says what was meant in that list, and everywhere else what the old one said. */
function isMeant(
  after: string,
  before: Read,
  path: readonly string[],
  meant: (found: unknown) => boolean,
): boolean {
  const found = read(after);
  if ('trouble' in found) return false;
  const { value } = found;
  return meant(at(value, path)) && same(without(value, path), without(before.value, path));
}

/** A value without one part, and without the groups that are empty then. */
function without(value: unknown, [key, ...more]: readonly string[]): unknown {
  if (key === undefined || typeof value !== 'object' || value === null) return undefined;
  const rest = { ...(value as Plain) };
  const inner = without(rest[key], more);
  if (inner === undefined || (typeof inner === 'object' && inner !== null && Object.keys(inner).length === 0))
    delete rest[key];
  else rest[key] = inner;
  return rest;
}
