/**
 * The building stones of the schema: leaves that say exactly what is wrong and what to write, groups that know their keys,
 * lists in all encodings.
 *
 * A leaf takes a raw document value (a Secret is opened here) and gives the value the gateway uses. Nothing is coerced but
 * number words and truth words, so that a value from the environment works everywhere.
 */
import { z } from 'zod';
import { parseDuration } from '#clock';
import { Problem, shown, type DocPath } from './diagnostics.ts';
import { isMapping, type Mapping } from './document.ts';
import { Secret } from './secret.ts';
import { parseSize } from './size.ts';

/** What a refusing leaf puts into the zod issue; read by load.ts. */
export interface ProblemParams {
  readonly message: string;
  readonly remedy: string;
}

/** A leaf from a function that gives the value or a Problem. */
export function leaf<T>(parse: (value: unknown) => T | Problem): z.ZodType<T> {
  return z.unknown().transform((value, ctx): T => {
    const opened = value instanceof Secret ? value.open() : value;
    const result = opened instanceof Problem ? opened : parse(opened);
    if (!(result instanceof Problem)) return result;
    const hide = value instanceof Secret && !(opened instanceof Problem);
    const params: ProblemParams = {
      message: hide ? `the value from ${value.source} is not valid here` : result.message,
      remedy: result.remedy,
    };
    ctx.issues.push({ code: 'custom', input: value, path: [...result.path] as PropertyKey[], params });
    return z.NEVER;
  });
}

/** A leaf with what the JSON Schema of the configuration says of it. */
function told<T>(schema: z.ZodType<T>, meta: Readonly<Record<string, unknown>>): z.ZodType<T> {
  return schema.meta(meta);
}

/** A value, or the place where it stands. */
const orElsewhere = (...kinds: readonly object[]): Record<string, unknown> => ({
  anyOf: [...kinds, { $ref: '#/$defs/elsewhere' }],
});

/** A leaf over text. Without `parse`, any text that is not empty. */
export function text<T = string>(parse?: (text: string) => T | Problem): z.ZodType<T> {
  const schema = leaf<T>((value) => {
    if (typeof value !== 'string' || value === '')
      return new Problem(
        `must be a text, not ${shown(value)}`,
        'write a text; put it in quotes if it looks like something else',
      );
    return parse ? parse(value) : (value as T);
  });
  return told(schema, orElsewhere({ type: 'string', minLength: 1 }));
}

/** A whole number within bounds, both included. */
export function integer(least: number, most: number): z.ZodType<number> {
  const whole = { type: 'integer', minimum: least, maximum: most };
  return told(
    leaf((value) => wholeNumber(value, least, most)),
    orElsewhere(whole),
  );
}

/** A whole number, or null for "unset", as the 0.16 encoding writes it. */
export function integerOrUnset(least: number, most: number): z.ZodType<number | null> {
  const whole = { type: ['integer', 'null'], minimum: least, maximum: most };
  return told(
    leaf((value) => (value === null ? null : wholeNumber(value, least, most))),
    orElsewhere(whole),
  );
}

function wholeNumber(value: unknown, least: number, most: number): number | Problem {
  const n = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof n === 'number' && Number.isSafeInteger(n) && n >= least && n <= most) return n;
  return new Problem(
    `must be a whole number from ${least} to ${most}, not ${shown(value)}`,
    'write such a number',
  );
}

/** `true` or `false`. */
export const flag = told(
  leaf((value): boolean | Problem => {
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    return new Problem(`must be true or false, not ${shown(value)}`, 'write true or false');
  }),
  orElsewhere({ type: 'boolean' }),
);

/** One word of a few. */
export function oneOf<const W extends string>(...words: readonly W[]): z.ZodType<W> {
  const schema = leaf<W>((value) => {
    const word = words.find((w) => w === value);
    return (
      word ??
      new Problem(`must be one of ${words.join(', ')}, not ${shown(value)}`, 'write one of these words')
    );
  });
  return told(schema, orElsewhere({ enum: words }));
}

/** A duration in milliseconds from `least` to `most`, written as "30s" or as a number of milliseconds. */
export function duration(least: number, most: number): z.ZodType<number> {
  const schema = leaf<number>((value) => {
    const ms = typeof value === 'string' || typeof value === 'number' ? parseDuration(value) : null;
    const notation = 'write a duration such as 30s, 5m, 1h, 2d, or milliseconds';
    if (ms === null) return new Problem(`${shown(value)} is not a duration`, notation);
    if (ms < least || ms > most)
      return new Problem(`must be from ${least} ms to ${most} ms, not ${shown(value)}`, notation);
    return ms;
  });
  const text = { type: 'string', pattern: '^\\s*\\d{1,12}\\s*(ms|s|m|h|d|MS|S|M|H|D)?\\s*$' };
  return told(schema, orElsewhere({ type: 'integer', minimum: least, maximum: most }, text));
}

/** A size in bytes from `least` to `most`, written as "50MB" or as a number of bytes. */
export function size(least: number, most: number): z.ZodType<number> {
  const schema = leaf<number>((value) => {
    const bytes = typeof value === 'string' || typeof value === 'number' ? parseSize(value) : null;
    const notation = 'write a size such as 50MB, 64KiB, or bytes';
    if (bytes === null) return new Problem(`${shown(value)} is not a size`, notation);
    if (bytes < least || bytes > most)
      return new Problem(`must be from ${least} to ${most} bytes, not ${shown(value)}`, notation);
    return bytes;
  });
  const text = { type: 'string', pattern: '^\\s*\\d{1,15}\\s*([KMGkmg]?(i?[Bb])?)?\\s*$' };
  return told(schema, orElsewhere({ type: 'integer', minimum: least, maximum: most }, text));
}

/** A value kept as written, a Secret unopened: for keys whose meaning is not read here. */
export const untouched = z.unknown();

/**
 * A group of keys. Unknown keys are refused: the issue's message carries the known names as JSON for load.ts, which makes the
 * suggestion (zod keeps no other field of ours on this issue).
 */
export function group<S extends z.core.$ZodLooseShape>(shape: S) {
  const known = JSON.stringify(Object.keys(shape));
  return z.preprocess(
    (value, ctx) => {
      if (isMapping(value)) return value;
      const params: ProblemParams = {
        message: value === null ? 'has no keys' : `must be a group of keys, not ${shown(value)}`,
        remedy: value === null ? 'write its keys indented below it, or remove it' : 'write key: value pairs',
      };
      ctx.issues.push({ code: 'custom', input: value, params });
      return z.NEVER;
    },
    z.strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? known : undefined) }),
  );
}

/** A list: an array, or the keyed form `{"0": ..., "1": ...}` ordered by number; with `single` one bare value too. */
export function list<T extends z.ZodType>(
  item: T,
  options: { readonly single?: boolean; readonly least?: number } = {},
) {
  return z.preprocess(
    (value, ctx) => {
      const items = itemsOf(value, options.single ?? false);
      const least = options.least ?? 0;
      if (items && items.length >= least) return items;
      const params: ProblemParams = items
        ? { message: 'is empty', remedy: 'write at least one entry, or remove the key' }
        : { message: `must be a list, not ${shown(value)}`, remedy: 'write [a, b], or one "- entry" a line' };
      ctx.issues.push({ code: 'custom', input: value, params });
      return z.NEVER;
    },
    z.array(item).meta({ minItems: options.least ?? 0, ...(options.single && { single: true }) }),
  );
}

/** A set of words: a list of them, or the keyed form `{"data": true, "rcpt": false}`. At least one; in the order of `words`. */
export function wordSet<const W extends string>(...words: readonly W[]): z.ZodType<readonly W[]> {
  const remedy = `write some of ${words.join(', ')}`;
  const foreign = (word: unknown, at: DocPath): Problem | null =>
    (words as readonly unknown[]).includes(word)
      ? null
      : new Problem(`must be one of ${words.join(', ')}, not ${shown(word)}`, remedy, at);
  const schema = leaf<readonly W[]>((value) => {
    const keyed = isMapping(value) && !isKeyedList(value);
    const entries: readonly (readonly [unknown, unknown, DocPath])[] | undefined = keyed
      ? Object.entries(value).map(([word, on]) => [word, on, [word]])
      : itemsOf(value, true)?.map((word, i) => [word, true, typeof value === 'object' ? [i] : []]);
    if (!entries) return new Problem(`must be a list, not ${shown(value)}`, remedy);
    for (const [word, on, at] of entries) {
      const problem = foreign(word, at);
      if (problem) return problem;
      if (typeof on !== 'boolean')
        return new Problem(`must be true or false, not ${shown(on)}`, 'write true or false', at);
    }
    const chosen = new Set(entries.filter(([, on]) => on === true).map(([word]) => word));
    return chosen.size ? words.filter((w) => chosen.has(w)) : new Problem('is empty', remedy);
  });
  const properties = Object.fromEntries(words.map((word) => [word, { type: 'boolean' }]));
  return told(schema, {
    anyOf: [
      { enum: words },
      { type: 'array', items: { enum: words }, minItems: 1 },
      { type: 'object', properties },
    ],
  });
}

function isKeyedList(value: Mapping): boolean {
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => /^\d{1,6}$/.test(key));
}

function itemsOf(value: unknown, single: boolean): readonly unknown[] | null {
  if (Array.isArray(value)) return value;
  if (isMapping(value)) {
    if (Object.keys(value).length === 0) return [];
    if (isKeyedList(value))
      return Object.keys(value)
        .toSorted((a, b) => Number(a) - Number(b))
        .map((key) => value[key]);
  }
  if (value === null || value === undefined) return null;
  return single && !isMapping(value) ? [value] : null;
}
