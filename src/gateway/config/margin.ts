/**
 * JSON pasted below a key. The specification's example, put as it is behind `milters:`, has its lines at the margin, where
 * YAML wants at least one blank. This gives every such line that blank; nothing else changes. Pure.
 */

/** The text to parse, and the lines (from 1) that were moved one column to the right. */
export interface Moved {
  readonly text: string;
  readonly lines: ReadonlySet<number>;
}

/** A top-level key whose value is a bracket that opens on this line or at the start of the next. */
const OPENING = /^[\w"'-]+:[ \t]*(?:#.*)?(?:\r?\n(?=[[{])|(?=[[{]))/gm;

/** Moves the lines of flow values of top-level keys away from the margin. */
export function offTheMargin(text: string): Moved {
  const starts: number[] = [];
  OPENING.lastIndex = 0;
  for (let m = OPENING.exec(text); m; m = OPENING.exec(text)) {
    const open = m.index + m[0].length;
    const close = closing(text, open);
    if (close < 0) continue;
    for (let at = m[0].endsWith('\n') ? open : text.indexOf('\n', open) + 1; at > 0 && at <= close;) {
      if (/\S/.test(text[at] ?? ' ')) starts.push(at);
      at = text.indexOf('\n', at) + 1;
    }
    OPENING.lastIndex = close;
  }
  if (starts.length === 0) return { text, lines: new Set() };
  const lines = new Set<number>();
  let out = '';
  let from = 0;
  let line = 1;
  for (const at of starts) {
    const part = text.slice(from, at);
    line += part.split('\n').length - 1;
    lines.add(line);
    out += part + ' ';
    from = at;
  }
  return { text: out + text.slice(from), lines };
}

/** Index of the bracket that closes the one at `open`; -1 when there is none. Brackets in strings and comments do not count. */
function closing(text: string, open: number): number {
  const token = /"(?:[^"\\]|\\[^])*"|(?<=[\s[{,:])'(?:[^']|'')*'|(?<=\s)#.*|[[\]{}]/g;
  token.lastIndex = open;
  let depth = 0;
  for (let m = token.exec(text); m; m = token.exec(text)) {
    const c = m[0];
    if (c === '[' || c === '{') depth++;
    else if ((c === ']' || c === '}') && --depth === 0) return m.index;
  }
  return -1;
}
