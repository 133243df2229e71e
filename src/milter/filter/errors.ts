/**
 * The faults of the filter SDK. They reach the author's log and, by `onError`, decide the message; never the SMTP client.
 */

/** The public list of codes. */
export type FilterErrorCode =
  /** The definition cannot work: no name, a handler both asked and observed, an unknown action. */
  | 'definition'
  /** A listen address that cannot be read. */
  | 'listen'
  /** Another program listens on the unix socket, or the path is no socket. */
  | 'socket_in_use'
  /** An edit or a quarantine whose action the MTA did not grant or the definition did not ask for. */
  | 'action_not_granted'
  /** A decision that means nothing at this event. */
  | 'decision_not_legal'
  /** An edit after the answer was given, or one that cannot be written on the wire. */
  | 'edit'
  /** A handler ran longer than `limits.handler`. */
  | 'handler_timeout'
  /** Header, body or recipients above `limits.headers`, `limits.body`, `limits.recipients`. */
  | 'headers_limit'
  | 'body_limit'
  | 'recipients_limit'
  /** The body is read although the MTA broke off or the handler is over. */
  | 'body_gone'
  /** The MTA offers less than the filter needs. */
  | 'needs';

/** See the head of the file. */
export class FilterError extends Error {
  readonly code: FilterErrorCode;

  constructor(code: FilterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FilterError';
    this.code = code;
  }
}
