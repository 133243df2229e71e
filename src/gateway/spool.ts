/** The spool of a configuration. */
import type { Config } from '#gateway/config';
import { MemorySpool, openLmdbSpool, type SpoolStore } from '#spool';
import type { Surroundings } from './gateway.ts';

/** What the spool was opened with, as one text. */
export function spoolOf({ stateDir, spool, shedding }: Config): string {
  return JSON.stringify([stateDir, spool, shedding.freeDisk]);
}

/** Opens it. Rejects with SpoolError. */
export function openSpool(
  { spool, shedding }: Config,
  { clock, notices, tellDelivery }: Surroundings,
  owner: string,
): Promise<SpoolStore> {
  if (spool.engine === 'memory') return Promise.resolve(new MemorySpool());
  const { dir, inlineBodyMax } = spool;
  // Who does not deliver need not remember what was accepted.
  const cache = tellDelivery && { cacheBytes: 0 };
  const floor = shedding.freeDisk !== null && { freeFloor: shedding.freeDisk };
  return openLmdbSpool({ dir, inlineBodyMax, clock, notices, owner, ...cache, ...floor });
}
