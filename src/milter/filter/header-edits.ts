/**
 * Intent to protocol edits: which frames, with which indexes, in which order, make the header the author asked for.
 *
 * The order is right for Postfix, whose indexes shift with every edit, and for Sendmail, which still counts what was deleted
 * in the same answer (milter reference 12.1 to 12.3): insertions from the bottom up while nothing is deleted yet, then changed
 * values, then deletions from the highest index of a name down, then new last fields, and last what goes above the MTA's own
 * trace field, because from then on that field counts as well. Pure; never fails.
 */
import type { Edit } from '#milter/protocol';
import type { HeaderList, Slot } from './headers.ts';

/** Beyond every header: both MTAs append. ADDHEADER would stand before the first of its name in Sendmail. */
const LAST = 0x7fff_ffff;

/** How values are to be written: what was negotiated. */
export interface HeaderTerms {
  /** HDR_LEADSPC: a value brings its own space. */
  readonly leadingSpace: boolean;
  /** ADDHDRS was granted; without it a new field is made by a change beyond the count. */
  readonly mayAdd: boolean;
}

/** The edits, in the order in which they must be sent. */
export function headerEdits(list: HeaderList, terms: HeaderTerms): Edit[] {
  const { slots, top } = list;
  const written = (wire: string): string => (terms.leadingSpace && !/^[ \t]/.test(wire) ? ' ' + wire : wire);
  const lastSeen = slots.findLastIndex((s) => s.seen);
  const middle = slots.slice(0, lastSeen + 1);
  const edits: Edit[] = [];

  let before = middle.filter((s) => s.seen).length;
  for (const s of middle.toReversed()) {
    if (s.seen) before--;
    else edits.push({ kind: 'insertHeader', index: before + 1, name: s.name, value: written(s.wire) });
  }
  const numbers = numbered(middle);
  for (const s of middle)
    // A change to '' would delete (12.2), so an empty value is written as one space.
    if (s.change !== null && !s.removed)
      edits.push({
        kind: 'changeHeader',
        index: numbers.get(s)!,
        name: s.name,
        value: written(s.change) || ' ',
      });
  for (const s of middle.toReversed())
    if (s.removed) edits.push({ kind: 'changeHeader', index: numbers.get(s)!, name: s.name, value: '' });

  // The MTA's own trace field is a Received that nobody sees.
  const names = new Set(['received']);
  for (const s of middle) if (!s.removed) names.add(s.name.toLowerCase());
  for (const s of slots.slice(lastSeen + 1)) {
    const value = written(s.wire);
    const key = s.name.toLowerCase();
    if (!terms.mayAdd) edits.push({ kind: 'changeHeader', index: 1, name: s.name, value: value || ' ' });
    else if (names.has(key)) edits.push({ kind: 'insertHeader', index: LAST, name: s.name, value });
    else edits.push({ kind: 'addHeader', name: s.name, value });
    names.add(key);
  }
  for (const s of top.toReversed())
    edits.push({ kind: 'insertHeader', index: 0, name: s.name, value: written(s.wire) });
  return edits;
}

/** The number of each field among those of its name, from 1. */
function numbered(slots: readonly Slot[]): Map<Slot, number> {
  const counts = new Map<string, number>();
  const numbers = new Map<Slot, number>();
  for (const s of slots) {
    const key = s.name.toLowerCase();
    const n = (counts.get(key) ?? 0) + 1;
    counts.set(key, n);
    numbers.set(s, n);
  }
  return numbers;
}
