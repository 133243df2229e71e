/** What each quarantine command does with its options: checks them, goes to the right end, leaves the rest to held.ts. */
import { MAX_NOTE } from '#gateway';
import { EXIT, type Terminal } from '../terminal.ts';
import type { Options } from './commands.ts';
import { noteHeld, printHeld, printHeldEntry, rescanHeld } from './held.ts';
import { atQueue } from './reach.ts';
import { printEntry } from './read.ts';

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as string[]) : []);

/** `list`. */
export function runHeldList(options: Options, terminal: Terminal): Promise<number> {
  const json = options['json'] === true;
  return atQueue(options, false, terminal, (end) => printHeld(end, texts(options['where']), json, terminal));
}

/** `show` and `export`. */
export function runHeldShow(id: string, options: Options, terminal: Terminal): Promise<number> {
  const part = options['body'] === true ? 'message' : options['headers'] === true ? 'header' : null;
  const how = { inside: options['preview'] === true, json: options['json'] === true };
  return atQueue(options, false, terminal, (end) =>
    part ? printEntry(end, id, part, false, terminal) : printHeldEntry(end, id, how, terminal),
  );
}

/** `rescan`. */
export function runRescan(ids: readonly string[], options: Options, terminal: Terminal): Promise<number> {
  const release = options['release'] === true;
  const how = { skip: texts(options['skip']), release, json: options['json'] === true };
  return atQueue(options, true, terminal, (end) => rescanHeld(end, [...new Set(ids)], how, terminal));
}

/** `note`. */
export function runNote(id: string, text: string, options: Options, terminal: Terminal): Promise<number> {
  if (text.length > MAX_NOTE) {
    terminal.error(`a note has at most ${MAX_NOTE} characters`, 'command line', 'write less');
    return Promise.resolve(EXIT.usage);
  }
  return atQueue(options, true, terminal, (end) => noteHeld(end, id, text, terminal));
}
