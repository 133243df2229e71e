/** A held message goes through the filters once more; those that are to be skipped are left out. */
import { resubmit, type Resubmitted } from '#intake';
import { printable, statusLine, utf8Of } from '#message';
import type { NewEntry } from '#spool';
import type { StageSurroundings } from '#stages';
import type { ActResult } from './acts.ts';

/** The filters that messages accepted now would meet. */
export interface FilterRoom {
  /** Called per message: a reload may have changed them. */
  readonly around: () => StageSurroundings;
}

/** The entry to be queued, or why it stays held. Never rejects for what a filter does. */
export async function throughFilters(
  { around }: FilterRoom,
  skip: readonly string[],
  what: Resubmitted,
): Promise<{ readonly entry: NewEntry } | Pick<ActResult, 'result' | 'detail'>> {
  const all = around();
  const names = all.filters.map((filter) => filter.settings.name);
  const unknown = skip.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const detail = `there is no filter ${printable(unknown, 64)}; there are ${names.join(', ') || 'none'}`;
    return { result: 'unfit', detail };
  }
  const filters = all.filters.filter((filter) => !skip.includes(filter.settings.name));
  const said = await resubmit({ ...all, filters }, what);
  switch (said.kind) {
    case 'pass':
      return { entry: said.entry };
    case 'hold':
      return refused(`${said.by} holds it again: ${said.reason}`);
    case 'discard':
      return refused(`${said.by} would throw it away`);
    case 'refuse':
      return refused(`${said.status.by} says ${statusLine(said.status)}`);
  }
}

function refused(detail: string): Pick<ActResult, 'result' | 'detail'> {
  return { result: 'refused', detail: printable(utf8Of(detail), 300) };
}
