/**
 * What is written to a milter in one go: packets behind one another, each with its length in front in four bytes. The pieces it is
 * written in are cut only where a payload begins or goes on, as the milter client promises.
 */
import { isBody, KIND, SENT, type Tape } from './tape.ts';

/** Length field and code. */
const HEAD = 5;
const SENT_MILTER = KIND.milter | SENT;

/** Number of packets. */
export function packetsIn(pieces: readonly Uint8Array[]): number {
  let count = 0;
  let at = 0;
  for (const piece of pieces) {
    for (; at + HEAD <= piece.length; count++) at += 4 + lengthAt(piece, at);
    at = Math.max(0, at - piece.length);
  }
  return count;
}

/** Records it, of a message's content only as much as `keep` says. `at`: milliseconds since the part began. */
export function addCut(
  tape: Tape,
  lane: number,
  at: number,
  pieces: readonly Uint8Array[],
  keep: (bytes: number) => number,
): void {
  let from = 0;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i]!;
    while (from + HEAD <= piece.length) {
      const run = runFrom(piece, from);
      if (run.count > 0) {
        const bytes = piece.subarray(from, run.end);
        tape.addWritten(lane, at, [bytes], bytes.length, run.count);
      }
      from = run.end;
      if (from + HEAD > piece.length) break;
      const code = piece[from + 4]!;
      const size = lengthAt(piece, from) - 1;
      from += HEAD;
      const kept = isBody(SENT_MILTER, code) ? keep(size) : size;
      if (kept === 0) tape.addUnkept(KIND.milter, true, lane, code, at, size);
      else tape.add(KIND.milter, true, lane, code, at, payloadAcross(pieces, i, from, size), kept);
      from += size;
    }
    from = Math.max(0, from - piece.length);
  }
}

/** Packets without content that lie whole in a piece, one behind the other from `from` on. */
function runFrom(piece: Uint8Array, from: number): { readonly end: number; readonly count: number } {
  let end = from;
  let count = 0;
  for (; end + HEAD <= piece.length; count++) {
    const next = end + 4 + lengthAt(piece, end);
    if (next > piece.length || isBody(SENT_MILTER, piece[end + 4]!)) break;
    end = next;
  }
  return { end, count };
}

/** A payload that begins in piece `i` at `from` and goes on in those behind it. */
function payloadAcross(pieces: readonly Uint8Array[], i: number, from: number, size: number): Uint8Array {
  const payload = new Uint8Array(size);
  let done = 0;
  for (let start = from; done < size && i < pieces.length; i++, start = 0) {
    const part = pieces[i]!.subarray(start, start + size - done);
    payload.set(part, done);
    done += part.length;
  }
  return payload;
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x1000000 + (bytes[at + 1]! << 16) + (bytes[at + 2]! << 8) + bytes[at + 3]!;
}
