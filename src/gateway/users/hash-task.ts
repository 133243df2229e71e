/** What is asked of the thread that hashes, and what it answers: plain data for postMessage. */
import type { ScramHash, ScryptHash } from '#gateway/config';

/** Is this the password? */
export interface HashTask {
  readonly password: Uint8Array;
  readonly hash: ScryptHash | ScramHash;
}

/** The answer to the one task the thread has; null = it could not be computed. */
export type HashAnswer = boolean | null;
