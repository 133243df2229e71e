/**
 * The one error of a milter conversation: the filter cannot be used any further on this connection.
 *
 * Carries a stable `code` and one sentence for the operator's log, which names what to change where that is known; it never goes
 * to the SMTP client. A refusal is never an error. What happens to the mail is the caller's policy.
 */
import { MilterProtocolError, type Edit, type EventName } from '#milter/protocol';

/** The public list of codes. */
export type MilterErrorCode =
  /** Name not found, refused, no such socket. */
  | 'connect'
  /** Not reached, or no option reply, within timeoutConnect. */
  | 'connect_timeout'
  | 'tls'
  /** No agreement on version or options. */
  | 'negotiation'
  | 'command_timeout'
  | 'data_timeout'
  | 'message_timeout'
  /** The filter closed the connection, or the caller ended the conversation before. */
  | 'disconnected'
  | 'frame_too_large'
  /** A frame that does not decode. */
  | 'frame_invalid'
  /** An answer that is illegal at its event, or that nobody waits for. */
  | 'unexpected_reply'
  | 'not_a_milter'
  | 'action_not_granted'
  /** More edits or more body than the limits allow. */
  | 'too_big';

/** See the head of the file. */
export class MilterError extends Error {
  readonly code: MilterErrorCode;
  /** The event whose answer was due, when there was one. */
  readonly event: EventName | undefined;
  /** The edit that could not be taken, when it is about one. */
  readonly edit: Edit['kind'] | undefined;
  /** The first bytes that came from the other side, when there never was an agreement with it; for diagnosis. */
  received: Uint8Array | null = null;

  constructor(
    code: MilterErrorCode,
    message: string,
    more: {
      readonly event?: EventName | undefined;
      readonly edit?: Edit['kind'] | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'MilterError';
    this.code = code;
    this.event = more.event;
    this.edit = more.edit;
  }
}

/** Any fault of the wire as a MilterError; faults of ours are passed on as they are. */
export function asMilterError(error: unknown, event?: EventName): MilterError {
  if (error instanceof MilterError) return error;
  if (error instanceof MilterProtocolError)
    return new MilterError(error.code, error.message, { event, cause: error });
  throw error;
}
