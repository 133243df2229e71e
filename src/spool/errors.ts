/**
 * Turns what a disk or lmdb said into a SpoolError: `full` when room is missing, `io` for everything else.
 *
 * The cause is kept for the log; the message names no file, since it may be shown. Never throws.
 */
import { SpoolError } from './store.ts';

/** Out of space, over quota, or over a file size limit: names of node, then numbers of the kernel and of lmdb. */
const NO_ROOM = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG', 28, 122, 27, -30792]);

/** Whether a file system or lmdb said that there is no room. */
export function isNoRoom(error: unknown): boolean {
  return NO_ROOM.has((error as { code?: unknown } | null)?.code);
}

/** Whether a file system said that a name is not there. */
export function isAbsent(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ENOENT';
}

/** Wraps an error; one that is a SpoolError already stays as it is. `doing` is what was tried, for the log. */
export function spoolError(error: unknown, doing: string): SpoolError {
  if (error instanceof SpoolError) return error;
  return new SpoolError(isNoRoom(error) ? 'full' : 'io', `spool: ${doing} failed`, { cause: error });
}

/** What went wrong, for a notice. */
export function causeOf(error: unknown): string {
  const cause = error instanceof SpoolError && error.cause !== undefined ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

/** lmdb errors that say the data file is not usable: corrupted, page not found, not lmdb, version, incompatible. */
const UNUSABLE = new Set<unknown>([-30796, -30797, -30793, -30794, -30784]);

/** Whether an error says that the data file as a whole is beyond use. */
export function isUnusable(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  return UNUSABLE.has(code) || UNUSABLE.has(cause?.code);
}
