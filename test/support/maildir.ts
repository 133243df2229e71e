/** Reads a Maildir as a mail reader would: complete messages are in new/ and cur/, whatever is in tmp/ does not count. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from './wait.ts';

/** A message in a Maildir. */
export interface StoredMessage {
  readonly path: string;
  /** Its bytes as a byte string. */
  readonly text: string;
  /** The header block, without the blank line; line ends as stored. */
  readonly header: string;
  /** Values of all fields of that name, unfolded, in order. */
  field(name: string): string[];
}

/** Every message under `folder`, which is a Maildir or holds Maildirs at any depth. */
export async function readMaildir(folder: string): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  let entries;
  try {
    entries = await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  for (const entry of entries) {
    const parent = entry.parentPath ?? entry.path;
    if (!entry.isFile() || !/\/(new|cur)$/.test(parent)) continue;
    const path = join(parent, entry.name);
    messages.push(parse(path, await readFile(path, 'latin1')));
  }
  return messages;
}

/** Waits until the Maildir holds a message that `wanted` accepts; rejects after `limitMs`. */
export async function arrived(
  folder: string,
  what: string,
  wanted: (message: StoredMessage) => boolean,
  limitMs = 10_000,
): Promise<StoredMessage> {
  return until(`${what} in ${folder}`, limitMs, async () => (await readMaildir(folder)).find(wanted));
}

function parse(path: string, text: string): StoredMessage {
  const end = /\r?\n\r?\n/.exec(text);
  const header = end ? text.slice(0, end.index) : text;
  const fields = header.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  return {
    path,
    text,
    header,
    field: (name) =>
      fields
        .filter((f) => f.toLowerCase().startsWith(name.toLowerCase() + ':'))
        .map((f) => f.slice(name.length + 1).trim()),
  };
}
