/**
 * Lists changed in their text: an item put in, taken out or changed, or their order, and nothing else touched. Pure.
 *
 * An item has the comment lines directly above it and those below it that are indented with it; blank lines and other comments
 * between items keep their place. As in edit-map.ts the caller checks the outcome.
 */
import { isMap, type Node, type YAMLSeq } from 'yaml';
import {
  columnOf,
  extentOf,
  lineEnd,
  lineIndent,
  lineStart,
  nextLine,
  replaced,
  updateMap,
  type Edited,
  type Splice,
} from './edit-map.ts';
import { flowText, itemText } from './edit-render.ts';

/** One change of a list. Positions count from 0. */
export type ListEdit =
  | { readonly kind: 'insert'; readonly at: number; readonly item: unknown }
  | { readonly kind: 'replace'; readonly at: number; readonly item: unknown }
  | { readonly kind: 'remove'; readonly at: number }
  /** Which item comes where: positions as they are now, each once. */
  | { readonly kind: 'order'; readonly order: readonly number[] };

/** A list after a change. */
export function changedList(old: readonly unknown[], edit: ListEdit): readonly unknown[] {
  switch (edit.kind) {
    case 'insert':
      return old.toSpliced(edit.at, 0, edit.item);
    case 'replace':
      return old.with(edit.at, edit.item);
    case 'remove':
      return old.toSpliced(edit.at, 1);
    case 'order':
      return edit.order.map((n) => old[n]);
  }
}

interface Extent {
  readonly from: number;
  readonly to: number;
}

/** The splices of a change; null when this list is not written in a way that allows them. */
export function editSeq(
  seq: YAMLSeq,
  old: readonly unknown[],
  edit: ListEdit,
  ed: Edited,
): readonly Splice[] | null {
  if (edit.kind === 'replace') return replaceItem(seq.items[edit.at] as Node, old[edit.at], edit.item, ed);
  const items = seq.flow ? seq.items.map((item) => extentOf(item as Node, ed.text)) : chunksOf(seq, ed.text);
  if (!items || items.length !== old.length || items.length === 0) return null;
  switch (edit.kind) {
    case 'insert':
      return [
        seq.flow
          ? insertFlow(items, edit.at, edit.item, seq, ed)
          : insertBlock(items, edit.at, edit.item, seq, ed),
      ];
    case 'remove':
      if (items.length === 1) return null;
      return [seq.flow ? removeFlow(items, edit.at) : removeBlock(items, edit.at, ed.text)];
    case 'order':
      return edit.order.map((n, i) => ({ ...items[i]!, text: ed.text.slice(items[n]!.from, items[n]!.to) }));
  }
}

function replaceItem(node: Node, old: unknown, item: unknown, ed: Edited): readonly Splice[] {
  const bothGroups = [old, item].every((v) => typeof v === 'object' && v !== null && !Array.isArray(v));
  return isMap(node) && bothGroups && node.items.length > 0
    ? updateMap(node, old as Record<string, unknown>, item as Record<string, unknown>, ed)
    : [replaced(node, item, ed)];
}

/** Offsets of the dashes. */
function dashesOf(seq: YAMLSeq): readonly number[] {
  const token = seq.srcToken;
  if (token?.type !== 'block-seq') return [];
  return token.items.flatMap(({ start }) => {
    const dash = start.find(({ type }) => type === 'seq-item-ind');
    return dash ? [dash.offset] : [];
  });
}

/** What belongs to each item of a block list: whole lines, without the last line's end. */
function chunksOf(seq: YAMLSeq, text: string): readonly Extent[] | null {
  const dashes = dashesOf(seq);
  if (dashes.length !== seq.items.length) return null;
  if (dashes.some((dash) => text.slice(lineStart(text, dash), dash).trim() !== '')) return null;
  return dashes.map((dash, i) => {
    const column = columnOf(text, dash);
    const item = seq.items[i] as Node | null;
    const end = item ? Math.max(dash + 1, extentOf(item, text).to) : dash + 1;
    return {
      from: withCommentsAbove(text, lineStart(text, dash), column),
      to: withCommentsBelow(text, end, column),
    };
  });
}

function withCommentsAbove(text: string, start: number, column: number): number {
  let from = start;
  while (from > 0) {
    const above = lineStart(text, from - 1);
    const [, blanks] = /^( *)#/.exec(text.slice(above, from)) ?? [];
    if (blanks === undefined || blanks.length > column) break;
    from = above;
  }
  return from;
}

function withCommentsBelow(text: string, offset: number, column: number): number {
  let end = lineEnd(text, offset);
  for (let at = nextLine(text, offset); at < text.length; at = nextLine(text, at)) {
    const [, blanks] = /^( *)#/.exec(text.slice(at, lineEnd(text, at))) ?? [];
    if (blanks === undefined || blanks.length <= column) break;
    end = lineEnd(text, at);
  }
  return end;
}

/** What stands between two items, when that is nothing but blanks and line ends. */
function between(items: readonly Extent[], n: number, text: string): string | null {
  const gap = n >= 0 && n + 1 < items.length ? text.slice(items[n]!.to, items[n + 1]!.from) : '';
  return gap !== '' && gap.trim() === '' ? gap : null;
}

function insertBlock(
  items: readonly Extent[],
  at: number,
  item: unknown,
  seq: YAMLSeq,
  { text, style }: Edited,
): Splice {
  const column = columnOf(text, dashesOf(seq)[0]!);
  const pad = ' '.repeat(column);
  const written = `${pad}- ${itemText(item, column + 2, style)}`;
  const gap =
    between(items, Math.max(0, at - 1), text) ?? between(items, items.length - 2, text) ?? style.eol;
  if (at < items.length) return { from: items[at]!.from, to: items[at]!.from, text: `${written}${gap}` };
  const end = items.at(-1)!.to;
  return { from: end, to: end, text: `${gap}${written}` };
}

function removeBlock(items: readonly Extent[], at: number, text: string): Splice {
  const { from, to } = items[at]!;
  if (at + 1 < items.length && between(items, at, text) !== null)
    return { from, to: items[at + 1]!.from, text: '' };
  if (at > 0 && between(items, at - 1, text) !== null) return { from: items[at - 1]!.to, to, text: '' };
  return { from, to: nextLine(text, to), text: '' };
}

function insertFlow(
  items: readonly Extent[],
  at: number,
  item: unknown,
  seq: YAMLSeq,
  { text, style }: Edited,
): Splice {
  const lead = text.slice(seq.range![0] + 1, items[0]!.from);
  const breaks = lead.includes('\n');
  const gap = breaks ? lead.replace(/[^\s]/g, '') : ' ';
  const first = items[0]!;
  const alike = text.slice(first.from, first.to).includes('\n');
  const written = flowText(item, breaks && alike ? lineIndent(text, first.from) : null, style);
  if (at < items.length) return { from: items[at]!.from, to: items[at]!.from, text: `${written},${gap}` };
  const end = items.at(-1)!.to;
  return { from: end, to: end, text: `,${gap}${written}` };
}

function removeFlow(items: readonly Extent[], at: number): Splice {
  return at === 0
    ? { from: items[0]!.from, to: items[1]!.from, text: '' }
    : { from: items[at - 1]!.to, to: items[at]!.to, text: '' };
}
