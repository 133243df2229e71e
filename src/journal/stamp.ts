/** Times as the beginnings of ids: nine characters of base 36 that sort like the time (see spool/ids.ts). Pure. */

const CHARS = 9;
const END = 36 ** CHARS;

/** The beginning of every id made at that time, in milliseconds since 1970. */
export function stampOf(ms: number): string {
  return Math.min(Math.max(0, Math.floor(ms)), END - 1)
    .toString(36)
    .padStart(CHARS, '0');
}

/** A clock that was put back by less than this hides nothing. Milliseconds. */
const SKEW = 600_000;

/** A time before a session began, by its id; 0 when it does not say. */
export function sessionTime(session: string): number {
  const ms = parseInt(session.split('-', 1)[0]!, 36);
  return Number.isFinite(ms) && ms > SKEW ? ms - SKEW : 0;
}
