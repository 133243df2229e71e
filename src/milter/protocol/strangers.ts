/**
 * Recognises other programs behind a milter endpoint by the bytes that would be a frame's length field.
 *
 * Nearly every absurd frame length is a wrong port in the configuration: say so, with the remedy. Pure; never fails.
 */

const TEXTS: ReadonlyMap<string, string> = new Map([
  [
    'UNKN',
    'this is clamd (usually port 3310), not a milter; clamav-milter is another program, usually port 7357 or a socket',
  ],
  [
    'HTTP',
    'an HTTP server answered, not a milter; the milter port of Rspamd is that of its proxy worker, 11332, not 11333 or 11334',
  ],
  ['220 ', 'an SMTP server answered, not a milter; check host and port'],
  ['220-', 'an SMTP server answered, not a milter; check host and port'],
  ['* OK', 'an IMAP server answered, not a milter; check host and port'],
  ['+OK ', 'a POP3 server answered, not a milter; check host and port'],
  ['GET ', 'an HTTP client called; this port speaks the milter protocol, give its address to a mail server'],
  ['POST', 'an HTTP client called; this port speaks the milter protocol, give its address to a mail server'],
  ['EHLO', 'an SMTP client called; this port speaks the milter protocol, give its address to a mail server'],
  ['HELO', 'an SMTP client called; this port speaks the milter protocol, give its address to a mail server'],
]);

/** TLS record types that open a conversation or end it: alert, handshake. */
const TLS_RECORDS = [0x15, 0x16];

/** A sentence naming what the peer is and what to change, or null when the four bytes of `length` are nobody we know. */
export function strangerOf(length: number): string | null {
  const known = TEXTS.get(
    String.fromCharCode(length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff),
  );
  if (known !== undefined) return known;
  if (TLS_RECORDS.includes(length >>> 24) && ((length >>> 16) & 0xff) === 0x03)
    return 'the other side speaks TLS where plain milter was expected: switch on useTls for this milter';
  return null;
}
