/** What the server asks of whoever knows the users; implemented by the gateway and by tests. */
import type { Awaitable } from './handler.ts';
import type { MechanismName, ScramCredentials } from './sasl/mechanism.ts';

/** A name and a password that a client has sent; byte strings, as given. */
export interface PasswordAttempt {
  readonly name: string;
  readonly password: string;
  /** The client's address, '' for a UNIX socket. */
  readonly client: string;
  /** Failures in this session before. */
  readonly failures: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** `busy`: cannot be found out now. `known`: there is a user of that name. */
export type Verification =
  | { readonly kind: 'right' }
  | { readonly kind: 'wrong'; readonly known: boolean }
  | { readonly kind: 'busy' };

/** Knows the users. */
export interface Authenticator {
  /** What may be offered now, in the order in which it is listed. */
  mechanisms(): readonly MechanismName[];
  /** Whether that is the password of that user. For a name that nobody has it takes as long as for others. Rejects never. */
  verify(attempt: PasswordAttempt): Promise<Verification>;
  /** What SCRAM needs; for a name that nobody has something made up, the same each time. */
  scram(name: string): Awaitable<ScramCredentials>;
  /** An attempt from this address has failed: how many of them are remembered, over all sessions, this one included. */
  failed(client: string): number;
}

/** How a server authenticates. */
export interface AuthOptions {
  /** No MAIL before AUTH. */
  readonly required: boolean;
  /** AUTH without TLS too. */
  readonly insecure: boolean;
  readonly authenticator: Authenticator;
}
