/**
 * Brings forward what is due too late to have been meant so: entries made or put back while the clock was ahead.
 *
 * Goes through the index of due times from the given moment on, some hundred entries at a time, each change guarded by the entry's
 * version as all are. What somebody claims meanwhile is left alone.
 */
import { change } from './change.ts';
import type { Parts } from './parts.ts';
import { readTimeKey, timeKey } from './record.ts';
import { allows, hastened } from './states.ts';

/** Entries changed between two looks at the index. */
const SLICE = 512;

/** See SpoolStore.hasten. */
export async function hastenEntries(parts: Parts, beyond: number, due: number): Promise<number> {
  let count = 0;
  let start = timeKey(beyond + 1, '');
  for (;;) {
    parts.tables.freshen();
    const keys = Array.from(parts.tables.queued.getKeys({ start, limit: SLICE }));
    const changed = keys.map((key) =>
      change(
        parts,
        readTimeKey(key).id,
        (meta) => allows('hasten', meta.state) && meta.due > beyond && hastened(meta, due),
      ),
    );
    for (const result of await Promise.all(changed)) if (result !== null) count++;
    if (keys.length < SLICE) return count;
    start = Buffer.concat([keys.at(-1)!, Buffer.alloc(1)]);
  }
}
