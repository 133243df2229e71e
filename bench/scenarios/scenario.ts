/** What a scenario of the bench is made of: filters, listeners, what is sent, and the ratios it is about. */
import type { MessageShape } from '../load.ts';
import type { ScenarioName } from '../options.ts';
import type { Run } from '../measure.ts';
import type { Lane } from '../peer.ts';
import type { Workshop } from '../workshop.ts';

/** A situation with measurements of its own. */
export interface Scenario {
  readonly name: ScenarioName;
  /** What it shows, in a sentence or two, for the report. */
  readonly about: string;
  /** Starts its filters. Throws with the reason where they cannot run. */
  prepare(shop: Workshop): Promise<Setting>;
}

/** A scenario whose filters run. */
export interface Setting {
  readonly lanes: readonly Lane[];
  readonly rows: readonly Row[];
  readonly goals: readonly Goal[];
  /** Waits for content of every message since the last call, where something counts them. */
  readonly waits?: () => readonly number[];
}

/** One measurement, made at every peer. */
export interface Row {
  /** The listener it goes to; every row has one of its own. */
  readonly lane: string;
  readonly title: string;
  readonly sessions: number;
  readonly message: MessageShape;
  /** Messages of one run; without it as many as last for `--seconds`. */
  readonly messages?: number;
}

/** What one run of a row showed; `waits` per message, empty where nobody counts. */
export interface Sample extends Run {
  readonly row: Row;
  readonly waits: readonly number[];
}

/** What one turn showed, by peer and lane. Throws for a peer that does not take part. */
export type Turn = (peer: 'millrace' | 'postfix', lane: string) => Sample;

/** A number that is asked for. */
export interface Goal {
  readonly title: string;
  readonly limit: { readonly atMost: number } | { readonly atLeast: number };
  /** It can be told only beside Postfix. */
  readonly againstPostfix: boolean;
  /** The number, from the runs of one turn. */
  value(turn: Turn): number;
}
