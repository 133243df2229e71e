/**
 * Joins the crumbs of a client that sends content in tiny segments: kept one by one they would cost hundreds of times their
 * size. Pieces of a usual size pass untouched, and so do the few small ones at the end of a usual message. Never throws.
 */

/** Smaller pieces are crumbs. */
const CRUMB = 1024;
/** So many crumbs, or so many bytes of them, are joined into one piece. */
const MAX_CRUMBS = 256;
const MAX_BYTES = 16 * 1024;
/** Up to so many crumbs are passed on as they are. */
const FEW = 4;

/** Between the un-stuffer and the sink. */
export class Gather {
  #crumbs: Uint8Array[] = [];
  #bytes = 0;

  /** Takes a piece; appends to `out` what is to go on now. */
  add(piece: Uint8Array, out: Uint8Array[]): void {
    if (piece.length >= CRUMB) {
      this.flush(out);
      out.push(piece);
      return;
    }
    this.#bytes += piece.length;
    if (this.#crumbs.push(piece) >= MAX_CRUMBS || this.#bytes >= MAX_BYTES) this.flush(out);
  }

  /** Appends what was held back. */
  flush(out: Uint8Array[]): void {
    const crumbs = this.#crumbs;
    if (crumbs.length === 0) return;
    if (crumbs.length <= FEW) out.push(...crumbs);
    else out.push(Buffer.concat(crumbs, this.#bytes));
    this.#crumbs = [];
    this.#bytes = 0;
  }
}
