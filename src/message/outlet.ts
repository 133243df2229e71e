/**
 * Pieces of bytes for one write to a socket: few bytes are copied into one buffer, for less than a gathering write costs; many leave
 * as they are.
 */

/** As much of a socket as it takes. */
export interface Outlet {
  write(bytes: Uint8Array): unknown;
  cork(): void;
  uncork(): void;
  /** Bytes that it has not passed on to the system. */
  readonly writableLength: number;
}

/** Pieces up to this sum are copied. */
const JOINED = 16 * 1024;

/** Where they are copied to. A socket that could not pass all of it on keeps it, and another takes its place. */
let scratch = new Uint8Array(JOINED);

/** Writes the pieces, `size` bytes in all, in one go. They must not change before they have left. */
export function writeTogether(outlet: Outlet, pieces: readonly Uint8Array[], size: number): void {
  if (pieces.length === 1) return void outlet.write(pieces[0]!);
  if (size > JOINED) {
    outlet.cork();
    for (const piece of pieces) outlet.write(piece);
    outlet.uncork();
    return;
  }
  let at = 0;
  for (const piece of pieces) {
    scratch.set(piece, at);
    at += piece.length;
  }
  outlet.write(scratch.subarray(0, at));
  if (outlet.writableLength > 0) scratch = new Uint8Array(JOINED);
}
