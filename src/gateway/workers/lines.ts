/**
 * A worker's log on its way to stdout: whole lines only, so that lines of several processes never run into each other.
 *
 * One process writes to stdout. When stdout is slow the worker is read more slowly, and drops what it cannot write as every
 * gateway does. Half a line of a worker that was killed is dropped. Never throws.
 */
import type { Readable } from 'node:stream';

/** Where lines go; `false` asks to wait for `drain`. */
export interface LineOutput {
  write(lines: string): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

/** Longest line passed on, in characters; what is longer is no line of a log. */
export const MAX_LINE = 1_048_576;

/** Passes the lines of `from` on to `to`. */
export function passLines(from: Readable, to: LineOutput): void {
  let partial = '';
  /** The line under way is too long: it is left out. */
  let skipping = false;
  from.setEncoding('utf8');
  from.on('data', (text: string) => {
    const begin = skipping ? text.indexOf('\n') + 1 : 0;
    if (skipping && begin === 0) return;
    skipping = false;
    const end = text.lastIndexOf('\n') + 1;
    const lines = end === 0 ? '' : partial + text.slice(begin, end);
    partial = (end === 0 ? partial : '') + text.slice(end);
    if (partial.length > MAX_LINE) {
      partial = '';
      skipping = true;
    }
    if (lines === '' || to.write(lines)) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
  from.on('error', () => undefined);
}
