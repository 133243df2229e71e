/**
 * What the SMTP server asks of the rest of the house: the handler, one per connection, nine methods.
 *
 * The server owns bytes, command order, TLS and replies; the handler decides. It is implemented by `intake` and by tests.
 * Every method may answer at once or by promise; the server asks one thing at a time, in the order of the commands. A method
 * that throws costs its session a 421 and is noticed; answers are values, so a refusal is returned, not thrown.
 */
import type { Forwarded, Origin, Path, Status } from '#message';

export type Awaitable<T> = T | Promise<T>;

/** Why a transaction ended without a verdict on its content. */
export type ResetReason = 'RSET' | 'HELO' | 'STARTTLS' | 'MAIL' | 'disconnect' | 'refused' | 'shutdown';

/** Why content cannot be accepted whatever the handler thinks of it. */
export interface ContentFault {
  readonly kind: 'size' | 'bare-line-end' | 'nul' | 'line-length' | 'header-size';
  /** What the client is to be told. */
  readonly status: Status;
}

/** Takes the content of one message as it arrives. */
export interface ContentSink {
  /**
   * Bytes of the message with dots un-stuffed, views of the socket's chunks, to be kept but not written to. A promise stops
   * reading from the client until it settles.
   */
  write(chunk: Uint8Array): void | Promise<void>;
  /**
   * The final dot has come. `fault` is set when the content broke a rule or a limit: the answer must then be a refusal and
   * usually is `fault.status`. One Status for SMTP; for LMTP one per accepted recipient, in order.
   */
  end(fault: ContentFault | null): Awaitable<Status | readonly Status[]>;
}

/**
 * A client's connection as intake decides it. After XCLIENT the client is another: this handler is closed and a new one made. A Status with code 421 makes the server reply and close.
 * At `connect` and `helo` null means the server's own reply.
 */
export interface SmtpHandler {
  /** The client connected (after TLS on implicit-TLS listeners). null: greet with 220. A 5yz or 4yz status is the greeting. */
  connect(origin: Origin): Awaitable<Status | null>;
  /** EHLO, HELO or LHLO; `origin` carries the name. Any open transaction was reset before. null: 250 with the extensions. */
  helo(origin: Origin): Awaitable<Status | null>;
  /** The client authenticated; `origin` carries the identity. null: 235. */
  auth(origin: Origin): Awaitable<Status | null>;
  /** MAIL with syntax checked. A positive status opens the transaction. */
  mail(sender: Path, params: readonly string[]): Awaitable<Status>;
  /** RCPT with syntax checked. */
  rcpt(recipient: Path, params: readonly string[]): Awaitable<Status>;
  /** DATA with at least one accepted recipient. A ContentSink means 354; a Status is the refusal, and the transaction is over. */
  data(): Awaitable<Status | ContentSink>;
  /** An unrecognised command, the line without CRLF. null: 500 5.5.1. */
  unknown(line: string): Awaitable<Status | null>;
  /** The open transaction is over without content verdict. */
  reset(reason: ResetReason): Awaitable<void>;
  /**
   * An extra ability: the client is gone, or the session is cut, while another call is still being answered. What is being waited
   * for may be given up; that call still answers, and the last calls follow.
   */
  interrupted?(): void;
  /** An extra ability: whose mail the next transaction passes on (XFORWARD), told before MAIL; null: nothing is said any more. */
  forwarded?(facts: Forwarded | null): void;
  /** The connection is gone; always the last call, made once, after `reset('disconnect')` when a transaction was open. */
  close(): void;
}
