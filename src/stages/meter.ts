/** What is counted of the filters: plain numbers, handed to whoever keeps the figures. Pure declarations. */
import type { MilterMeter } from '#milter/client';
import type { StageName } from './settings.ts';

/** How an attempt to get a conversation ended. */
export type ConnectResult = 'ok' | 'refused' | 'timeout' | 'tls' | 'negotiation';

/** Why a filter was not asked. */
export type NotAsked = 'disabled' | 'paused' | 'finished' | 'backoff';

/** Hears the events of one filter. Must not throw, wait or make objects. */
export interface FilterMeter extends MilterMeter {
  /** A connection was tried: for so many milliseconds, negotiation included. */
  tried(result: ConnectResult, ms: number): void;
  /** It is waited for, or no more. */
  waiting(change: 1 | -1): void;
  /** A message is over for which it was waited so many milliseconds in all; `said`: its last word, a verdict or `failed`. */
  message(ms: number, said: string): void;
  notAsked(reason: NotAsked): void;
}

/** Hears of all filters of a stage together. The same rules. */
export interface StageMeter {
  /** The filters were asked for `ms` milliseconds; `waited`: the sum of the waits for each of them. */
  stage(stage: StageName | 'end', ms: number, waited: number): void;
}
