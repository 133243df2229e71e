/**
 * Envelope addresses as handlers see them, made tolerant: with or without brackets, parameters apart or joined.
 *
 * `raw` keeps every byte as it came; the other fields are readable text. Reading never fails on any input. Pure.
 */
import { byteStringOf, domainOf, localPartOf, parameter, utf8Of, withoutBrackets } from '#message';
import { FilterError } from './errors.ts';

/** A reverse-path or forward-path. */
export interface Path {
  /** As the MTA sent it, byte string; usually in angle brackets. */
  readonly raw: string;
  /** Without brackets and source route: `local@domain`; '' for the null sender. */
  readonly address: string;
  /** Before the last `@`. */
  readonly local: string;
  /** After the last `@`, case kept; '' when there is none. */
  readonly domain: string;
  /** ESMTP parameters as typed: `SIZE=10240`, `NOTIFY=NEVER`. */
  readonly params: readonly string[];
  /** The value of a parameter (any case), '' when it stands without one, undefined when absent. */
  param(keyword: string): string | undefined;
}

/** Reads MAIL or RCPT arguments. Some MTAs join the parameters in one string (milter reference 9). */
export function pathOf(raw: string, args: readonly string[]): Path {
  const bare = withoutBrackets(raw);
  const route = /^@[^:]*:/.exec(bare);
  const address = utf8Of(route ? bare.slice(route[0].length) : bare);
  const params = args
    .flatMap((a) => a.split(' '))
    .filter((a) => a !== '')
    .map(utf8Of);
  return Object.freeze({
    raw,
    address,
    local: localPartOf(address),
    domain: domainOf(address),
    params: Object.freeze(params),
    param: (keyword: string) => parameter(params, keyword),
  });
}

/**
 * The wire form of an address an author gave: a Path goes back byte for byte, text as UTF-8 in brackets. Throws FilterError
 * `edit` for blanks, brackets and control characters inside (quoted local parts with blanks go as a Path).
 */
export function wireAddress(address: string | Path): string {
  if (typeof address !== 'string') return address.raw;
  const bare = withoutBrackets(byteStringOf(address));
  if (/[\x00-\x20\x7f<>]/.test(bare))
    throw new FilterError('edit', `${JSON.stringify(address.slice(0, 80))} is no address`);
  return `<${bare}>`;
}
