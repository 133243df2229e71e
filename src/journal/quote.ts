/** Text as JSON, quickly: most of what is kept is plain, and a plain text needs only its quotes. Pure. */

const PLAIN = /^[ !#-[\]-~]*$/;

/** A text as a JSON string. */
export function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** Texts as a JSON list. */
export function quoteAll(texts: readonly string[]): string {
  if (texts.length === 0) return '[]';
  if (texts.length === 1) return `[${quote(texts[0]!)}]`;
  return `[${texts.map(quote).join(',')}]`;
}

/** Milliseconds as whole hundredths. */
export function hundredths(ms: number): number {
  return Math.round(ms * 100);
}
