/**
 * ESMTP parameters behind a path (RFC 5321 4.1.2): cut apart, and each known one held against its own syntax.
 *
 * Known: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY, ORCPT (RFC 3461), MT-PRIORITY (RFC 6710),
 * AUTH (RFC 4954). A parameter of an extension that is not offered is refused with 555 5.5.4, bad syntax with 501 5.5.4. Values stay as typed.
 * Pure; never throws; bounded by the length of the line.
 */
import { PRIORITY_SYNTAX, status, type Status } from '#message';

/** Extensions whose parameters depend on what the server offers. */
export interface OfferedParameters {
  /** RET, ENVID, NOTIFY, ORCPT. */
  readonly dsn: boolean;
  /** AUTH. */
  readonly auth: boolean;
}

/** What follows a path. */
export interface ParsedParameters {
  /** As typed, one string each. */
  readonly params: readonly string[];
  /** SIZE in bytes; -1 when not declared. */
  readonly size: number;
  readonly utf8: boolean;
}

interface Rule {
  readonly of: 'MAIL' | 'RCPT';
  readonly needs?: keyof OfferedParameters;
  /** The value, '' when there is none. */
  readonly syntax: RegExp;
}

const XTEXT = '(?:[\\x21-\\x2a\\x2c-\\x3c\\x3e-\\x7e]|\\+[0-9A-F]{2})';

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['SIZE', { of: 'MAIL', syntax: /^[0-9]{1,20}$/ }],
  ['BODY', { of: 'MAIL', syntax: /^(?:7BIT|8BITMIME)$/i }],
  ['SMTPUTF8', { of: 'MAIL', syntax: /^$/ }],
  ['MT-PRIORITY', { of: 'MAIL', syntax: PRIORITY_SYNTAX }],
  ['RET', { of: 'MAIL', needs: 'dsn', syntax: /^(?:FULL|HDRS)$/i }],
  ['ENVID', { of: 'MAIL', needs: 'dsn', syntax: new RegExp(`^${XTEXT}{1,100}$`) }],
  ['AUTH', { of: 'MAIL', needs: 'auth', syntax: new RegExp(`^${XTEXT}{1,500}$`) }],
  [
    'NOTIFY',
    {
      of: 'RCPT',
      needs: 'dsn',
      syntax: /^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2})$/i,
    },
  ],
  ['ORCPT', { of: 'RCPT', needs: 'dsn', syntax: /^[A-Za-z0-9-]{1,50};[\x21-\x3c\x3e-\x7e]{1,500}$/ }],
]);

const NONE: ParsedParameters = Object.freeze({ params: Object.freeze([]), size: -1, utf8: false });
const BAD = status(501, '5.5.4', 'Syntax error in parameters');
const UNKNOWN = status(555, '5.5.4', 'Parameter not recognised or not implemented');

/** RFC 5321 4.1.2 `esmtp-param`; ASCII only. */
const PARAMETER = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e]+))?$/;

/** The parameters of `command` that begin at `text[at]` (behind the path). */
export function parseParameters(
  command: 'MAIL' | 'RCPT',
  text: string,
  at: number,
  offered: OfferedParameters,
): ParsedParameters | Status {
  if (at === text.length) return NONE;
  if (text.charCodeAt(at) !== 32) return BAD;
  const params: string[] = [];
  const seen = new Set<string>();
  let size = -1;
  let utf8 = false;
  for (const param of text.slice(at).split(' ')) {
    if (param === '') continue;
    const m = PARAMETER.exec(param);
    if (m === null) return BAD;
    const keyword = m[1]!.toUpperCase();
    const value = m[2] ?? '';
    const rule = RULES.get(keyword);
    if (rule === undefined || rule.of !== command || (rule.needs && !offered[rule.needs])) return UNKNOWN;
    if (keyword === 'BODY' && value.toUpperCase() === 'BINARYMIME') return UNKNOWN;
    if (seen.has(keyword) || !rule.syntax.test(value) || (m[2] === undefined && keyword !== 'SMTPUTF8'))
      return BAD;
    seen.add(keyword);
    if (keyword === 'SIZE') size = Number(value);
    if (keyword === 'SMTPUTF8') utf8 = true;
    params.push(param);
  }
  return { params, size, utf8 };
}
