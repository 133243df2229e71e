/**
 * Reverse-paths and forward-paths of MAIL and RCPT (RFC 5321 4.1.2; RFC 6531 3.3 for 8-bit ones).
 *
 * A path is taken as typed and never rewritten: quoting, case and source route stay in `raw`. What is no path is answered by a
 * Status. Whether 8-bit characters are allowed depends on a parameter behind the path, so the caller asks for that afterwards
 * (`needsUtf8`). Pure; never throws; linear in the length of the line.
 */
import { status, type Path, type Status } from '#message';
import { isAddressLiteral, isCleanUtf8 } from './literals.ts';

/** A path and where the rest of the line begins. */
export interface ParsedPath {
  readonly path: Path;
  /** Index behind the closing bracket. */
  readonly next: number;
  /** The path holds 8-bit characters: only right together with the parameter SMTPUTF8. */
  readonly needsUtf8: boolean;
}

/** RFC 5321 4.5.3.1.1 and .2, in octets. */
const MAX_LOCAL_PART = 64;
const MAX_DOMAIN = 255;

const ATEXT = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\x80-\\xff-]+";
const DOT_STRING = `${ATEXT}(?:\\.${ATEXT})*`;
const QUOTED = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\x20-\\x7e])*"';
const LABEL = '[A-Za-z0-9_\\x80-\\xff](?:-*[A-Za-z0-9_\\x80-\\xff])*';
const DOMAIN = `${LABEL}(?:\\.${LABEL})*`;
const LITERAL = '\\[[\\x21-\\x5a\\x5e-\\x7e]+\\]';
const ROUTE = `(?:@${DOMAIN}(?:,@${DOMAIN})*:)?`;

/** Groups: local part, domain (or literal). */
const PATH = new RegExp(`<${ROUTE}(${DOT_STRING}|${QUOTED})@(${DOMAIN}|${LITERAL})>`, 'y');

const NULL_PATH: Path = Object.freeze({ raw: '<>', address: '' });

const NO_UTF8 = status(553, '5.6.7', 'Address needs SMTPUTF8');

/** The status for a path with 8-bit characters in a transaction without SMTPUTF8 (RFC 6531 3.5). */
export function utf8Refusal(): Status {
  return NO_UTF8;
}

/** The path of `MAIL FROM:` at `text[at]`; blanks before it are skipped. 501 5.1.7 when there is none. */
export function parseReversePath(text: string, at: number): ParsedPath | Status {
  const start = skipBlanks(text, at);
  if (text.startsWith('<>', start)) return { path: NULL_PATH, next: start + 2, needsUtf8: false };
  return mailbox(text, start) ?? refusal(text, start, '5.1.7', 'sender');
}

/** The path of `RCPT TO:` at `text[at]`; `<Postmaster>` in any case needs no domain. 501 5.1.3 when there is none. */
export function parseForwardPath(text: string, at: number): ParsedPath | Status {
  const start = skipBlanks(text, at);
  const parsed = mailbox(text, start);
  if (parsed !== null) return parsed;
  const raw = text.slice(start, start + 12);
  if (/^<postmaster>$/i.test(raw))
    return { path: { raw, address: raw.slice(1, -1) }, next: start + 12, needsUtf8: false };
  return refusal(text, start, '5.1.3', 'recipient');
}

function mailbox(text: string, start: number): ParsedPath | null {
  PATH.lastIndex = start;
  const m = PATH.exec(text);
  if (m === null) return null;
  const local = m[1]!;
  const domain = m[2]!;
  if (local.length > MAX_LOCAL_PART || domain.length > MAX_DOMAIN) return null;
  if (domain.startsWith('[') && !isAddressLiteral(domain.slice(1, -1))) return null;
  const raw = m[0];
  const needsUtf8 = /[\x80-\xff]/.test(raw);
  if (needsUtf8 && !isCleanUtf8(raw)) return null;
  return { path: { raw, address: `${local}@${domain}` }, next: PATH.lastIndex, needsUtf8 };
}

/** Says as exactly as can be what is wrong with the text at `start`. */
function refusal(text: string, start: number, enhanced: string, whose: string): Status {
  const say = (what: string): Status => status(501, enhanced, `Bad ${whose} address: ${what}`);
  if (text.charCodeAt(start) !== 60) return say('it must stand in angle brackets');
  const inside = text.slice(start + 1);
  if (/[\x00-\x1f\x7f]/.test(inside)) return say('control character');
  if (inside.startsWith('>')) return say('it may not be empty');
  const parts = new RegExp(`^${ROUTE}(${DOT_STRING}|${QUOTED})(?:@([^>]*))?>`).exec(inside);
  if (parts === null) return say('syntax error');
  const [, local = '', domain] = parts;
  if (domain === undefined) return say('a domain is needed');
  if (local.length > MAX_LOCAL_PART) return say('the local part is too long');
  if (domain.length > MAX_DOMAIN) return say('the domain is too long');
  return say(/[\x80-\xff]/.test(inside) ? 'malformed domain or UTF-8' : 'malformed domain');
}

function skipBlanks(text: string, at: number): number {
  while (text.charCodeAt(at) === 32) at++;
  return at;
}
