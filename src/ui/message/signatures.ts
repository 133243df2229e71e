/** What the filters' edits mean for DKIM signatures that came with the message. Pure; it verifies nothing, it reads which fields they name. */
import type { FieldChange } from './header-diff.ts';
import type { Difference } from './differences.ts';

export interface SignatureNote {
  readonly tone: 'good' | 'warn' | 'calm';
  readonly text: string;
}

/** One sentence about all filters together; `differences` ends with the sum. */
export function signatureNote(differences: readonly Difference[]): SignatureNote {
  const whole = differences.at(-1);
  const signatures = whole?.fields.flatMap((change) => signatureIn(change)) ?? [];
  if (signatures.length === 0) return { tone: 'calm', text: 'It came without a DKIM signature.' };
  const signed = new Set(
    signatures.flatMap((value) =>
      (/\bh=([^;]*)/i.exec(value)?.[1] ?? '')
        .toLowerCase()
        .split(':')
        .map((name) => name.trim()),
    ),
  );
  for (const each of differences.slice(0, -1)) {
    if (each.body !== null)
      return {
        tone: 'warn',
        text: `DKIM: “${each.milter}” replaced the body, so the signature that came with it no longer holds.`,
      };
    const broken = each.fields.find((change) => breaks(change, signed));
    if (broken)
      return {
        tone: 'warn',
        text: `DKIM: “${each.milter}” changed the field ${nameOf(broken)}, which the signature covers: it no longer holds.`,
      };
  }
  return { tone: 'good', text: 'DKIM: no filter changed what the signature covers.' };
}

function signatureIn(change: FieldChange): string[] {
  if (change.kind === 'added') return [];
  const field =
    change.kind === 'removed' || change.kind === 'changed' || change.kind === 'refolded'
      ? change.before
      : change.after;
  return field.name.toLowerCase() === 'dkim-signature' ? [field.value] : [];
}

const nameOf = (change: FieldChange): string =>
  change.kind === 'removed' ? change.before.name : change.after.name;

function breaks(change: FieldChange, signed: ReadonlySet<string>): boolean {
  return (
    (change.kind === 'changed' || change.kind === 'refolded' || change.kind === 'removed') &&
    signed.has(nameOf(change).toLowerCase())
  );
}
