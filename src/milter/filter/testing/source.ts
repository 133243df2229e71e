/** The mail under test: from a file, from text, from bytes. Throws what reading the file throws. */
import { readFile } from 'node:fs/promises';
import { HeaderSplitter, byteStringOf, bytesOf, type HeaderField } from '#message';

/** A message. `text` is written as UTF-8 and gets CRLF line ends; file and bytes are taken as they are, but for bare LF. */
export type MessageSource =
  { readonly file: string | URL } | { readonly text: string } | { readonly bytes: Uint8Array };

/** A message taken apart. */
export interface Mail {
  readonly fields: readonly HeaderField[];
  readonly body: Uint8Array;
}

/** Reads and splits. */
export async function readMail(source: MessageSource): Promise<Mail> {
  if ('text' in source) return splitMail(bytesOf(byteStringOf(source.text)));
  return splitMail('bytes' in source ? source.bytes : await readFile(source.file));
}

/** Header and body of raw bytes. */
export function splitMail(raw: Uint8Array): Mail {
  const fields: HeaderField[] = [];
  const splitter = new HeaderSplitter();
  const bytes = withCrlf(raw);
  const body = splitter.push(bytes, fields) ?? splitter.end(fields);
  return { fields, body: body ?? new Uint8Array(0) };
}

/** Bare LF becomes CRLF, as an MTA does on the way in. */
function withCrlf(bytes: Uint8Array): Uint8Array {
  let bare = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) if (bytes[at - 1] !== 13) bare++;
  if (bare === 0) return bytes;
  const out = new Uint8Array(bytes.length + bare);
  let to = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 10 && bytes[i - 1] !== 13) out[to++] = 13;
    out[to++] = bytes[i]!;
  }
  return out;
}
