/** What is counted of SMTP: plain numbers, handed to whoever keeps the figures of a listener. Pure declarations. */
import type { Verb } from '#smtp/protocol';

/** Why a connection was not taken. */
export type RefusalReason = 'limit' | 'client_limit' | 'milter' | 'proxy' | 'early_talker' | 'shutdown';

/** Hears the events of one listener. Called on the way of every command: must not throw, wait or make objects. */
export interface SmtpMeter {
  /** A connection was taken. */
  opened(): void;
  /** It is over, after so many milliseconds. */
  closed(ms: number): void;
  refused(reason: RefusalReason): void;
  /** Bytes came, decrypted where there is TLS. */
  received(bytes: number): void;
  /** A command was answered; null: its verb is not known. */
  replied(verb: Verb | null, code: number, ms: number): void;
  /** A TLS handshake ended; null: it failed. */
  handshake(version: string | null): void;
  /** A recipient was answered inside a transaction. */
  recipient(code: number): void;
  /** Content came to its end and was answered so many milliseconds after the final dot. */
  content(bytes: number, ms: number): void;
  /** A transaction ended without mail being taken: by this refusal, or 0 when the client gave it up. */
  lost(code: number): void;
}
