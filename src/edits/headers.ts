/**
 * Header edits of a filter: bound to the fields it saw, then applied.
 *
 * Binding turns a filter's positions ("the second Subject", "insert at 3") into operations on field objects, counted over
 * what that filter saw, its own earlier edits included. Applying runs such operations, of one filter or of several in
 * configured order, over the message. Because operations name objects, filters that worked side by side cannot shift each
 * other's positions. Rules: milter reference 12.1 and 12.2, Postfix's counting. Pure; never throws: bad text was refused
 * when the field was made.
 */
import type { HeaderField } from '#message';

/** A header edit whose new field has been made already. */
export type FieldEdit =
  | { readonly kind: 'add'; readonly field: HeaderField }
  /** Position in the message as delivered, own trace field included; beyond the end appends. */
  | { readonly kind: 'insert'; readonly index: number; readonly field: HeaderField }
  /** The `index`-th field (1 = first, 0 is taken as 1) called `name` among those filters see. null deletes. */
  | {
      readonly kind: 'change';
      readonly index: number;
      readonly name: string;
      readonly field: HeaderField | null;
    };

/** An operation on field objects. */
export type HeaderOperation =
  /** Directly after `after`; null = at the very top. */
  | { readonly kind: 'insertAfter'; readonly after: HeaderField | null; readonly field: HeaderField }
  | { readonly kind: 'append'; readonly field: HeaderField }
  | { readonly kind: 'replace'; readonly target: HeaderField; readonly field: HeaderField }
  | { readonly kind: 'remove'; readonly target: HeaderField };

/** A place in the header: `id` is the field first put there, by which operations name it; `now` what stands there. */
interface Slot {
  readonly id: HeaderField;
  now: HeaderField | null;
}

/** Binds one filter's header edits, in the order it sent them, to the fields it saw (`seen`, own trace field included). */
export function bindHeaderEdits(
  seen: readonly HeaderField[],
  edits: readonly FieldEdit[],
): HeaderOperation[] {
  const slots: Slot[] = seen.map((f) => ({ id: f, now: f }));
  const operations: HeaderOperation[] = [];
  for (const edit of edits) {
    const operation = bind(slots, edit);
    if (operation === null) continue;
    operations.push(operation);
    perform(slots, operation);
  }
  return operations;
}

/**
 * The header block after the operations of several filters, given in configured order. A later filter's change to a field
 * that an earlier one removed has no effect; two changes of one field: the later one stands.
 */
export function applyHeaderOperations(
  fields: readonly HeaderField[],
  filters: readonly (readonly HeaderOperation[])[],
): readonly HeaderField[] {
  if (filters.every((operations) => operations.length === 0)) return fields;
  const slots: Slot[] = fields.map((f) => ({ id: f, now: f }));
  for (const operations of filters) for (const operation of operations) perform(slots, operation);
  return slots.flatMap((s) => (s.now ? [s.now] : []));
}

function bind(slots: readonly Slot[], edit: FieldEdit): HeaderOperation | null {
  switch (edit.kind) {
    case 'add':
      return { kind: 'append', field: edit.field };
    case 'insert': {
      const live = slots.filter((s) => s.now !== null);
      if (edit.index >= live.length) return { kind: 'append', field: edit.field };
      return {
        kind: 'insertAfter',
        after: edit.index === 0 ? null : live[edit.index - 1]!.id,
        field: edit.field,
      };
    }
    case 'change': {
      const target = nth(slots, edit.name, Math.max(1, edit.index));
      if (target === null) return edit.field === null ? null : { kind: 'append', field: edit.field };
      if (edit.field === null) return { kind: 'remove', target };
      return { kind: 'replace', target, field: edit.field };
    }
  }
}

/** The n-th visible field of a name; deleted ones no longer count, replaced ones count by their new name. */
function nth(slots: readonly Slot[], name: string, n: number): HeaderField | null {
  const key = name.toLowerCase();
  let left = n;
  for (const slot of slots) {
    if (slot.now === null || slot.now.own || slot.now.key !== key) continue;
    if (--left === 0) return slot.id;
  }
  return null;
}

/** An operation names a place by the field that stood there first, or by what an earlier filter replaced it with. */
const names = (slot: Slot, field: HeaderField): boolean => slot.id === field || slot.now === field;

function perform(slots: Slot[], operation: HeaderOperation): void {
  switch (operation.kind) {
    case 'append':
      slots.push({ id: operation.field, now: operation.field });
      return;
    case 'insertAfter': {
      const { after, field } = operation;
      const at = after === null ? 0 : slots.findIndex((s) => names(s, after)) + 1;
      slots.splice(at, 0, { id: field, now: field });
      return;
    }
    case 'replace':
    case 'remove': {
      const { target } = operation;
      const slot = slots.find((s) => names(s, target));
      if (slot && slot.now !== null) slot.now = operation.kind === 'replace' ? operation.field : null;
      return;
    }
  }
}
