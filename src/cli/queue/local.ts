/**
 * The queue on disk, looked at: it changes nothing and works beside anybody, a running gateway and a full disk included.
 *
 * Rejects with SpoolError; with EndError for what cannot be understood. What needs more than the spool is loaded when it is asked for.
 */
import type { Trail } from '#gateway';
import type { Config } from '#gateway/config';
import type { NoticeSink } from '#notices';
import { openLmdbReader, queueLine, type EntryState, type SpoolStore } from '#spool';
import { EndError, type QueueEnd } from './end.ts';

/** Entries read at once. */
const PAGE = 500;
const STATE = /^state=(queued|leased|held)$/;

/** Where entries are read from. */
export type Looked = Pick<SpoolStore, 'list' | 'get' | 'content'>;

/** The part of an end that only looks. */
export type Looking = Pick<QueueEnd, 'list' | 'show' | 'bytes' | 'stats' | 'shape'>;
export type LookingAtHeld = Pick<QueueEnd, 'held' | 'look' | 'trail'>;

/** Opens the spool of a configuration whose engine keeps it on disk, for looking. */
export async function localReader(config: Config, notices: NoticeSink): Promise<QueueEnd> {
  const dir = config.spool.engine === 'lmdb' ? config.spool.dir : '';
  const store = await openLmdbReader({ dir, notices });
  const no = (): never => {
    throw new EndError('request_failed', 'the spool was opened for looking only');
  };
  const held = async (): Promise<LookingAtHeld> => {
    const { openTrail, systemClock } = await import('#gateway');
    const trail = openTrail(config, { clock: systemClock, notices });
    return lookingAtHeld({ store, trail, holdExpire: () => config.delivery.holdExpire });
  };
  return {
    ...lookingAt(store),
    async *held(where) {
      yield* (await held()).held(where);
    },
    look: async (id) => (await held()).look(id),
    trail: async (id) => (await held()).trail(id),
    async suspensions() {
      const { openSuspensions, suspensionLine, systemClock } = await import('#gateway');
      const suspensions = openSuspensions(config, { clock: systemClock, notices });
      await suspensions.refresh();
      return suspensions.list().map(suspensionLine);
    },
    orders: no,
    rescan: no,
    note: no,
    suspend: no,
    resume: no,
    close: () => store.close(),
  };
}

/** Everything there is to look at in a store. */
export function lookingAt(store: Looked): Looking {
  return {
    async *list(where) {
      const state = where.length === 1 ? STATE.exec(where[0]!)?.[1] : undefined;
      if (where.length === 0 || state !== undefined) return yield* pages(store, state as EntryState);
      const { matching, systemClock } = await import('#gateway');
      for await (const page of matching(store, await whereOf(where), systemClock)) yield page.map(queueLine);
    },
    show: async (id) => {
      const entry = await store.get(id);
      return entry && queueLine(entry);
    },
    async bytes(id, part) {
      const content = await store.content(id);
      if (!content) return null;
      const { header, body } = content;
      return (async function* () {
        yield header;
        if (part === 'header') return;
        yield new Uint8Array([13, 10]);
        yield* body.read();
      })();
    },
    async stats(where) {
      const { statsOf, systemClock } = await import('#gateway');
      return statsOf(store, await whereOf(where), systemClock);
    },
    async shape(where, by) {
      const { shapeOf, systemClock } = await import('#gateway');
      return shapeOf(store, await whereOf(where), by, systemClock);
    },
  };
}

/** What there is to look at of held mail. */
export function lookingAtHeld({
  store,
  trail,
  holdExpire,
}: {
  readonly store: Looked;
  readonly trail: Pick<Trail, 'notes' | 'of'>;
  readonly holdExpire: () => number;
}): LookingAtHeld {
  return {
    async *held(where) {
      const { heldLines, matching, systemClock } = await import('#gateway');
      const conditions = await whereOf(['state=held', ...where]);
      for await (const page of matching(store, conditions, systemClock))
        yield heldLines({ store, trail, holdExpire }, page);
    },
    async look(id) {
      const { lookInto } = await import('#gateway');
      return lookInto(store, id);
    },
    trail: (id) => trail.of(id),
  };
}

async function* pages(store: Looked, state: EntryState | undefined) {
  let after: string | undefined;
  do {
    const page = await store.list({
      limit: PAGE,
      ...(after !== undefined && { after }),
      ...(state && { state }),
    });
    if (page.length > 0) yield page.map(queueLine);
    after = page.length < PAGE ? undefined : page.at(-1)!.id;
  } while (after !== undefined);
}

/** Conditions as they are asked; rejects with EndError for those that are none. */
export async function whereOf(conditions: readonly string[]) {
  const { parseWhere } = await import('#gateway');
  const where = parseWhere(conditions);
  if ('trouble' in where) throw new EndError('request_refused', where.trouble);
  return where;
}
