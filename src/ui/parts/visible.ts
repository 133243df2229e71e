/**
 * Foreign text made safe to look at: what cannot be seen or turns the direction of reading is named instead of obeyed. Pure.
 *
 * React escapes markup; this is for the rest: control characters, marks of direction, invisible and replacement characters.
 */

/** A piece of text to show: as it stands, or the name of a character that must not act. */
export interface Piece {
  readonly text: string;
  readonly hidden: boolean;
}

const HIDDEN =
  // oxlint-disable-next-line no-misleading-character-class -- single characters are meant
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;

/** The text in pieces; most texts are one. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), hidden: false });
    pieces.push({ text: nameOf(match[0]), hidden: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), hidden: false });
  return pieces;
}

/** The same as one text, for titles and places that take no markup. */
export function visible(text: string): string {
  return piecesOf(text)
    .map((piece) => piece.text)
    .join('');
}

/** Control characters by their pictures, the others by number. */
function nameOf(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
