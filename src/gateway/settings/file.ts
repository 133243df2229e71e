/** The configuration file as settings see it: its text with a revision, and whether it may be written. Never throws. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, readFile, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A text, and what tells it from every other. */
export interface ReadText {
  readonly text: string;
  readonly revision: string;
  /** Why it cannot be written; '' when it can. */
  readonly readOnly: string;
  /** The file itself, where the name given leads. */
  readonly path: string;
}

/** What tells a text from every other. */
export function revisionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Reads it. A file that cannot be read has no text and cannot be written. */
export async function readConfigFile(file: string): Promise<ReadText> {
  let text: string;
  let path = file;
  try {
    path = await realpath(file);
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path));
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    const readOnly =
      why === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? 'the file is not UTF-8 text'
        : `the file cannot be read (${why})`;
    return { text: '', revision: revisionOf(''), readOnly, path };
  }
  const read = { text, revision: revisionOf(text), path };
  try {
    await access(path, constants.W_OK);
    await access(dirname(path), constants.W_OK);
    return { ...read, readOnly: '' };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'not writable';
    return { ...read, readOnly: `the gateway may not write the file or its folder (${why})` };
  }
}
