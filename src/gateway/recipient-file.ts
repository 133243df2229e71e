/**
 * A file of recipients: one `local@domain` or `@domain` a line, `#` begins a comment; read again when it changes.
 *
 * Read in small pieces beside everything else, however long it is; until a new version is read to its end the old one answers.
 * One bad line and the version is not used: at the start of the gateway that is an error, later a notice, and the list stays as
 * it was. Looks at the file once a second, never in the way of a message.
 */
import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Cancel, Clock } from '#clock';
import { RecipientList } from '#intake';
import { latin1 } from '#message';
import type { NoticeSink } from '#notices';
import { atRest, fileState } from './file-state.ts';

/** Largest file in bytes. */
const MAX_FILE = 64 * 1024 * 1024;
/** Longest line in bytes, comment included. */
const MAX_LINE = 1000;
/** Milliseconds between two looks at the file. */
const LOOK_AGAIN = 1000;

/** A `#` inside an address is part of it. */
const COMMENT = /(?:^|[ \t])#.*$/;
const BYTE_ORDER_MARK = /^\xef\xbb\xbf/;

type RecipientFileErrorCode = 'unreadable' | 'too-large' | 'bad-line';

/** Why a file of recipients cannot be used. */
export class RecipientFileError extends Error {
  readonly code: RecipientFileErrorCode;

  constructor(code: RecipientFileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RecipientFileError';
    this.code = code;
  }
}

/** What a watched file needs. */
export interface FileSurroundings {
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** A file that is watched from `open` to `close`. */
export class RecipientFile {
  readonly path: string;
  readonly #around: FileSurroundings;
  #list: RecipientList;
  /** What the file looked like when it was read last, used or not. */
  #seen: string;
  #timer: Cancel | null = null;
  #closed = false;

  private constructor(path: string, around: FileSurroundings, seen: string, list: RecipientList) {
    this.path = path;
    this.#around = around;
    this.#seen = seen;
    this.#list = list;
    this.#lookAgain();
  }

  /** Reads the file. Rejects with RecipientFileError. */
  static async open(path: string, around: FileSurroundings): Promise<RecipientFile> {
    const facts = await factsOf(path);
    return new RecipientFile(path, around, fileState(facts), await readList(path, facts.size));
  }

  /** The recipients as the file last had them. */
  get list(): RecipientList {
    return this.#list;
  }

  /** Looks no more. */
  close(): void {
    this.#closed = true;
    this.#timer?.();
  }

  #lookAgain(): void {
    if (!this.#closed) this.#timer = this.#around.clock.after(LOOK_AGAIN, () => void this.#look());
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { clock, notices } = this.#around;
    try {
      const facts = await factsOf(this.path);
      const seen = fileState(facts);
      if (seen !== this.#seen && atRest(facts, clock.now())) {
        // What is written meanwhile has other looks: it is read at the next one.
        this.#seen = seen;
        this.#list = await readList(this.path, facts.size);
        notices('recipients.read', { file: this.path, entries: this.#list.size });
      }
    } catch (error) {
      const { code, message } = error as RecipientFileError;
      // Said once for each state of the file.
      if (code !== 'unreadable' || this.#seen !== code)
        notices('recipients.not-read', { file: this.path, reason: message });
      if (code === 'unreadable') this.#seen = code;
    }
    this.#lookAgain();
  }
}

/** What the file system says of a plain file. */
async function factsOf(path: string): Promise<Stats> {
  const facts = await stat(path).catch((cause: NodeJS.ErrnoException) => unreadable(path, cause));
  if (!facts.isFile()) throw new RecipientFileError('unreadable', `${path} is not a plain file`);
  return facts;
}

async function readList(path: string, size: number): Promise<RecipientList> {
  const list = new RecipientList();
  let rest = '';
  let read = 0;
  let line = 0;
  const take = (text: string): void => {
    const entry = (line++ === 0 ? text.replace(BYTE_ORDER_MARK, '') : text)
      .trim()
      .replace(COMMENT, '')
      .trimEnd();
    if (text.length > MAX_LINE || (entry !== '' && !list.add(entry)))
      throw new RecipientFileError('bad-line', `${path}:${line}: neither an address nor @ and a domain`);
  };
  if (size > MAX_FILE) tooLarge(path);
  const pieces = createReadStream(path) as AsyncIterable<Uint8Array>;
  try {
    for await (const piece of pieces) {
      if ((read += piece.length) > MAX_FILE) tooLarge(path);
      const lines = (rest + latin1(piece)).split('\n');
      rest = lines.pop()!;
      for (const text of lines) take(text);
      if (rest.length > MAX_LINE) take(rest);
    }
  } catch (error) {
    if (error instanceof RecipientFileError) throw error;
    return unreadable(path, error as NodeJS.ErrnoException);
  }
  take(rest);
  return list;
}

function tooLarge(path: string): never {
  throw new RecipientFileError('too-large', `${path} is larger than ${MAX_FILE} bytes`);
}

function unreadable(path: string, cause: NodeJS.ErrnoException): never {
  throw new RecipientFileError('unreadable', `${path} cannot be read (${cause.code ?? cause.message})`, {
    cause,
  });
}
