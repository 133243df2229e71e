/**
 * Orders about many entries: by id, or all that match; in order of id, some at a time, one result for each as it comes.
 *
 * Which ones match is settled first, so that entries that come while it goes on (notices, released ones) are not concerned.
 * Memory is one page and the ids that match, however long the queue is.
 */
import type { Clock } from '#clock';
import { ENTRY_ID, type EntryMeta, type EntryState } from '#spool';
import type { ActResult } from './acts.ts';
import type { Where } from './where.ts';

/** Which entries are meant. */
export type Selection = { readonly ids: readonly string[] } | { readonly where: Where };

/** Ids named in one order. */
export const MAX_IDS = 10_000;
/** Entries read at once, and orders carried out at once. */
const PAGE = 512;
const AT_ONCE = 64;

/** As much of a store as listing needs. */
export interface Listed {
  list(options: {
    readonly after?: string;
    readonly limit: number;
    readonly state?: EntryState;
  }): Promise<readonly EntryMeta[]>;
  get(id: string): Promise<EntryMeta | null>;
}

/** Entries that match, oldest first, some at a time. */
export async function* matching(
  store: Listed,
  where: Where,
  clock: Pick<Clock, 'now'>,
): AsyncGenerator<readonly EntryMeta[]> {
  if (where.id !== null) {
    const entry = await store.get(where.id);
    if (entry && where.holds(entry, clock.now())) yield [entry];
    return;
  }
  let after = '';
  for (;;) {
    const options = { limit: PAGE, ...(after && { after }), ...(where.state && { state: where.state }) };
    const page = await store.list(options);
    const now = clock.now();
    const found = page.filter((entry) => where.holds(entry, now));
    if (found.length > 0) yield found;
    if (page.length < PAGE) return;
    after = page.at(-1)!.id;
  }
}

/** Carries `order` out on each entry of the selection, until `ended` says that no more is wanted. A text that cannot be an id is answered as absent, unseen by anybody. */
export async function* onEach(
  store: Listed,
  selection: Selection,
  order: (id: string) => Promise<ActResult>,
  clock: Pick<Clock, 'now'>,
  ended: () => boolean = () => false,
): AsyncGenerator<ActResult> {
  const orderOrAbsent = async (id: string): Promise<ActResult> =>
    ENTRY_ID.test(id) ? order(id) : { id, result: 'absent', detail: 'there is no such entry' };
  const ids = await idsOf(store, selection, clock);
  for (let at = 0; at < ids.length && !ended(); at += AT_ONCE)
    yield* await Promise.all(ids.slice(at, at + AT_ONCE).map(orderOrAbsent));
}

/** The ids of a selection, each once. */
export async function idsOf(
  store: Listed,
  selection: Selection,
  clock: Pick<Clock, 'now'>,
): Promise<readonly string[]> {
  if ('ids' in selection) return [...new Set(selection.ids)];
  const ids: string[] = [];
  for await (const page of matching(store, selection.where, clock)) for (const { id } of page) ids.push(id);
  return ids;
}
