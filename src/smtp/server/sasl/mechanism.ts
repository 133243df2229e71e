/**
 * What a SASL mechanism is to the server (RFC 4422): a small machine that takes decoded responses and says what comes next.
 *
 * Text is byte strings, Base64 undone. A mechanism knows no socket, no clock and no user: it asks for what it needs by the step it
 * returns. Never throws; bounded by the length of one response.
 */

/** Mechanisms there are, by their registered names. */
export type MechanismName = 'SCRAM-SHA-256' | 'PLAIN' | 'LOGIN';

/** What the server keeps of a user for SCRAM (RFC 5802 3); for a name that nobody has, a made-up set. */
export interface ScramCredentials {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** 32 bytes each. */
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
  /** Somebody has this name. */
  readonly known: boolean;
}

/** What is to be done next. Every kind but `challenge` and `credentials` ends the exchange. */
export type Step =
  /** Send this to the client and hand its response to `next`. */
  | { readonly kind: 'challenge'; readonly text: string }
  /** Look the user up for SCRAM and go on with what was found. */
  | { readonly kind: 'credentials'; readonly name: string; go(found: ScramCredentials): Step }
  /** Everything hangs on whether this is the password of that user. `authority`: whom the user wants to act as; '' = himself. */
  | {
      readonly kind: 'password';
      readonly name: string;
      readonly authority: string;
      readonly password: string;
    }
  /** The user has proved who he is. */
  | { readonly kind: 'proved'; readonly name: string }
  /** He has not. `known`: there is such a user. */
  | { readonly kind: 'disproved'; readonly name: string; readonly known: boolean }
  /** The response is none of this mechanism's. */
  | { readonly kind: 'malformed' };

/** One exchange. */
export interface Mechanism {
  readonly name: MechanismName;
  /** Begins. `initial`: the initial response (RFC 4954 4), null when none came with the command. */
  start(initial: string | null): Step;
  /** Takes the response to the last challenge. */
  next(response: string): Step;
}

/** Said by every mechanism to what it cannot read. */
export const MALFORMED: Step = Object.freeze({ kind: 'malformed' });
