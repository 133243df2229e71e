/** Walks a table in small steps that let the event loop go on, without keeping a snapshot of lmdb open meanwhile. */
import { Pace } from './pace.ts';
import { keyOf, type Table, type Tables } from './tables.ts';

/** Records read in one go. */
const STEP = 100;

/** Where to walk: from `from` (not itself) towards `to` (itself too); `reverse`: from later to earlier keys. '' is no bound. */
export interface Span {
  readonly from: string;
  readonly to: string;
  readonly reverse: boolean;
}

/** Keys and values in order. Values are copies. */
export async function* walk(
  tables: Tables,
  table: Table,
  span: Span,
): AsyncGenerator<readonly [string, Buffer]> {
  const pace = new Pace();
  let { from } = span;
  for (;;) {
    tables.freshen();
    const some = read(table, { ...span, from });
    for (const entry of some) {
      yield entry;
      await pace.rest();
    }
    if (some.length < STEP) return;
    from = some.at(-1)![0];
  }
}

function read(table: Table, { from, to, reverse }: Span): (readonly [string, Buffer])[] {
  const found: (readonly [string, Buffer])[] = [];
  const range = table.getRange({
    reverse,
    limit: STEP + 1,
    ...(from !== '' && { start: keyOf(from) }),
    snapshot: false,
  });
  for (const { key, value } of range) {
    const text = key.toString('latin1');
    if (text === from) continue;
    if (to !== '' && (reverse ? text < to : text > to)) break;
    if (found.length < STEP) found.push([text, value]);
  }
  return found;
}
