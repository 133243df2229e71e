/** From the states that a message went through to what each filter changed. Pure. */
import type { Changes } from '../api/shapes.ts';
import { bytesOf, textOf } from './bytes.ts';
import { fieldsOf } from './fields.ts';
import { headerDiff, type FieldChange } from './header-diff.ts';
import { sequenceDiff } from './sequence-diff.ts';

/** A name no filter has: the sum of all. */
export const ALL = ' all ';

export interface BodyLine {
  readonly kind: 'same' | 'added' | 'removed' | 'skipped';
  readonly text: string;
}
export interface Difference {
  readonly milter: string;
  readonly sender: { readonly before: string; readonly after: string } | null;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly fields: readonly FieldChange[];
  /** null: the body was left alone. */
  readonly body: readonly BodyLine[] | null;
  /** Which filter did it, by the changed field's raw text; only in the sum. */
  readonly authors: ReadonlyMap<string, string>;
}

interface State {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly header: string;
  readonly body: string;
}

/** One for each filter that changed something, and the sum of all as the last. */
export function differencesOf({ original, steps }: Pick<Changes, 'original' | 'steps'>): Difference[] {
  const first: State = {
    sender: original.sender,
    recipients: original.recipients,
    header: textOf(bytesOf(original.header)),
    body: textOf(bytesOf(original.body)),
  };
  let before = first;
  const authors = new Map<string, string>();
  const found = steps.map((step): Difference => {
    const after: State = {
      sender: step.sender,
      recipients: step.recipients,
      header: textOf(bytesOf(step.header)),
      body: step.body === null ? before.body : textOf(bytesOf(step.body)),
    };
    const difference = between(step.milter, before, after, step.body !== null);
    for (const change of difference.fields)
      if (change.kind !== 'same')
        authors.set(change.kind === 'removed' ? change.before.raw : change.after.raw, step.milter);
    before = after;
    return difference;
  });
  if (found.length === 0) return [];
  const sum = between(
    ALL,
    first,
    before,
    steps.some((step) => step.body !== null),
  );
  return [...found, { ...sum, authors }];
}

function between(milter: string, before: State, after: State, bodyChanged: boolean): Difference {
  return {
    milter,
    sender: before.sender === after.sender ? null : { before: before.sender, after: after.sender },
    added: after.recipients.filter((each) => !before.recipients.includes(each)),
    removed: before.recipients.filter((each) => !after.recipients.includes(each)),
    fields: headerDiff(fieldsOf(before.header), fieldsOf(after.header)),
    body: bodyChanged ? bodyDiff(before.body, after.body) : null,
    authors: new Map(),
  };
}

/** Lines around a change that are shown. */
const AROUND = 3;
/** Lines of a body that are compared. */
const MOST_LINES = 5000;

/** Changed lines with some around them. */
export function bodyDiff(before: string, after: string): BodyLine[] {
  const linesOf = (text: string): string[] => text.split(/\r?\n/).slice(0, MOST_LINES);
  const steps = sequenceDiff(linesOf(before), linesOf(after), (a, b) => a === b);
  const near = new Uint8Array(steps.length);
  for (const [i, step] of steps.entries())
    if (step.kind !== 'same') near.fill(1, Math.max(0, i - AROUND), i + AROUND + 1);
  const lines: BodyLine[] = [];
  let skipped = 0;
  const flush = (): void => {
    if (skipped > 0)
      lines.push({ kind: 'skipped', text: `${skipped} unchanged ${skipped === 1 ? 'line' : 'lines'}` });
    skipped = 0;
  };
  for (const [i, step] of steps.entries()) {
    if (!near[i]) {
      skipped++;
      continue;
    }
    flush();
    if (step.kind === 'same') lines.push({ kind: 'same', text: step.after });
    else if (step.kind === 'added') lines.push({ kind: 'added', text: step.after });
    else lines.push({ kind: 'removed', text: step.before });
  }
  flush();
  return lines;
}
