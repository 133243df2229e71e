/**
 * What became of each header field: by field, not by line, with its places before and after.
 *
 * Applied to the fields before, the changes give the fields after, to the byte. Pure; never throws. Linear but for a bounded table.
 */
import { HeaderSplitter, latin1, type HeaderField } from '#message';
import { common } from './common.ts';

/** A field and where it stands in its header, from 0. */
export interface Place {
  readonly at: number;
  readonly field: HeaderField;
}

/** One field's fate. `before` null: it was added; `after` null: it was removed. */
export interface FieldChange {
  /** `moved`: the same bytes elsewhere; `refolded`: the same text in other lines or with other blanks; `changed`: another text. */
  readonly kind: 'kept' | 'moved' | 'refolded' | 'changed' | 'added' | 'removed';
  readonly name: string;
  readonly before: Place | null;
  readonly after: Place | null;
  /** A refolded or changed field that does not stand where it stood, seen from those that were kept. */
  readonly moved: boolean;
}

/** Fields of a header block; lines that are none are left out, as the splitter does. */
export function fieldsOf(header: Uint8Array): readonly HeaderField[] {
  const fields: HeaderField[] = [];
  const splitter = new HeaderSplitter();
  splitter.push(header, fields);
  splitter.end(fields);
  return fields;
}

/** Compares two headers; in the order of the header after, removed fields where they stood. */
export function fieldChanges(
  before: readonly HeaderField[],
  after: readonly HeaderField[],
): readonly FieldChange[] {
  const [a, b] = [before.map((f) => latin1(f.raw)), after.map((f) => latin1(f.raw))];
  const partner = new Map<number, number>();
  const kept = common(a, b);
  const keptAt = new Set<number>();
  for (const [i, j] of kept) {
    partner.set(j, i);
    keptAt.add(j);
  }
  const left = { before: rest(before.length, new Set(partner.values())), after: rest(after.length, keptAt) };
  for (const key of [raws, texts, names]) pair(left, partner, before.map(key), after.map(key));
  const gone = left.before;
  const changes: FieldChange[] = [];
  let anchor = -1; // the kept field before this one, in the header before
  let keptSeen = 0;
  const giveGone = (until: number): void => {
    for (; gone.length > 0 && gone[0]! < until;) {
      const at = gone.shift()!;
      changes.push(change('removed', { at, field: before[at]! }, null, false));
    }
  };
  after.forEach((field, j) => {
    const i = partner.get(j);
    const place = { at: j, field };
    const next = kept[keptSeen]?.[0] ?? before.length;
    if (i === undefined) {
      giveGone(next);
      changes.push(change('added', null, place, false));
      return;
    }
    const from = { at: i, field: before[i]! };
    if (keptAt.has(j)) {
      giveGone(i);
      anchor = i;
      keptSeen++;
      changes.push(change('kept', from, place, false));
      return;
    }
    const moved = i < anchor || i > next;
    if (!moved) giveGone(i);
    const same = a[i] === b[j];
    const kind = same ? 'moved' : texts(from.field) === texts(field) ? 'refolded' : 'changed';
    changes.push(change(kind, from, place, same || moved));
  });
  giveGone(before.length);
  return changes;
}

/** The fields after, from those before. */
export function applyFields(
  before: readonly HeaderField[],
  changes: readonly FieldChange[],
): readonly HeaderField[] {
  return changes
    .filter((c) => c.after !== null)
    .toSorted((a, b) => a.after!.at - b.after!.at)
    .map((c) => (c.kind === 'kept' || c.kind === 'moved' ? before[c.before!.at]! : c.after!.field));
}

const raws = (field: HeaderField): string => latin1(field.raw);
/** Name and text, whatever blanks and line ends are between its words. */
const texts = (field: HeaderField): string =>
  `${field.key}:${field
    .text()
    .replace(/[ \t]+/g, ' ')
    .trim()}`;
const names = (field: HeaderField): string => field.key;

/** Pairs what is left by a key, the first with the first. */
function pair(
  left: { before: number[]; after: number[] },
  partner: Map<number, number>,
  a: readonly string[],
  b: readonly string[],
): void {
  const waiting = new Map<string, number[]>();
  for (const i of left.before) {
    const same = waiting.get(a[i]!);
    if (same) same.push(i);
    else waiting.set(a[i]!, [i]);
  }
  const taken = new Set<number>();
  left.after = left.after.filter((j) => {
    const i = waiting.get(b[j]!)?.shift();
    if (i === undefined) return true;
    partner.set(j, i);
    taken.add(i);
    return false;
  });
  left.before = left.before.filter((i) => !taken.has(i));
}

const rest = (count: number, without: ReadonlySet<number>): number[] =>
  Array.from({ length: count }, (_, i) => i).filter((i) => !without.has(i));

function change(
  kind: FieldChange['kind'],
  before: Place | null,
  after: Place | null,
  moved: boolean,
): FieldChange {
  return { kind, name: (after ?? before)!.field.name, before, after, moved };
}
