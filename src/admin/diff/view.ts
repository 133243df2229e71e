/**
 * Before and after as the API gives it out: every step of the journal compared with the one before, and the sum of all.
 *
 * For each field that did not stay as it was it is told which filters did that. Pure.
 */
import { utf8Of, type HeaderField } from '#message';
import type { Changes, ChangeStep, EditRecord } from '#journal';
import { fieldChanges, fieldsOf, type FieldChange, type Place } from './fields.ts';
import { bodyDiff, type BodyDiff } from './lines.ts';

/** What one step, or all of them, made of a message. Bytes are base64. */
interface Difference {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly header: string;
  /** Recipients. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly fields: readonly FieldView[];
  readonly bodyDiff: BodyDiff | null;
}

/** A FieldChange in plain data. */
export interface FieldView {
  readonly kind: FieldChange['kind'];
  readonly name: string;
  readonly before: PlaceView | null;
  readonly after: PlaceView | null;
  readonly moved: boolean;
  /** The position that the filter gave when it inserted the field. */
  readonly asked: number | null;
  readonly by: readonly string[];
}

/** Where a field stands, its text, its bytes in base64. */
export interface PlaceView {
  readonly at: number;
  readonly value: string;
  readonly raw: string;
}

export interface ChangesView {
  readonly id: string;
  readonly original: {
    readonly sender: string;
    readonly recipients: readonly string[];
    readonly header: string;
    readonly body: string;
    readonly bodySize: number;
  };
  readonly steps: readonly (Difference & {
    readonly milter: string;
    readonly edits: readonly EditRecord[];
    readonly body: string | null;
    readonly bodySize: number;
  })[];
  readonly total: Difference;
}

/** A message, as far as a comparison needs it. */
interface Version {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly header: Uint8Array;
  readonly fields: readonly HeaderField[];
  readonly body: Uint8Array;
  readonly bodySize: number;
}

/** See above. */
export function changesView({ id, original, steps }: Changes): ChangesView {
  const first: Version = { ...original, fields: fieldsOf(original.header) };
  const track = new Track(first.fields.length);
  let now = first;
  const shown = steps.map((step) => {
    const next = versionAfter(now, step);
    const changes = fieldChanges(now.fields, next.fields);
    track.step(step.milter, changes);
    const asked = insertions(step.edits);
    const fields = changes.map((c) => fieldView(c, c.kind === 'kept' ? [] : [step.milter], asked(c)));
    const view = {
      ...difference(now, next, fields, step.body !== null),
      milter: step.milter,
      edits: step.edits,
    };
    now = next;
    return { ...view, body: step.body && base64(step.body), bodySize: step.bodySize };
  });
  const fields = fieldChanges(first.fields, now.fields).map((c) => fieldView(c, track.by(c), null));
  const { sender, recipients, header, body, bodySize } = original;
  return {
    id,
    original: { sender, recipients, header: base64(header), body: base64(body), bodySize },
    steps: shown,
    total: difference(
      first,
      now,
      fields,
      steps.some((s) => s.body !== null),
    ),
  };
}

/** The whole message, as it came or as the last filter left it; `cut`: bytes of its body that are not kept. */
export function messageOf(
  { original, steps }: Changes,
  which: 'original' | 'final',
): { readonly bytes: Uint8Array; readonly cut: number } {
  const last = which === 'final' ? steps.at(-1) : undefined;
  const made = which === 'final' ? steps.findLast((s) => s.body !== null) : undefined;
  const { body, bodySize } = made?.body ? { body: made.body, bodySize: made.bodySize } : original;
  const bytes = Buffer.concat([(last ?? original).header, Buffer.from('\r\n'), body]);
  return { bytes, cut: Math.max(0, bodySize - body.length) };
}

function versionAfter(before: Version, step: ChangeStep): Version {
  const { sender, recipients, header } = step;
  const body = step.body ?? before.body;
  const bodySize = step.body ? step.bodySize : before.bodySize;
  return { sender, recipients, header, fields: fieldsOf(header), body, bodySize };
}

function difference(a: Version, b: Version, fields: readonly FieldView[], newBody: boolean): Difference {
  const more = a.body.length < a.bodySize || b.body.length < b.bodySize;
  const diff = newBody ? bodyDiff(a.body, b.body, more) : null;
  return {
    sender: b.sender,
    recipients: b.recipients,
    header: base64(b.header),
    added: b.recipients.filter((r) => !a.recipients.includes(r)),
    removed: a.recipients.filter((r) => !b.recipients.includes(r)),
    fields,
    bodyDiff: diff && { ...diff, hunks: diff.hunks.map((h) => ({ ...h, lines: h.lines.map(lineText) })) },
  };
}

/** A change of a field in plain data. */
export function fieldView(c: FieldChange, by: readonly string[], asked: number | null): FieldView {
  const { kind, name, moved } = c;
  return {
    kind,
    name: utf8Of(name),
    before: placeView(c.before),
    after: placeView(c.after),
    moved,
    asked,
    by,
  };
}

function placeView(place: Place | null): PlaceView | null {
  return place && { at: place.at, value: utf8Of(place.field.text()), raw: base64(place.field.raw) };
}

/** Finds the position that a filter gave for a field which is new; each edit is used once. */
function insertions(edits: readonly EditRecord[]): (change: FieldChange) => number | null {
  const left = edits.filter((e) => e.kind === 'insertHeader');
  const plain = (text: string): string => text.replace(/\s+/g, ' ').trim();
  return ({ kind, name, after }) => {
    if (kind !== 'added') return null;
    const value = plain(utf8Of(after!.field.text()));
    // What the journal keeps of a value may be cut.
    const at = left.findIndex((e) => e.name === name && value.startsWith(plain(e.value ?? '').slice(0, 200)));
    return at < 0 ? null : (left.splice(at, 1)[0]!.index ?? null);
  };
}

/** Follows every field through the steps: who touched it, and who took it away. */
class Track {
  /** Of the header now: where each field stood at first, -1 when it is new; and who touched it. */
  #fields: readonly { readonly from: number; readonly by: readonly string[] }[];
  readonly #removed = new Map<number, readonly string[]>();

  constructor(count: number) {
    this.#fields = Array.from({ length: count }, (_, from) => ({ from, by: [] }));
  }

  step(milter: string, changes: readonly FieldChange[]): void {
    const next: { from: number; by: readonly string[] }[] = [];
    for (const { kind, before, after } of changes) {
      const was = before ? this.#fields[before.at]! : { from: -1, by: [] };
      const by = kind === 'kept' || was.by.includes(milter) ? was.by : [...was.by, milter];
      if (after) next[after.at] = { from: was.from, by };
      else if (was.from >= 0) this.#removed.set(was.from, by);
    }
    this.#fields = next;
  }

  /** Of a change between the first and the last header. */
  by({ kind, before, after }: FieldChange): readonly string[] {
    if (kind === 'kept') return [];
    return after ? this.#fields[after.at]!.by : (this.#removed.get(before!.at) ?? []);
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** A marked line as text, its line end left out. */
const lineText = (line: string): string => utf8Of(line.replace(/\r?\n$/, ''));
