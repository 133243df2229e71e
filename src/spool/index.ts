/** Keeps accepted mail: the store's contract, the embedded store, the store in memory, ids and owners. */
export { shapeOf } from './preflight.ts';
export * from './store.ts';
export { makeQueueId } from './ids.ts';
export { queueLine, type QueueLine } from './line.ts';
export { openLmdbSpool } from './open-lmdb.ts';
export type { LmdbSpoolOptions } from './open-lmdb.ts';
export { openLmdbReader } from './reader.ts';
export type { LmdbReaderOptions, SpoolReader } from './reader.ts';
export { MemorySpool } from './memory.ts';
export type { MemorySpoolOptions } from './memory.ts';
export { makeOwner } from './owner.ts';
export { Probe } from './probe.ts';
export { ENTRY_ID, IllegalMove } from './states.ts';
