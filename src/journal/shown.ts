/** Text of strangers made fit to be kept: readable, without control characters, cut. Quick for what is plain ASCII. */
import { printable, utf8Of } from '#message';
import { MAX_TEXT } from './row.ts';

const PLAIN = /^[\x20-\x7e]*$/;

/** A byte string as text for people. */
export function shown(text: string): string {
  return text.length <= MAX_TEXT && PLAIN.test(text) ? text : printable(utf8Of(text), MAX_TEXT);
}
