/**
 * The configuration text as a document: YAML (JSON is YAML) to plain values, every place in it remembered.
 *
 * Promises: never throws on any text. Refused: text or nesting beyond the bounds, a key written twice, keys that are no
 * plain words, tags, several documents, bytes that are not UTF-8. The values are arrays, scalars and mappings without a
 * prototype, so a key such as `constructor` is a key like any other.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type YAMLMap,
} from 'yaml';
import { invalid, shown, type DocPath, type Issue } from './diagnostics.ts';
import { offTheMargin } from './margin.ts';
import { keyOf, locate, type Place, type Pointer } from './places.ts';
import { Secret, type Surroundings } from './secret.ts';

/** Longest configuration text in characters. */
export const MAX_TEXT = 1_048_576;
/** Deepest nesting of lists and groups. */
export const MAX_DEPTH = 32;
/** Most values in one document, repetitions through anchors counted each time. */
export const MAX_VALUES = 50_000;

/** Syntax errors reported at once; later ones are mostly echoes of the first. */
const MAX_SYNTAX_ERRORS = 10;

/** A mapping of the document: no prototype, own keys only. */
export type Mapping = Record<string, unknown>;

/** A readable document: its values, and where they stand. */
export interface ConfigDocument {
  readonly value: unknown;
  /** What is wrong and yet leaves everything else readable: keys written twice, of which the first counts. */
  readonly flaws: readonly (Issue & Place)[];
  /** Where an issue belongs, and how its path is written in this document. */
  locate(issue: Pointer): Place & { readonly path: string };
}

/** Text that could not be made a document. */
export interface BrokenDocument {
  readonly issues: readonly (Issue & Place)[];
}

/** A mapping made by this file (and nothing else: no list, no Secret, no null). */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null;
}

/** Reads `text`. A document with issues other than flaws is returned as broken. */
export function readDocument(text: string, around: Surroundings): ConfigDocument | BrokenDocument {
  const whole = (message: string, remedy: string): BrokenDocument => ({
    issues: [{ ...invalid([], message, remedy), code: 'syntax', line: 1, column: 1 }],
  });
  if (text.length > MAX_TEXT)
    return whole(`the file is longer than ${MAX_TEXT} characters`, 'name the right file');
  const tooDeep = `lists and groups are nested more than ${MAX_DEPTH} deep`;
  if (looksTooDeep(text)) return whole(tooDeep, 'name the right file');
  const moved = offTheMargin(text);
  const counter = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = counter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col - (moved.lines.has(line) ? 1 : 0)) };
  };
  const doc = parseDocument(moved.text, {
    lineCounter: counter,
    prettyErrors: false,
    uniqueKeys: false,
    version: '1.2',
    schema: 'core',
    logLevel: 'error', // with less it does not report a second document
  });
  // The one doubt that is harmless: a bracket that closes at the column of its key.
  const doubts = doc.warnings.filter((w) => w.code !== 'BAD_INDENT');
  const found = [...doc.errors, ...doubts].slice(0, MAX_SYNTAX_ERRORS);
  const broken = found.map((e) => ({
    ...invalid([], sentence(e.message), SYNTAX_REMEDIES[e.code] ?? 'correct the text at this place'),
    code: 'syntax',
    ...place(e.pos[0]),
  }));
  if (broken.length) return { issues: broken };
  const reader = new Reader(doc, around);
  const value = doc.contents === null ? null : reader.read(doc.contents, [], 0);
  const flaws = reader.issues.map(({ offset, ...issue }) => ({ ...issue, ...place(offset ?? 0) }));
  if (flaws.some(({ code }) => code !== 'duplicate')) return { issues: flaws };
  return { value, flaws, locate: (issue) => locate(doc, moved.text, place, issue) };
}

const SYNTAX_REMEDIES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with blanks',
  MULTIPLE_DOCS: 'keep one document per file; remove the line ---',
  MISSING_CHAR: 'close the quote or bracket',
  BAD_INDENT: 'line the keys of a group up in one column',
  BLOCK_AS_IMPLICIT_KEY: 'put the value in quotes, or check the indentation',
  TAG_RESOLVE_FAILED: 'remove the tag',
};

/** The parser's message as a clause. */
function sentence(message: string): string {
  const line = message.split('\n')[0]!.replace(/\.$/, '');
  return line.charAt(0).toLowerCase() + line.slice(1);
}

/**
 * Whether the text nests deeper than the parser's stack should be asked to follow: it recurses, and near the end of its stack
 * the whole process may end. Far above MAX_DEPTH, because brackets in strings and comments are counted too.
 */
function looksTooDeep(text: string): boolean {
  if (/^ {100}\s*[^\s#]/m.test(text) || /(?:[-?:][ \t]+){50}/.test(text)) return true;
  let depth = 0;
  for (const { 0: bracket } of text.matchAll(/[[\]{}]/g)) {
    if (bracket === '[' || bracket === '{') {
      if (++depth > 100) return true;
    } else if (depth > 0) depth--;
  }
  return false;
}

/** Turns nodes into plain values, collecting what is not allowed. */
class Reader {
  readonly issues: Issue[] = [];
  readonly #doc: Document;
  readonly #around: Surroundings;
  #count = 0;

  constructor(doc: Document, around: Surroundings) {
    this.#doc = doc;
    this.#around = around;
  }

  read(node: Node | null, path: DocPath, depth: number): unknown {
    if (++this.#count === MAX_VALUES + 1)
      this.#refuse(node, path, `more than ${MAX_VALUES} values`, 'name the right file, or use fewer anchors');
    if (this.#count > MAX_VALUES || node === null) return null;
    if (depth > MAX_DEPTH) {
      this.#refuse(node, path, `nested more than ${MAX_DEPTH} deep`, 'flatten it; no setting is that deep');
      return null;
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#doc);
      if (target) return this.read(target, path, depth + 1);
      this.#refuse(node, path, `anchor *${node.source} is not defined`, 'define it before its use');
      return null;
    }
    if (isMap(node)) return this.#mapping(node, path, depth);
    if (isSeq(node)) return node.items.map((item, i) => this.read(item as Node, [...path, i], depth + 1));
    return isScalar(node) ? node.value : null;
  }

  #mapping(map: YAMLMap, path: DocPath, depth: number): unknown {
    const out = Object.create(null) as Mapping;
    for (const pair of map.items) {
      const key = keyOf(pair.key);
      if (key === null) {
        this.#refuse(
          pair.key as Node,
          path,
          `a key must be a word, not ${shown(pair.key)}`,
          'put it in quotes',
        );
        continue;
      }
      const here = [...path, key];
      if (key === '__proto__') this.#refuse(pair.key as Node, here, 'this key is not allowed', 'remove it');
      else if (Object.hasOwn(out, key))
        this.#refuse(pair.key as Node, here, 'this key is written twice', 'keep one of them', 'duplicate');
      else out[key] = this.read(pair.value as Node | null, here, depth + 1);
    }
    return this.#secret(out) ?? out;
  }

  #secret(value: Mapping): Secret | null {
    const keys = Object.keys(value);
    const [kind] = keys;
    if (keys.length !== 1 || (kind !== 'env' && kind !== 'file')) return null;
    const target = value[kind];
    return typeof target === 'string' && target !== '' ? new Secret(kind, target, this.#around) : null;
  }

  #refuse(node: Node | null, path: DocPath, message: string, remedy: string, code = 'syntax'): void {
    const offset = node?.range?.[0] ?? 0;
    this.issues.push({ ...invalid(path, message, remedy), at: 'key', code, offset });
  }
}
