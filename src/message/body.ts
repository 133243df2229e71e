/**
 * A message body: bytes after the blank line, CRLF line ends, never copied while it is in memory.
 *
 * Bodies are written once through a BodyDraft (made by the spool, which spills large ones to a file) and read many
 * times through Body: by filters, by the spool's commit, by delivery.
 */

/** A finished body. */
export interface Body {
  /** Bytes. */
  readonly size: number;
  /** The whole body when it is held in memory (concatenation = the body), else null. */
  readonly chunks: readonly Uint8Array[] | null;
  /** The body from its start, chunk by chunk; throws when the file behind it cannot be read. */
  read(): AsyncIterable<Uint8Array>;
}

/** A body being written. */
export interface BodyDraft {
  /** Takes a chunk (kept, not copied). A promise asks the caller to wait: back-pressure from the disk. */
  write(chunk: Uint8Array): void | Promise<void>;
  /** No more chunks. Rejects when the disk failed. */
  finish(): Body | Promise<Body>;
  /** Throws it away, the finished body too, its file with it. Never throws. */
  discard(): void;
}

/** A body of chunks already in memory. */
export function bodyOf(chunks: readonly Uint8Array[]): Body {
  let size = 0;
  for (const c of chunks) size += c.length;
  return {
    size,
    chunks,
    async *read() {
      yield* chunks;
    },
  };
}
