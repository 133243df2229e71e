/**
 * One Status from filter to bounce: SMTP reply code, enhanced code (RFC 3463), text, and who said it.
 *
 * Made by whoever decides (the SMTP server, a milter's verdict, the next hop); carried unchanged to the client's reply,
 * the spool and the DSN. Its class is computed from the code, never stored beside it. Values are frozen.
 */

/** `text` is a byte string; several lines are separated by `\n`. `enhanced` is '' when none was given. */
export interface Status {
  readonly code: number;
  readonly enhanced: string;
  readonly text: string;
  /** `millrace`, `milter:NAME`, or the next hop's name. */
  readonly by: string;
}

/** Makes a frozen Status. */
export function status(code: number, enhanced: string, text: string, by = 'millrace'): Status {
  return Object.freeze({ code, enhanced, text, by });
}

/** 2yz or 3yz: the command was taken. */
export function isPositive(s: Status): boolean {
  return s.code >= 200 && s.code < 400;
}

/** 5yz: trying again cannot help. Everything that is neither positive nor 5yz is temporary: unknown means try again. */
export function isPermanent(s: Status): boolean {
  return s.code >= 500 && s.code < 600;
}

/** Neither taken nor permanently refused. */
export function isTemporary(s: Status): boolean {
  return !isPositive(s) && !isPermanent(s);
}

/** The enhanced code to report (RFC 3464 Status:), written from the same source as the class when none was given. */
export function enhancedOf(s: Status): string {
  const cls = isPositive(s) ? '2' : isPermanent(s) ? '5' : '4';
  return s.enhanced.startsWith(cls + '.') ? s.enhanced : `${cls}.0.0`;
}

/** One line for logs and notices: `550 5.7.1 no`. */
export function statusLine(s: Status): string {
  return `${s.code} ${s.enhanced ? s.enhanced + ' ' : ''}${s.text.replaceAll('\n', ' / ')}`;
}
