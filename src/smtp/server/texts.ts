/** The replies that the server itself gives (RFC 5321 4.2.3, RFC 3463). Bland on purpose: they name no setting and no file. */
import { status, type Status } from '#message';
import type { ContentFaultKind } from '#smtp/protocol';

export const OK = status(250, '2.0.0', 'OK');
export const BYE = status(221, '2.0.0', 'Bye');
export const START_CONTENT = status(354, '', 'End data with <CR><LF>.<CR><LF>');
export const START_TLS = status(220, '2.0.0', 'Ready to start TLS');
export const CANNOT_VERIFY = status(252, '2.0.0', 'Cannot verify, but will take mail and try');
export const HELP = status(214, '2.0.0', 'See RFC 5321');

export const NOT_RECOGNISED = status(500, '5.5.1', 'Command not recognised');
export const NOT_IMPLEMENTED = status(502, '5.5.1', 'Command not implemented');
export const BAD_SEQUENCE = status(503, '5.5.1', 'Bad sequence of commands');
export const NEED_HELO = status(503, '5.5.1', 'Say hello first');
export const NEED_EHLO = status(503, '5.5.1', 'Say EHLO first');
export const NEED_AUTH = status(530, '5.7.0', 'Authentication required');
export const AUTH_OK = status(235, '2.7.0', 'Authentication successful');
export const AUTH_FAILED = status(535, '5.7.8', 'Authentication credentials invalid');
export const AUTH_BUSY = status(454, '4.7.0', 'Temporary authentication failure');
export const AUTH_NEEDS_TLS = status(538, '5.7.11', 'Encryption required for authentication');
export const AUTH_DONE = status(503, '5.5.1', 'Already authenticated');
export const AUTH_IN_TRANSACTION = status(503, '5.5.1', 'Not during a transaction');
export const AUTH_ABORTED = status(501, '5.7.0', 'Authentication aborted');
export const AUTH_NOT_BASE64 = status(501, '5.5.2', 'Cannot decode response');
export const AUTH_MALFORMED = status(501, '5.5.2', 'Malformed authentication response');
export const AUTH_TOO_LONG = status(500, '5.5.6', 'Authentication exchange line is too long');
export const NO_SUCH_MECHANISM = status(504, '5.5.4', 'Authentication mechanism not available');
export const NEED_MAIL = status(503, '5.5.1', 'Need MAIL first');
export const NEED_RCPT = status(503, '5.5.1', 'Need RCPT first');
export const NESTED_MAIL = status(503, '5.5.1', 'Transaction already open');
export const NO_RECIPIENTS = status(554, '5.5.1', 'No valid recipients');
export const TLS_ACTIVE = status(503, '5.5.1', 'TLS is already active');
export const NEED_TLS = status(530, '5.7.0', 'Must issue STARTTLS first');
export const NEED_CERTIFICATE = status(530, '5.7.0', 'A valid client certificate is required');
export const NOT_AUTHORISED = status(550, '5.7.0', 'Not authorised for this command');
export const IN_TRANSACTION = status(503, '5.5.1', 'Not while a transaction is open');
export const NO_TLS_NOW = status(454, '4.7.0', 'TLS not available now');
export const NO_ARGUMENTS = status(501, '5.5.4', 'No arguments allowed');
export const BAD_ARGUMENTS = status(501, '5.5.4', 'Syntax error in arguments');
export const MAIL_SYNTAX = status(501, '5.5.4', 'Syntax: MAIL FROM:<address>');
export const RCPT_SYNTAX = status(501, '5.5.4', 'Syntax: RCPT TO:<address>');
export const BAD_LINE = status(500, '5.5.2', 'Lone CR, LF or control character in command');
export const LINE_TOO_LONG = status(500, '5.5.2', 'Line too long');
export const TOO_MANY_RECIPIENTS = status(452, '4.5.3', 'Too many recipients');
export const TOO_BIG = status(552, '5.3.4', 'Message too big');
export const EARLY_TALKER = status(554, '5.5.1', 'Spoke before the greeting');

export const INTERNAL_ERROR = status(421, '4.3.0', 'Internal error, closing connection');
export const SHUTTING_DOWN = status(421, '4.3.2', 'Service shutting down, closing connection');
export const TOO_MANY_CONNECTIONS = status(421, '4.3.2', 'Too many connections, try again later');
export const TOO_MANY_FROM_YOU = status(421, '4.7.0', 'Too many connections from you, try again later');
export const TOO_OFTEN = status(421, '4.7.0', 'Connecting too often, try again later');
export const TOO_BUSY = status(421, '4.3.2', 'Too busy, try again later');
export const TIMED_OUT = status(421, '4.4.2', 'Timed out, closing connection');
export const TOO_MANY_ERRORS = status(421, '4.7.0', 'Too many errors, closing connection');
export const TOO_MANY_COMMANDS = status(421, '4.7.0', 'Too many commands, closing connection');
export const TOO_MANY_TRANSACTIONS = status(421, '4.7.0', 'Too many transactions, closing connection');
export const TOO_MANY_AUTH_FAILURES = status(
  421,
  '4.7.0',
  'Too many failed authentications, closing connection',
);
export const FLOOD = status(421, '4.7.0', 'Line without end, closing connection');
export const NOT_A_WEB_SERVER = status(421, '4.7.0', 'This is no web server, closing connection');
export const NOT_A_PROXY = status(421, '4.7.0', 'Header of a proxy out of place, closing connection');
export const INJECTION = status(421, '4.7.0', 'Input behind STARTTLS, closing connection');

/** What the client is told of content that broke a rule. */
export const CONTENT_FAULTS: Readonly<Record<ContentFaultKind, Status>> = Object.freeze({
  size: TOO_BIG,
  'bare-line-end': status(550, '5.6.0', 'Lone CR or LF in message'),
  nul: status(550, '5.6.0', 'NUL in message'),
  'line-length': status(550, '5.6.0', 'Line too long in message'),
});
