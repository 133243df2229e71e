/** The envelope: who sends, to whom, with which ESMTP parameters. Addresses and parameters are byte strings. */
import type { Path } from './address.ts';

/** One recipient as accepted at RCPT (or added by a filter). `params` as typed, one string each: `NOTIFY=NEVER`. */
export interface Recipient {
  readonly path: Path;
  readonly params: readonly string[];
}

/** Immutable; edits make a new one. */
export interface Envelope {
  readonly sender: Path;
  /** MAIL parameters as typed, one string each: `SIZE=10`, `BODY=8BITMIME`. */
  readonly senderParams: readonly string[];
  readonly recipients: readonly Recipient[];
}

/** The value of parameter `keyword` (any case), '' when it stands without a value, undefined when absent. */
export function parameter(params: readonly string[], keyword: string): string | undefined {
  const wanted = keyword.toUpperCase();
  for (const p of params) {
    const eq = p.indexOf('=');
    if ((eq < 0 ? p : p.slice(0, eq)).toUpperCase() === wanted) return eq < 0 ? '' : p.slice(eq + 1);
  }
  return undefined;
}
