/** How replies of a few bytes are read from a socket: past the queue of a stream, and without a buffer of 64 KiB for each of them. */

/** What came last, on whichever socket: it is heard to the end before anything else is read. */
const ARRIVED = new Uint8Array(65_536);

/** The `onread` of a Node.js socket that gives what comes to `hear`: a view, good until it returns. Reading cannot be paused. */
export function inlet(hear: (bytes: Uint8Array) => void): {
  readonly buffer: Uint8Array;
  readonly callback: (length: number) => boolean;
} {
  const callback = (length: number): boolean => {
    hear(ARRIVED.subarray(0, length));
    return true;
  };
  return { buffer: ARRIVED, callback };
}
