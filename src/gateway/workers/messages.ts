/** What supervisor and workers say to each other, as JSON over the channel that node:cluster keeps between them. */

import type { Snapshot } from '../metrics/index.ts';

/** A configuration as text, so that all workers have the same one whatever happens to the file. */
export interface ConfigText {
  /** The file it was read from, for messages. */
  readonly file: string;
  /** Folder that relative paths start from. */
  readonly base: string;
  readonly text: string;
}

/** To a worker. */
export type Order =
  /** The first: what to run. */
  | {
      readonly order: 'start';
      readonly worker: number;
      /** Whether this one delivers. */
      readonly delivers: boolean;
      readonly config: ConfigText;
    }
  /** Make this configuration ready; answered. */
  | { readonly order: 'prepare'; readonly id: number; readonly config: ConfigText }
  /** Take over what was made ready, or let go of it; answered. */
  | { readonly order: 'commit' | 'cancel'; readonly id: number }
  /** Look at the queue: another worker put something in. */
  | { readonly order: 'wake' }
  /** Say what was counted; answered. */
  | { readonly order: 'figures'; readonly id: number }
  /** What all others counted, as asked. */
  | { readonly order: 'figures-of-all'; readonly id: number; readonly snapshots: readonly Snapshot[] }
  /** What became of the reload that the worker asked for; `trouble` as in `answer`. */
  | { readonly order: 'reloaded'; readonly id: number; readonly trouble: string }
  /** End; may come again with a shorter grace. */
  | { readonly order: 'stop'; readonly graceMs: number };

/** From a worker. */
export type Report =
  /** The first: it hears orders from now on; those given before are lost. */
  | { readonly report: 'here' }
  /** It listens. */
  | { readonly report: 'ready'; readonly addresses: readonly string[] }
  /** It cannot start, and ends. */
  | { readonly report: 'failed'; readonly reason: string }
  /** To an order with an id; `trouble` is why it could not be followed, '' when it was. */
  | { readonly report: 'answer'; readonly id: number; readonly trouble: string }
  /** What it counted. */
  | { readonly report: 'figures'; readonly id: number; readonly snapshot: Snapshot }
  /** It wants to know what all others counted. */
  | { readonly report: 'ask-figures'; readonly id: number }
  /** The configuration file has changed: all workers are to take it over; answered by `reloaded`. */
  | { readonly report: 'reload'; readonly id: number }
  /** It accepted mail that another worker is to deliver. */
  | { readonly report: 'accepted' };
