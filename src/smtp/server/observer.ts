/**
 * Who listens in on SMTP sessions: lines and replies as they are, content as it comes. What could be a secret never gets there.
 *
 * Called synchronously on the way of the mail; must not throw and keeps nothing it is handed but copies.
 */
/** Hears one session. */
export interface SmtpObserver {
  /** A command line without its line end, fit to be kept. */
  line(text: string): void;
  /** A reply as it goes out, with its line ends, fit to be kept. */
  reply(text: string): void;
  /** Content of a message, dots un-stuffed: a view. */
  content(chunk: Uint8Array): void;
  /** Something about the connection, in words. */
  note(text: string): void;
  /** The connection is over; the last call. */
  closed(): void;
}

/** A connection that begins. `address` '' is a unix socket's. */
export interface ObservedSession {
  readonly session: string;
  readonly listener: string;
  readonly address: string;
}

const HIDDEN = '***';
/** Names that are no secret behind AUTH. */
const MECHANISM =
  /^(?:plain|login|cram-md5|digest-md5|scram-sha-(?:1|256|512)(?:-plus)?|oauthbearer|xoauth2|external|anonymous|ntlm|gssapi)$/i;

/** A line that answers a challenge. */
export const HIDDEN_LINE = HIDDEN;

/** A command line fit to be kept: of AUTH only the verb and the mechanism, of a line that may be a secret nothing. */
export function shownLine(line: string, mayBeSecret: boolean): string {
  if (mayBeSecret) return HIDDEN;
  const first = line.charCodeAt(0);
  // Nearly every line: none of A, blank or control character in front.
  if (first !== 65 && first !== 97 && first > 32) return line;
  if (!/^[\s\0]*auth/i.test(line)) return line;
  const words = line.trim().split(/\s+/);
  const [verb = '', mechanism = ''] = words;
  if (verb.length > 4 || !MECHANISM.test(mechanism)) return `AUTH ${HIDDEN}`;
  return words.length > 2 ? `AUTH ${mechanism} ${HIDDEN}` : `AUTH ${mechanism}`;
}

/** A reply fit to be kept: a challenge of AUTH goes without its text. */
export function shownReply(text: string): string {
  return text.startsWith('334') ? `334 ${HIDDEN}\r\n` : text;
}
