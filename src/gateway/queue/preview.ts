/**
 * A look into a message without opening it: its header as text, its first text part, and a list of its parts.
 *
 * Reads a bounded beginning of the body; nothing is interpreted (HTML stays text). `previewOf` never throws. What
 * cannot be decoded is shown as it is written.
 */
import { bytesOf, latin1, utf8Of, type HeaderField } from '#message';
import type { SpoolStore } from '#spool';
import { fieldsIn, readable } from './held.ts';

/** Bytes of the body that are looked at, characters of text shown. */
export const MAX_PREVIEW_BODY = 262_144;
export const MAX_PREVIEW_TEXT = 65_536;
/** Fields shown, characters of each. */
const MAX_FIELDS = 500;
const MAX_FIELD = 2000;
/** Parts listed, and how deep they may lie within each other. */
const MAX_PARTS = 100;
const MAX_DEPTH = 8;

/** One part of a message. */
export interface PreviewPart {
  /** `text/plain` and the like, in lower case. */
  readonly type: string;
  /** File name; '' when it has none. */
  readonly name: string;
  /** Bytes as encoded, as far as they were looked at. */
  readonly bytes: number;
}

/** What can be seen. */
export interface Preview {
  readonly header: readonly { readonly name: string; readonly value: string }[];
  /** The first text part, plain where there is one. */
  readonly text: string;
  /** `text/plain`, `text/html`, or '' when there is no text. */
  readonly textType: string;
  readonly parts: readonly PreviewPart[];
  /** There is more than was looked at. */
  readonly cut: boolean;
}

/** Looks. `body`: the beginning of it; `more`: it goes on. */
export function previewOf(header: Uint8Array, body: Uint8Array, more: boolean): Preview {
  const fields = fieldsIn(header);
  const found: Found = { parts: [], texts: [] };
  walk(fields, latin1(body.subarray(0, MAX_PREVIEW_BODY)), found, 0);
  const chosen = found.texts.find((t) => t.type === 'text/plain') ?? found.texts[0];
  const text = chosen ? chosen.read() : '';
  return {
    header: fields.slice(0, MAX_FIELDS).map((f) => ({
      name: f.name,
      value: readable(f.text(), MAX_FIELD),
    })),
    text: text.slice(0, MAX_PREVIEW_TEXT),
    textType: chosen?.type ?? '',
    parts: found.parts,
    cut: more || body.length > MAX_PREVIEW_BODY || text.length > MAX_PREVIEW_TEXT,
  };
}

/** Looks into a held entry; null when there is none. Rejects when its bytes cannot be read. */
export async function lookInto(
  store: Pick<SpoolStore, 'get' | 'content'>,
  id: string,
): Promise<Preview | null> {
  const content = (await store.get(id))?.state === 'held' ? await store.content(id) : null;
  if (!content) return null;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content.body.read()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_PREVIEW_BODY) break;
  }
  return previewOf(content.header, joined(chunks, size), false);
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

interface Found {
  readonly parts: PreviewPart[];
  readonly texts: { readonly type: string; readonly read: () => string }[];
}

function walk(fields: readonly HeaderField[], body: string, found: Found, depth: number): void {
  if (found.parts.length >= MAX_PARTS) return;
  const content = valueOf(fields, 'content-type');
  const type = (/^\s*([\w.+-]{1,60}\/[\w.+-]{1,100})/.exec(content)?.[1] ?? 'text/plain').toLowerCase();
  const boundary = parameter(content, 'boundary');
  if (type.startsWith('multipart/') && boundary !== '' && depth < MAX_DEPTH) {
    for (const part of partsIn(body, boundary)) {
      const [inner, rest] = splitPart(part);
      walk(inner, rest, found, depth + 1);
    }
    return;
  }
  const name = parameter(valueOf(fields, 'content-disposition'), 'filename') || parameter(content, 'name');
  found.parts.push({ type, name: readable(name, 200), bytes: body.length });
  if (type !== 'text/plain' && type !== 'text/html') return;
  const encoding = valueOf(fields, 'content-transfer-encoding').trim().toLowerCase();
  const charset = parameter(content, 'charset') || 'utf-8';
  found.texts.push({ type, read: () => textOf(body, encoding, charset) });
}

function textOf(body: string, encoding: string, charset: string): string {
  if (encoding === 'base64') return decoded(base64Bytes(body), charset);
  if (encoding === 'quoted-printable')
    return decoded(quotedBytes(body.replace(/[ \t]+(?=\r?\n)/g, '').replace(/=\r?\n/g, '')), charset);
  return decoded(bytesOf(body), charset);
}

function decoded(bytes: Uint8Array, charset: string): string {
  if (/^(utf-?8|us-ascii)$/i.test(charset)) return utf8Of(latin1(bytes));
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return utf8Of(latin1(bytes));
  }
}

/** Whatever is no letter of base64 is left out. */
const base64Bytes = (text: string): Uint8Array => Buffer.from(text, 'base64');

/** `=XX` is a byte; anything else stands for itself. */
const quotedBytes = (text: string): Uint8Array =>
  bytesOf(text.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))));

/** What lies between the lines of a boundary. */
function partsIn(body: string, boundary: string): readonly string[] {
  const line = `--${boundary}`;
  const parts: string[] = [];
  let begin = -1;
  for (let at = body.indexOf(line); at >= 0 && parts.length < MAX_PARTS; at = body.indexOf(line, at + 1)) {
    if (at > 0 && body[at - 1] !== '\n') continue;
    if (begin >= 0) parts.push(body.slice(begin, at).replace(/\r?\n$/, ''));
    const end = body.indexOf('\n', at);
    begin = end < 0 || body.startsWith('--', at + line.length) ? -1 : end + 1;
    if (begin < 0) break;
  }
  if (begin >= 0) parts.push(body.slice(begin));
  return parts;
}

function splitPart(part: string): [readonly HeaderField[], string] {
  if (/^\r?\n/.test(part)) return [[], part.replace(/^\r?\n/, '')];
  const blank = /\r?\n\r?\n/.exec(part);
  if (!blank) return [[], part];
  const header = part.slice(0, blank.index).replace(/\r?\n/g, '\r\n') + '\r\n';
  return [fieldsIn(bytesOf(header)), part.slice(blank.index + blank[0].length)];
}

const valueOf = (fields: readonly HeaderField[], key: string): string =>
  fields
    .find((f) => f.key === key)
    ?.text()
    .slice(0, MAX_FIELD) ?? '';

/** A parameter of a structured field; '' when there is none. */
function parameter(value: string, name: string): string {
  const found = new RegExp(`;\\s*${name}\\*?\\s*=\\s*(?:"([^"]{0,400})"|([^\\s;"]{1,400}))`, 'i').exec(value);
  return found?.[1] ?? found?.[2] ?? '';
}
