/** What the chain is told about each filter and about its surroundings. Plain data, made by the gateway from the configuration. */
import type { Clock } from '#clock';
import type { MilterClientOptions } from '#milter/client';
import type { NoticeSink } from '#notices';
import type { FilterAccess } from './access.ts';
import type { StageMeter } from './meter.ts';
import type { ChainWatcher } from './watch.ts';

/** The moments at which filters are asked: the specification's words. */
export type StageName = 'connect' | 'ehlo' | 'auth' | 'mail' | 'rcpt' | 'data';

/** What happens to mail while a filter cannot be used. `tempFailOnError: false` is `accept`. */
export type OnError = 'tempfail' | 'reject' | 'accept' | 'quarantine';

/** A plain value of an expression variable (expressions reference 3.1). */
export type VariableValue = string | number | readonly string[];

/** The `enable` block, bound to everything but the session. */
export interface EnableTest {
  /** Known without evaluating, or null. */
  readonly constant: boolean | null;
  /** Throws or rejects when it cannot be evaluated; that is an error of the filter. */
  holds(variable: (name: string) => VariableValue): boolean | Promise<boolean>;
}

/** One filter as configured. */
export interface FilterSettings {
  readonly name: string;
  readonly client: Omit<MilterClientOptions, 'clock' | 'observer' | 'meter'>;
  readonly stages: ReadonlySet<StageName>;
  readonly enable: EnableTest;
  /** `original`: sees the message as received, not as its predecessors left it. */
  readonly input: 'chained' | 'original';
  readonly onError: OnError;
  /** Keep the conversation for the next client (QUIT_NC). */
  readonly reuse: boolean;
  /** Ask at envelope stages together with neighbours that say so too. */
  readonly parallel: boolean;
}

/** What every chain of the gateway shares. */
export interface StageSurroundings {
  /** In configured order. */
  readonly filters: readonly FilterAccess[];
  /** Macro `j`. */
  readonly hostname: string;
  /** Macro `v`. */
  readonly version: string;
  /** Where mail to an address would go, for the macros {rcpt_mailer}, {rcpt_host} and their like. */
  readonly mailerOf: (address: string) => Mailer;
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Keeps the figures. */
  readonly meter?: StageMeter | null;
  /** Looks on; set for a dry run only. */
  readonly watcher?: ChainWatcher;
}

/** A delivery agent and its next hop, in the words of the macros: `local` for mailboxes here. */
export interface Mailer {
  readonly mailer: string;
  readonly host: string;
}
