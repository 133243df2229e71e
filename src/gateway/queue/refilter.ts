/** A held message goes through the filters once more; those that are to be skipped are left out. */
import { resubmit, type Resubmission, type Resubmitted } from '#intake';
import { printable, statusLine, utf8Of } from '#message';
import type { NewEntry } from '#spool';
import type { StageSurroundings } from '#stages';
import type { ActResult } from './acts.ts';

/** The filters that messages accepted now would meet. */
export interface FilterRoom {
  /** Called per message: a reload may have changed them. */
  readonly around: () => StageSurroundings;
}

/** What the filters would say of a held message. */
export interface Rescan {
  readonly id: string;
  /** `pass`, `hold`, `refuse` and `discard` are the filters' words; with the others they were not asked, or failed. */
  readonly verdict: 'pass' | 'hold' | 'refuse' | 'discard' | 'absent' | 'unfit' | 'failed';
  /** In one sentence; '' when they let it pass. */
  readonly detail: string;
  /** With `pass`: its header now and as it would go on, and who it would go to. */
  readonly passed?: {
    readonly before: Uint8Array;
    readonly after: Uint8Array;
    readonly to: readonly string[];
  };
}

/** The entry to be queued, or why it stays held. Never rejects for what a filter does. */
export async function throughFilters(
  room: FilterRoom,
  skip: readonly string[],
  what: Resubmitted,
): Promise<{ readonly entry: NewEntry } | Pick<ActResult, 'result' | 'detail'>> {
  const said = await asked(room, skip, what);
  if ('unknown' in said) return { result: 'unfit', detail: said.unknown };
  return said.kind === 'pass' ? { entry: said.entry } : { result: 'refused', detail: inWords(said) };
}

/** The same without wanting the entry. */
export async function askAgain(
  room: FilterRoom,
  skip: readonly string[],
  what: Resubmitted,
): Promise<Omit<Rescan, 'id'>> {
  const said = await asked(room, skip, what);
  if ('unknown' in said) return { verdict: 'unfit', detail: said.unknown };
  if (said.kind !== 'pass') return { verdict: said.kind, detail: inWords(said) };
  const { header, meta } = said.entry;
  const to = meta.recipients.map((r) => utf8Of(r.address));
  return { verdict: 'pass', detail: '', passed: { before: what.content.header, after: header, to } };
}

async function asked(
  { around }: FilterRoom,
  skip: readonly string[],
  what: Resubmitted,
): Promise<Resubmission | { readonly unknown: string }> {
  const all = around();
  const names = all.filters.map((filter) => filter.settings.name);
  const unknown = skip.find((name) => !names.includes(name));
  if (unknown !== undefined)
    return {
      unknown: `there is no filter ${printable(unknown, 64)}; there are ${names.join(', ') || 'none'}`,
    };
  const filters = all.filters.filter((filter) => !skip.includes(filter.settings.name));
  return resubmit({ ...all, filters }, what);
}

function inWords(said: Exclude<Resubmission, { readonly kind: 'pass' }>): string {
  switch (said.kind) {
    case 'hold':
      return harmless(`${said.by} holds it again: ${said.reason}`);
    case 'discard':
      return harmless(`${said.by} would throw it away`);
    case 'refuse':
      return harmless(`${said.status.by} says ${statusLine(said.status)}`);
  }
}

const harmless = (text: string): string => printable(utf8Of(text), 300);
