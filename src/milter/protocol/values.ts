/**
 * The values of the milter conversation as everyone outside the wire sees them: verdicts, edits, macros.
 *
 * All text is byte strings (see message/text.ts). Frozen by convention: nobody writes to a decoded value.
 */

/** What a filter decides; the answer to an event (milter reference 4). */
export type Verdict =
  | { readonly kind: 'continue' }
  | { readonly kind: 'accept' }
  | { readonly kind: 'reject' }
  | { readonly kind: 'tempfail' }
  | { readonly kind: 'discard' }
  | { readonly kind: 'skip' }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'connfail' }
  /** The raw reply text of the filter, not yet validated. */
  | { readonly kind: 'replycode'; readonly text: string };

/** One change a filter asks for at end of message, in the order it asked (milter reference 12). */
export type Edit =
  | { readonly kind: 'addHeader'; readonly name: string; readonly value: string }
  | { readonly kind: 'insertHeader'; readonly index: number; readonly name: string; readonly value: string }
  /** `value` '' deletes. */
  | { readonly kind: 'changeHeader'; readonly index: number; readonly name: string; readonly value: string }
  /** All REPLBODY frames of the answer, in order; their concatenation is the new body. Stands where the first one stood. */
  | { readonly kind: 'replaceBody'; readonly chunks: readonly Uint8Array[] }
  /** `params`: the ESMTP parameters as one string, '' when the filter sent none. */
  | { readonly kind: 'addRecipient'; readonly address: string; readonly params: string }
  | { readonly kind: 'deleteRecipient'; readonly address: string }
  | { readonly kind: 'changeSender'; readonly address: string; readonly params: string }
  | { readonly kind: 'quarantine'; readonly reason: string };

/** Looks up a macro by its wire name (`i`, `{mail_addr}`); undefined or '' means it has no value and is left out. */
export type MacroLookup = (name: string) => string | undefined;

/** The words of the wire table, the client, the SDK, the stage files, the log and the docs. */
export type EventName =
  | 'connect'
  | 'helo'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'header'
  | 'eoh'
  | 'body'
  | 'end'
  | 'unknown'
  | 'abort'
  | 'quit'
  | 'quitNc';
