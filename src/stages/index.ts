/** Asks the filters: the chain of one SMTP connection, stage by stage. */
export { FilterAccess, type AccessSurroundings } from './access.ts';
export { settled, type Awaitable } from './awaitable.ts';
export { Chain } from './chain.ts';
export type { ContentRuling, MessageContent } from './content.ts';
export { FilterHealth, type Percentiles } from './health.ts';
export type { ConnectResult, FilterMeter, NotAsked, StageMeter } from './meter.ts';
export type { ChainObserver, FilterChange, FilterRecord } from './observer.ts';
export type { Ruling } from './ruling.ts';
export type { Transaction } from './session.ts';
export type { ChainWatcher } from './watch.ts';
export type {
  EnableTest,
  FilterSettings,
  Mailer,
  OnError,
  StageName,
  StageSurroundings,
  VariableValue,
} from './settings.ts';
