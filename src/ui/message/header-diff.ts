/** What a filter did to a header, field by field: added, taken out, changed, refolded, moved; with positions. Pure. */
import type { HeaderField } from './fields.ts';
import { sequenceDiff } from './sequence-diff.ts';

export type FieldChange =
  | { readonly kind: 'same'; readonly after: HeaderField; readonly from: number; readonly to: number }
  | {
      readonly kind: 'added' | 'moved';
      readonly after: HeaderField;
      readonly from: number | null;
      readonly to: number;
    }
  | { readonly kind: 'removed'; readonly before: HeaderField; readonly from: number }
  | {
      readonly kind: 'changed' | 'refolded';
      readonly before: HeaderField;
      readonly after: HeaderField;
      readonly from: number;
      readonly to: number;
    };

/** Changes in the order of the result; what was taken out stands where it was. Positions count from 1. */
export function headerDiff(before: readonly HeaderField[], after: readonly HeaderField[]): FieldChange[] {
  const changes: FieldChange[] = [];
  let from = 0;
  let to = 0;
  for (const step of sequenceDiff(before, after, (a, b) => a.raw === b.raw)) {
    if (step.kind !== 'added') from++;
    if (step.kind !== 'removed') to++;
    if (step.kind === 'same') changes.push({ kind: 'same', after: step.after, from, to });
    else if (step.kind === 'added') changes.push({ kind: 'added', after: step.after, from: null, to });
    else changes.push({ kind: 'removed', before: step.before, from });
  }
  return joined(changes);
}

/** A removal and an addition that belong together become one change. */
function joined(changes: readonly FieldChange[]): FieldChange[] {
  const gone = new Set<FieldChange>();
  const find = (
    fits: (field: HeaderField) => boolean,
    near: number,
    reach: number,
  ): (FieldChange & { kind: 'removed' }) | undefined => {
    const found = changes.filter(
      (c): c is FieldChange & { kind: 'removed' } => c.kind === 'removed' && !gone.has(c) && fits(c.before),
    );
    return found.find((c) => sameBetween(changes, changes.indexOf(c), near) <= reach);
  };
  const result = changes.map((change, at): FieldChange => {
    if (change.kind !== 'added') return change;
    const { after, to } = change;
    const moved = find((field) => field.raw === after.raw, at, Infinity);
    if (moved) {
      gone.add(moved);
      return { kind: 'moved', after, from: moved.from, to };
    }
    const name = after.name.toLowerCase();
    const other = find((field) => field.name.toLowerCase() === name && name !== '', at, 3);
    if (!other) return change;
    gone.add(other);
    const refolded = squeezed(other.before.value) === squeezed(after.value);
    return { kind: refolded ? 'refolded' : 'changed', before: other.before, after, from: other.from, to };
  });
  return result.filter((change) => !gone.has(change));
}

/** Fields that were left alone between two places of the list. */
function sameBetween(changes: readonly FieldChange[], a: number, b: number): number {
  return changes.slice(Math.min(a, b), Math.max(a, b)).filter((change) => change.kind === 'same').length;
}

const squeezed = (value: string): string => value.replace(/\s+/g, ' ');
