/** Whether a file is finished: one that is written in place is not to be read half-way. Pure. */

/** Milliseconds since its last change after which a file counts as finished. */
const REST = 1000;

/** `now` and `mtimeMs` in milliseconds since 1970. A time in the future is a clock of another machine: that one is not waited for. */
export function atRest({ mtimeMs }: { readonly mtimeMs: number }, now: number): boolean {
  return Math.abs(now - mtimeMs) >= REST;
}
