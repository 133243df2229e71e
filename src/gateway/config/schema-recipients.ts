/**
 * `relay.recipients`: the recipients of our domains, a list in the configuration or the path of a file.
 *
 * A text is a path, a list is the recipients themselves. Entries are checked here; the file is read by whoever uses it.
 */
import { byteStringOf } from '#message';
import { Problem, shown } from './diagnostics.ts';
import { isMapping } from './document.ts';
import { leaf } from './leaves.ts';
import { Secret } from './secret.ts';

/** As written. Entries are byte strings. */
export type RecipientsSettings = { readonly file: string } | { readonly entries: readonly string[] };

const REMEDY = 'write the path of a file, or a list such as [info@example.org, "@example.net"]';

export const recipientsSettings = leaf<RecipientsSettings>((value) => {
  if (typeof value === 'string' && value !== '') return { file: value };
  const items = Array.isArray(value) ? (value as readonly unknown[]) : keyedItems(value);
  if (!items) return new Problem(`must be a path or a list, not ${shown(value)}`, REMEDY);
  const entries: string[] = [];
  for (const [i, item] of items.entries()) {
    const entry = item instanceof Secret ? item.open() : item;
    if (entry instanceof Problem) return entry;
    if (typeof entry !== 'string' || !isRecipient(entry))
      return new Problem(`${shown(entry)} is neither an address nor @ and a domain`, REMEDY, [i]);
    entries.push(byteStringOf(entry));
  }
  return { entries };
});

/** The keyed form of a list, by number. */
function keyedItems(value: unknown): readonly unknown[] | null {
  if (!isMapping(value)) return null;
  const keys = Object.keys(value);
  if (keys.length === 0 || keys.some((key) => !/^\d{1,6}$/.test(key))) return null;
  return keys.toSorted((a, b) => Number(a) - Number(b)).map((key) => value[key]);
}

/** A mailbox or `@domain`, as the look-up of recipients takes it. */
function isRecipient(text: string): boolean {
  return /^(?:[^\s@"<>()\\,;:[\]\x00-\x1f\x7f]{1,64}|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e]){1,62}")?@(?:[A-Za-z0-9_\u0080-\uffff](?:-*[A-Za-z0-9_\u0080-\uffff])*)(?:\.[A-Za-z0-9_\u0080-\uffff](?:-*[A-Za-z0-9_\u0080-\uffff])*)*$/.test(
    text,
  );
}
