/**
 * Header fields made from what a filter sent: cleaned so that no new field and no body can be smuggled in.
 *
 * The one documented rule (docs/quirks.md): CR is dropped, empty lines inside the value are dropped, a continuation line
 * without leading white space gets a tab, NUL is impossible on the wire. A bad name is the filter's error. Pure.
 */
import { HeaderField, bytesOf } from '#message';
import { EditError } from './error.ts';

/** Longest header field a filter may make, in bytes. */
export const MAX_FIELD = 256 * 1024;

const NAME = /^[\x21-\x39\x3b-\x7e]{1,998}$/;

/**
 * The field for a filter's name and value. With `leadingSpace` (HDR_LEADSPC negotiated) the value brings its own space after
 * the colon; without, exactly one is put there (milter reference 10). Throws EditError `header_name` or `header_size`.
 */
export function fieldFromFilter(name: string, value: string, leadingSpace: boolean): HeaderField {
  if (!NAME.test(name))
    throw new EditError('header_name', `header name ${JSON.stringify(name.slice(0, 60))} is not legal`);
  if (value.length > MAX_FIELD)
    throw new EditError('header_size', `value of ${name} has ${value.length} bytes`);
  const text = `${name}:${leadingSpace ? '' : ' '}${folded(value)}\r\n`;
  return new HeaderField(bytesOf(text), name, name.length + 1);
}

function folded(value: string): string {
  if (!/[\r\n\0]/.test(value)) return value;
  const [first = '', ...rest] = value.replace(/[\r\0]/g, '').split('\n');
  const lines = rest
    .filter((line) => /[^ \t]/.test(line))
    .map((line) => (/^[ \t]/.test(line) ? line : '\t' + line));
  return [first, ...lines].join('\r\n');
}
