/** Places in a configuration document: from the path of an issue to line and column. Pure; never throws. */
import { isAlias, isMap, isScalar, isSeq, type Document, type Node } from 'yaml';
import type { DocPath, Issue } from './diagnostics.ts';

/** A place in the text, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What of an issue says where it belongs. */
export type Pointer = Pick<Issue, 'path' | 'at' | 'offset' | 'keyed'>;

/** The word a key node stands for; null for keys that are lists, groups or empty. */
export function keyOf(node: unknown): string | null {
  if (!isScalar(node)) return null;
  const { value } = node;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : null;
}

/** The place of an issue, and its path as this document writes it. The deepest part that exists is pointed at. */
export function locate(
  doc: Document,
  text: string,
  place: (offset: number) => Place,
  issue: Pointer,
): Place & { path: string } {
  let node: Node | null = doc.contents;
  let key: Node | null = null;
  let path = '';
  for (const [i, segment] of issue.path.entries()) {
    if (isAlias(node)) node = node.resolve(doc) ?? null;
    const step = childOf(node, segment, issue.keyed ?? 'position');
    if (!step && isScalar(node) && segment === 0) break; // one bare value in place of a list
    if (!step) {
      path += issue.path.slice(i).map(segmentText).join('');
      key = null;
      break;
    }
    path += isSeq(node) ? `[${segment}]` : segmentText(step.key);
    key = step.keyNode;
    node = step.node ?? step.keyNode;
  }
  const target = issue.at === 'key' && key ? key : node;
  let start = target?.range?.[0] ?? 0;
  if (issue.offset !== undefined && isScalar(node))
    start += offsetWithin(text, start, node.value, issue.offset);
  return { path: path.replace(/^\./, ''), ...place(start) };
}

/** Characters to add to a scalar's start, when its text stands in the file as it is (no escapes, no folding). */
function offsetWithin(text: string, start: number, value: unknown, offset: number): number {
  if (typeof value !== 'string') return 0;
  const quote = text[start] === '"' || text[start] === "'" ? 1 : 0;
  return text.startsWith(value, start + quote) ? quote + offset : 0;
}

interface Step {
  readonly key: string;
  readonly keyNode: Node | null;
  readonly node: Node | null;
}

function childOf(node: Node | null, segment: string | number, keyed: 'position' | 'number'): Step | null {
  if (isSeq(node)) {
    const item = typeof segment === 'number' ? node.items[segment] : undefined;
    return item === undefined ? null : { key: String(segment), keyNode: null, node: item as Node | null };
  }
  if (!isMap(node)) return null;
  const steps = node.items.map((pair) => ({
    key: keyOf(pair.key) ?? '',
    keyNode: pair.key as Node | null,
    node: pair.value as Node | null,
  }));
  if (typeof segment === 'number' && keyed === 'position')
    return steps.toSorted((a, b) => Number(a.key) - Number(b.key))[segment] ?? null;
  return steps.find((s) => s.key === String(segment)) ?? null;
}

/** A path as text: `milters[1].timeoutConnect`. */
export function pathText(path: DocPath): string {
  return path.map(segmentText).join('').replace(/^\./, '');
}

function segmentText(segment: string | number): string {
  if (typeof segment === 'number') return `[${segment}]`;
  return /^[\w-]{1,64}$/.test(segment) ? `.${segment}` : `[${JSON.stringify(segment.slice(0, 64))}]`;
}
