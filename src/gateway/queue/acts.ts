/** What an operator may do to an entry of the queue, and what is answered. Plain values. */
import { byteStringOf } from '#message';
import { parseForwardPath } from '#smtp/protocol';

/** One order, for one entry or many. Addresses are byte strings. */
export type Act =
  /** Deliver now, whenever it was due. */
  | { readonly verb: 'retry' }
  /** Keep it from being delivered. */
  | { readonly verb: 'hold'; readonly reason: string }
  | ReleaseAct
  /** Give it up, with a notice to the sender. */
  | { readonly verb: 'bounce'; readonly recipients: readonly string[] | null; readonly reason: string }
  /** Give it up without a word to anybody. */
  | { readonly verb: 'delete'; readonly reason: string }
  /** Deliver to another address. */
  | { readonly verb: 'redirect'; readonly to: string; readonly recipients: readonly string[] | null };

/** Let a held entry go. `recipients` null: all of them; else those alone, the others stay held. */
export interface ReleaseAct {
  readonly verb: 'release';
  readonly recipients: readonly string[] | null;
  /** `again`: all filters are asked once more; `none`: none; `auto`: again when a filter held it, none when an operator did. */
  readonly filters: 'auto' | 'again' | 'none';
  /** Filters that are left out when they are asked again. */
  readonly skip: readonly string[];
}

/** The words of orders. */
export const VERBS = ['retry', 'hold', 'release', 'bounce', 'delete', 'redirect'] as const;
export type Verb = Act['verb'];

/** What became of an order. */
export interface ActResult {
  readonly id: string;
  /**
   * `done`; `would` (only asked); `absent`: no such entry; `busy`: it is being delivered at this moment; `unfit`: its state or
   * its recipients do not allow it; `refused`: a filter did not let it pass; `failed`: the spool or a filter had trouble.
   */
  readonly result: 'done' | 'would' | 'absent' | 'busy' | 'unfit' | 'refused' | 'failed';
  /** Why, in one sentence; '' when there is nothing to add. */
  readonly detail: string;
  /** The id it goes on under, when that is another one. */
  readonly as?: string;
}

/** Who wanted it, as it is logged and kept with a hold. */
export type Operator = `operator:${string}`;

/** `operator:NAME`, the name cut and made harmless. */
export function operatorOf(name: string): Operator {
  return `operator:${name.slice(0, 64).replace(/[^\w.@+-]/g, '?') || 'unknown'}`;
}

/** A mailbox with its domain, as a byte string, from readable text; null when it is none. */
export function mailboxOf(text: string): string | null {
  const address = byteStringOf(text.trim());
  const parsed = parseForwardPath(`<${address}>`, 0);
  if ('code' in parsed || parsed.next !== address.length + 2 || parsed.path.address !== address) return null;
  return address.includes('@') ? address : null;
}
