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

/** Writes the pieces in one go; how many bytes they are. They must not change before they have left. */
export function writeTogether(outlet: Outlet, pieces: readonly Uint8Array[]): number {
  let size = 0;
  for (const piece of pieces) size += piece.length;
  if (pieces.length === 1) outlet.write(pieces[0]!);
  else if (size <= JOINED) writeJoined(outlet, pieces, size);
  else {
    outlet.cork();
    for (const piece of pieces) outlet.write(piece);
    outlet.uncork();
  }
  return size;
}

function writeJoined(outlet: Outlet, pieces: readonly Uint8Array[], size: number): void {
  let at = 0;
  for (const piece of pieces) {
    scratch.set(piece, at);
    at += piece.length;
  }
  outlet.write(scratch.subarray(0, size));
  if (outlet.writableLength > 0) scratch = new Uint8Array(JOINED);
}
