/**
 * The body on its way from the wire to a handler: held whole (`buffer`), or handed on as it comes with back-pressure (`stream`).
 *
 * Chunks are views of what the socket read, not copies. A body that was broken off throws FilterError `body_gone` to its
 * reader, one above the limit `body_limit`; nothing here hangs.
 */
import { FilterError } from './errors.ts';

/** What the SDK and a Message need of a body. */
export interface IncomingBody {
  /** Bytes so far. */
  readonly size: number;
  /** Takes a chunk. A promise asks the MTA to wait until the reader has caught up. */
  push(chunk: Uint8Array): void | Promise<void>;
  /** No more chunks. */
  end(): void;
  /** Broken off: readers get the error. */
  fail(error: FilterError): void;
  /** Nobody will read it any more: what is queued and all that comes is dropped. */
  abandon(): void;
  readonly unwanted: boolean;
  read(): AsyncIterable<Uint8Array>;
}

/** Bytes a stream takes ahead of its reader. */
const AHEAD = 256 * 1024;

/** The whole body in memory; may be read any number of times. `push` throws `body_limit`. */
export class BufferedBody implements IncomingBody {
  size = 0;
  readonly unwanted = false;
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Uint8Array): void {
    this.size += chunk.length;
    if (this.size > this.#limit) throw bodyLimit(this.#limit);
    this.#chunks.push(chunk);
  }

  end(): void {}

  fail(): void {}

  abandon(): void {}

  async *read(): AsyncIterable<Uint8Array> {
    yield* this.#chunks;
  }
}

/** A body that is read once, while it arrives. */
export class StreamedBody implements IncomingBody {
  size = 0;
  unwanted = false;
  readonly #queue: Uint8Array[] = [];
  #queued = 0;
  #ended = false;
  #error: FilterError | null = null;
  #taken = false;
  #wakeReader: (() => void) | null = null;
  #wakeWriter: (() => void) | null = null;

  push(chunk: Uint8Array): void | Promise<void> {
    this.size += chunk.length;
    if (this.unwanted || this.#error) return;
    this.#queue.push(chunk);
    this.#queued += chunk.length;
    this.#stirReader();
    if (this.#queued > AHEAD) return new Promise((resolve) => (this.#wakeWriter = resolve));
  }

  end(): void {
    this.#ended = true;
    this.#stirReader();
  }

  fail(error: FilterError): void {
    this.#error ??= error;
    this.abandon();
    this.#stirReader();
  }

  abandon(): void {
    this.unwanted = true;
    this.#queue.length = 0;
    this.#queued = 0;
    this.#stirWriter();
  }

  async *read(): AsyncIterable<Uint8Array> {
    if (this.#taken) throw new FilterError('body_gone', 'a streamed body can be read only once');
    this.#taken = true;
    try {
      for (;;) {
        if (this.#error) throw this.#error;
        const chunk = this.#queue.shift();
        if (chunk !== undefined) {
          this.#queued -= chunk.length;
          if (this.#queued <= AHEAD) this.#stirWriter();
          yield chunk;
        } else if (this.#ended) return;
        else await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      }
    } finally {
      this.abandon();
    }
  }

  #stirReader(): void {
    this.#wakeReader?.();
    this.#wakeReader = null;
  }

  #stirWriter(): void {
    this.#wakeWriter?.();
    this.#wakeWriter = null;
  }
}

/** All bytes of a body in one piece. Throws FilterError `body_limit` above `limit`. */
export async function collect(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) throw bodyLimit(limit);
    parts.push(chunk);
  }
  if (parts.length === 1) return parts[0]!;
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function bodyLimit(limit: number): FilterError {
  return new FilterError('body_limit', `the body is larger than limits.body, ${limit} bytes`);
}
