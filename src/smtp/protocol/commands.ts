/**
 * Command lines: which verb, and what follows it (RFC 5321 4.1.1, 2.4: verbs in any case, trailing blanks ignored).
 *
 * The server hands in one line without CRLF. An unknown verb is an answer, not an error. Pure; never throws.
 */

/** Verbs the server knows by name; it need not offer each of them. */
export type Verb =
  | 'HELO'
  | 'EHLO'
  | 'LHLO'
  | 'MAIL'
  | 'RCPT'
  | 'DATA'
  | 'BDAT'
  | 'RSET'
  | 'NOOP'
  | 'QUIT'
  | 'VRFY'
  | 'EXPN'
  | 'HELP'
  | 'STARTTLS'
  | 'AUTH'
  | 'XCLIENT'
  | 'XFORWARD';

/** A command line taken apart. */
export interface Command {
  /** null: no verb of ours. */
  readonly verb: Verb | null;
  /** What follows the verb, without the blanks around it; a byte string. */
  readonly args: string;
}

const VERBS: ReadonlyMap<string, Verb> = new Map<string, Verb>(
  (
    'HELO EHLO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN HELP STARTTLS AUTH XCLIENT XFORWARD'.split(
      ' ',
    ) as Verb[]
  ).map((verb) => [verb, verb]),
);

const SPACE = 32;
const TAB = 9;

/** Takes a line (without CRLF) apart. */
export function parseCommand(line: string): Command {
  let end = line.length;
  while (end > 0 && isBlank(line.charCodeAt(end - 1))) end--;
  let at = 0;
  while (at < end && !isBlank(line.charCodeAt(at))) at++;
  const word = line.slice(0, at);
  const verb = VERBS.get(word) ?? VERBS.get(word.toUpperCase()) ?? null;
  while (at < end && isBlank(line.charCodeAt(at))) at++;
  return { verb, args: line.slice(at, end) };
}

/** True when the text holds a control character (TAB, CR, LF and DEL included), which no argument may. */
export function hasControl(text: string): boolean {
  return /[\x00-\x1f\x7f]/.test(text);
}

const HTTP = /^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) /i;
const HTTP_FIELD =
  /^(?:Host|User-Agent|Accept[A-Za-z-]*|Content-[A-Za-z-]+|Connection|Cookie|Origin|Referer):/i;

/** True for a line that a web client sends: mail hidden in what follows it must not run. */
export function isHttp(line: string): boolean {
  return HTTP.test(line) || HTTP_FIELD.test(line);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
