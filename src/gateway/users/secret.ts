/** A secret of this gateway that outlives it: 32 bytes in a file of the state folder that nobody else may read. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NAME = 'decoy.key';
const BYTES = 32;

/** The secret, made at the first call. Where the folder cannot be written, one that ends with the process. Never throws. */
export function stateSecret(stateDir: string): Uint8Array {
  const file = join(stateDir, NAME);
  const fresh = randomBytes(BYTES);
  try {
    writeFileSync(file, fresh, { flag: 'wx', mode: 0o600 });
    return fresh;
  } catch {
    try {
      const kept = readFileSync(file);
      return kept.length === BYTES ? kept : fresh;
    } catch {
      return fresh;
    }
  }
}
