/** What is said and done in one SMTP session, the same for every MTA, and what came of it. */
import type { TakenMessage } from '../support/next-hop.ts';
import type { HeardFrame, Script } from './recorder.ts';

/** One act of the SMTP client; after each it waits for the replies that are due. */
export type Step =
  /** One command line. */
  | string
  /** Several command lines in one write. */
  | { readonly together: readonly string[] }
  /** DATA, and when that is answered 354 this content (CRLF line ends, dots not stuffed yet) and the final dot. */
  | { readonly content: string }
  /** The same, sent exactly as it stands, the final dot included. */
  | { readonly raw: string }
  /** STARTTLS and the handshake. */
  | { readonly tls: true }
  /** The client goes away without a word. */
  | { readonly drop: true };

export interface Scenario {
  readonly name: string;
  readonly script: Script;
  readonly steps: readonly Step[];
  /** Letter of the command at whose first occurrence the message ends for the filter, by its own verdict or cut off by us. */
  readonly decides?: string;
}

/** One reply line of interest: what was said, and what was answered. */
export interface Replied {
  readonly to: string;
  /** All lines; empty when the connection ended instead. */
  readonly lines: readonly string[];
}

/** What one MTA made of a scenario, as it came. */
export interface Outcome {
  readonly replies: readonly Replied[];
  readonly heard: readonly HeardFrame[];
  readonly delivered: readonly TakenMessage[];
  /** Messages that are held. */
  readonly held: number;
  /** The client's own port, which macros repeat. */
  readonly clientPort: number;
  /** The MTA's. */
  readonly port: number;
}
