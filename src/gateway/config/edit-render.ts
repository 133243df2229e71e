/** Values as text to be put into a configuration: as YAML blocks, on one line, or as JSON. Pure. */
import { Document, isMap, isScalar, isSeq, visit, type Node } from 'yaml';

/** Longest list of words that is written on one line, in characters. */
const LINE = 80;

/** How values of a document are to be written. */
export interface Style {
  /** The document is JSON. */
  readonly json: boolean;
  /** The document's line end. */
  readonly eol: string;
}

/** How a text is written. */
export function styleOf(text: string): Style {
  return { json: /^\s*[{[]/.test(text), eol: text.includes('\r\n') ? '\r\n' : '\n' };
}

/** `key: value` as a block; lines after the first begin with `indent` blanks. */
export function pairText(key: string, value: unknown, indent: number, { eol }: Style): string {
  return indented(blockText({ [key]: value }), indent, eol);
}

/** An item of a list without its dash; lines after the first begin with `indent` blanks. */
export function itemText(value: unknown, indent: number, { eol }: Style): string {
  return indented(blockText(value), indent, eol);
}

/** A value on one line, as it may stand behind a colon in a block; null when it takes more than one. */
export function inlineText(value: unknown, old: string): string | null {
  if (typeof value === 'string' && !value.includes('\n')) {
    if (old.startsWith('"')) return JSON.stringify(value);
    if (old.startsWith("'")) return `'${value.replaceAll("'", "''")}'`;
  }
  const text = blockText({ k: value }).slice(2);
  return text.startsWith(' ') && !text.includes('\n') ? text.slice(1) : null;
}

/** A value inside brackets. `indent`: blanks before the lines after the first, null for all on one line. */
export function flowText(value: unknown, indent: number | null, { json, eol }: Style): string {
  if (json) {
    const text = JSON.stringify(value, null, indent === null ? undefined : 2);
    return indent === null ? text : indented(text, indent, eol);
  }
  const doc = new Document(value);
  visit(doc, { Collection: (_, node) => void (node.flow = true) });
  return doc.toString({ lineWidth: 0, flowCollectionPadding: false }).trimEnd();
}

/** A key inside brackets; `quoted` as its neighbours are. */
export function flowKey(key: string, quoted: boolean): string {
  return quoted || !/^[A-Za-z][\w-]*$/.test(key) ? JSON.stringify(key) : key;
}

function blockText(value: unknown): string {
  const doc = new Document(value);
  visit(doc, {
    Collection: (_, node) => void (node !== doc.contents && fitsLine(node) && (node.flow = true)),
    // A comment may stand behind it, which would become part of a block of lines.
    Scalar: (_, node) => void (String(node.value).includes('\n') && (node.type = 'QUOTE_DOUBLE')),
  });
  return doc.toString({ lineWidth: 0, flowCollectionPadding: false }).replace(/\n$/, '');
}

/** Lists of words, and what names a place where a value stands, are written on one line. */
function fitsLine(node: Node): boolean {
  if (isSeq(node))
    return node.items.every((item) => isScalar(item)) && JSON.stringify(node.toJSON()).length < LINE;
  if (!isMap(node)) return false;
  const [pair, ...more] = node.items;
  return more.length === 0 && isScalar(pair?.key) && ['env', 'file'].includes(String(pair.key.value));
}

function indented(text: string, indent: number, eol: string): string {
  return text.replace(/\n(?=[^\n])/g, `\n${' '.repeat(indent)}`).replaceAll('\n', eol);
}
