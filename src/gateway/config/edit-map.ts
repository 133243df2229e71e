/**
 * Groups of keys changed in their text: a value set, a key added or taken out, and nothing else touched. Pure.
 *
 * Each function says which pieces of the text are to be replaced by what. The caller holds the outcome against what was meant: what
 * is written in a way not foreseen here is found there.
 */
import { isCollection, isMap, isScalar, type Node, type Pair, type YAMLMap } from 'yaml';
import { flowKey, flowText, inlineText, itemText, pairText, type Style } from './edit-render.ts';
import { keyOf } from './places.ts';

/** A piece of the text to be replaced. */
export interface Splice {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The text that is edited. */
export interface Edited {
  readonly text: string;
  readonly style: Style;
}

type Group = Readonly<Record<string, unknown>>;

/** The part of a list or group that is there for the reader: its first place, and behind its last character. */
export function extentOf(node: Node, text: string): { readonly from: number; readonly to: number } {
  const [from = 0, to = 0] = node.range ?? [];
  return { from, to: endOf(node, from, to, text) };
}

function endOf(node: Node, from: number, to: number, text: string): number {
  if (isCollection(node) && !node.flow) {
    const last: unknown = node.items.at(-1);
    const parts = isMap(node) ? [(last as Pair).value ?? (last as Pair).key, (last as Pair).key] : [last];
    return Math.max(...parts.map((part) => (part ? extentOf(part as Node, text).to : from)));
  }
  if (isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED'))
    return to - (/\r?\n$/.exec(text.slice(from, to))?.[0].length ?? 0);
  return to;
}

/** Column from 0. */
export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Behind the last character of the line, before its end. */
export function lineEnd(text: string, offset: number): number {
  const at = text.indexOf('\n', offset);
  if (at < 0) return text.length;
  return text[at - 1] === '\r' ? at - 1 : at;
}

/** Where the line after begins. */
export function nextLine(text: string, offset: number): number {
  const at = text.indexOf('\n', offset);
  return at < 0 ? text.length : at + 1;
}

const pairOf = (map: YAMLMap, key: string): Pair | undefined =>
  map.items.find((pair) => keyOf(pair.key) === key);

const isGroup = (value: unknown): value is Group =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Makes a group say `next` in place of `old`: key by key, so that what stays is not touched. */
export function updateMap(map: YAMLMap, old: Group, next: Group, ed: Edited): readonly Splice[] {
  const stays = (pair: Pair): boolean => next[keyOf(pair.key) ?? ''] !== undefined;
  const last = map.items.findLast(stays);
  if (!last) return [replaced(map, next, ed)];
  const splices = removals(map, stays, ed);
  const added: Splice[] = [];
  for (const [key, value] of Object.entries(next)) {
    if (value === undefined || same(old[key], value)) continue;
    const pair = pairOf(map, key);
    const before = old[key];
    if (!pair) added.push(addPair(map, last, key, value, ed));
    else if (isMap(pair.value) && isGroup(before) && isGroup(value) && Object.keys(value).length > 0)
      splices.push(...updateMap(pair.value, before, value, ed));
    else splices.push(changePair(map, pair, value, ed));
  }
  // Behind what is added to a group at the same place.
  return [...splices, ...added];
}

/** Whether two plain values say the same; the order of keys does not count. */
export function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      isGroup(part)
        ? Object.fromEntries(Object.entries(part).toSorted(([x], [y]) => (x < y ? -1 : 1)))
        : part,
    ) ?? ''
  );
}

/** A whole value written anew. */
export function replaced(node: Node, value: unknown, ed: Edited): Splice {
  const { from, to } = extentOf(node, ed.text);
  const inFlow = ed.style.json || (isCollection(node) && node.flow === true);
  const indent = columnOf(ed.text, from);
  const text = inFlow ? flowText(value, null, ed.style) : itemText(value, indent, ed.style);
  return { from, to, text };
}

/** The value of a key, there or not. */
export function setPair(map: YAMLMap, key: string, value: unknown, ed: Edited): Splice {
  const pair = pairOf(map, key);
  return pair ? changePair(map, pair, value, ed) : addPair(map, map.items.at(-1), key, value, ed);
}

function changePair(map: YAMLMap, pair: Pair, value: unknown, ed: Edited): Splice {
  return map.flow ? setFlow(pair, value, ed) : setBlock(pair, value, ed);
}

/** A new key behind `last`. */
function addPair(map: YAMLMap, last: Pair | undefined, key: string, value: unknown, ed: Edited): Splice {
  return map.flow || !last ? addFlow(map, last, key, value, ed) : addBlock(map, last, key, value, ed);
}

function setBlock(pair: Pair, value: unknown, ed: Edited): Splice {
  const { text, style } = ed;
  const start = (pair.key as Node).range![0];
  const node = pair.value as Node | null;
  const old = node ? extentOf(node, text) : null;
  if (node && old && old.to > old.from && !text.slice(old.from, old.to).includes('\n')) {
    const inline = inlineText(value, text.slice(old.from, old.to));
    const onLine = lineStart(text, old.from) === lineStart(text, start);
    if (inline !== null && onLine) return { ...old, text: inline };
  }
  const end = Math.max(old?.to ?? 0, text.indexOf(':', (pair.key as Node).range![1]) + 1);
  return { from: start, to: end, text: pairText(keyOf(pair.key) ?? '', value, columnOf(text, start), style) };
}

function addBlock(map: YAMLMap, last: Pair, key: string, value: unknown, { text, style }: Edited): Splice {
  const first = map.items[0]!.key as Node;
  const column = columnOf(text, first.range![0]);
  const at = lineEnd(text, extentOfPair(last, text).to);
  return {
    from: at,
    to: at,
    text: `${style.eol}${' '.repeat(column)}${pairText(key, value, column, style)}`,
  };
}

function setFlow(pair: Pair, value: unknown, { text, style }: Edited): Splice {
  const node = pair.value as Node | null;
  const start = (pair.key as Node).range![0];
  const { from, to } = node ? extentOf(node, text) : { from: start, to: start };
  const old = text.slice(from, to);
  if (typeof value === 'string' && old.startsWith('"')) return { from, to, text: JSON.stringify(value) };
  const indent = old.includes('\n') ? lineIndent(text, start) : null;
  return { from, to, text: flowText(value, indent, style) };
}

function addFlow(
  map: YAMLMap,
  last: Pair | undefined,
  key: string,
  value: unknown,
  { text, style }: Edited,
): Splice {
  const open = map.range![0] + 1;
  if (!last) {
    const close = map.range![1] - 1;
    return { from: open, to: close, text: `${flowKey(key, style.json)}: ${flowText(value, null, style)}` };
  }
  const start = extentOfPair(map.items[0]!, text).from;
  const lead = text.slice(open, start);
  const quoted = style.json || text[start] === '"';
  const at = extentOfPair(last, text).to;
  const breaks = lead.includes('\n');
  const between = breaks ? lead.replace(/[^\s]/g, '') : ' ';
  const written = flowText(value, breaks ? lineIndent(text, start) : null, style);
  return { from: at, to: at, text: `,${between}${flowKey(key, quoted)}: ${written}` };
}

/** From a key to the end of its value. */
function extentOfPair({ key, value }: Pair, text: string): { readonly from: number; readonly to: number } {
  const { from, to } = extentOf(key as Node, text);
  return { from, to: value ? Math.max(to, extentOf(value as Node, text).to) : to };
}

/** Takes out the pairs that do not stay; at least one does. */
function removals(map: YAMLMap, stays: (pair: Pair) => boolean, { text }: Edited): Splice[] {
  const extents = map.items.map((pair) => extentOfPair(pair, text));
  const first = map.items.findIndex(stays);
  const start = extents[0]!.from;
  const splices: Splice[] = [];
  const joined = map.flow === true || text.slice(lineStart(text, start), start).trim() !== '';
  // The first key may stand behind a bracket, or on the line of a dash: the next one that stays takes its place.
  if (joined && first > 0) splices.push({ from: start, to: extents[first]!.from, text: '' });
  for (const [i, { from, to }] of extents.entries()) {
    if (stays(map.items[i]!) || (joined && i < first)) continue;
    if (map.flow) splices.push({ from: extents[i - 1]!.to, to, text: '' });
    else splices.push(withoutLines(text, from, to));
  }
  return splices;
}

/** Takes out lines, with the end of the line before. */
function withoutLines(text: string, from: number, to: number): Splice {
  const line = lineStart(text, from);
  if (line === 0) return { from: 0, to: nextLine(text, to), text: '' };
  return { from: lineEnd(text, line - 1), to: lineEnd(text, to), text: '' };
}

/** Blanks at the beginning of a line. */
export function lineIndent(text: string, offset: number): number {
  const start = lineStart(text, offset);
  return /[^ ]|$/.exec(text.slice(start))!.index;
}
