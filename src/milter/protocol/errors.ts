/**
 * The one error of the wire: what came in is not the milter protocol, or may not be said on it.
 *
 * Thrown by the decoders and encoders of this folder; carries a stable `code`. A connection on which it was thrown is out of
 * step and must be closed. Never thrown for a refusal: refusals are verdicts.
 */

/** The public list of codes. */
export type MilterProtocolErrorCode =
  /** The declared or the made length is above the agreed limit. */
  | 'frame_too_large'
  /** Length zero, or a payload that does not decode as its code demands. */
  | 'frame_invalid'
  /** The bytes are those of another program: HTTP, SMTP, IMAP, clamd, TLS. */
  | 'not_a_milter'
  /** A code that is not in the protocol, or not in this direction. */
  | 'unexpected_reply'
  /** The option negotiation cannot lead to an agreement. */
  | 'negotiation';

/** See the head of the file. The message is one sentence for the operator's log; it never goes to the SMTP client. */
export class MilterProtocolError extends Error {
  readonly code: MilterProtocolErrorCode;

  constructor(code: MilterProtocolErrorCode, message: string) {
    super(message);
    this.name = 'MilterProtocolError';
    this.code = code;
  }
}
