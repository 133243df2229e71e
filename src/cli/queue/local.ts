/**
 * The queue on disk, without a gateway: looking changes nothing and works beside anybody; orders want the spool alone.
 *
 * Rejects with SpoolError; with EndError for what cannot be understood.
 */
import { actOf } from '#admin';
import {
  matching,
  NOT_SUSPENDED,
  onEach,
  openDesk,
  openSuspensions,
  operatorOf,
  parseWhere,
  shapeOf,
  statsOf,
  suspensionLine,
  systemClock,
  type ActResult,
  type OpenDesk,
  type Where,
} from '#gateway';
import type { Config } from '#gateway/config';
import type { NoticeSink } from '#notices';
import { openLmdbReader, queueLine, type SpoolReader } from '#spool';
import { EndError, type QueueEnd } from './end.ts';

/** Opens the spool of a configuration whose engine keeps it on disk; `write`: for orders too. */
export async function localEnd(
  config: Config,
  write: boolean,
  who: string,
  notices: NoticeSink,
): Promise<QueueEnd> {
  const desk = write ? await openDesk(config, { clock: systemClock, notices }) : null;
  const dir = config.spool.engine === 'lmdb' ? config.spool.dir : '';
  const suspensions = desk?.suspensions ?? openSuspensions(config, { clock: systemClock, notices });
  const store: OpenDesk['store'] = desk?.store ?? (await openLmdbReader({ dir, notices }));
  return {
    async *list(where) {
      for await (const page of matching(store, whereOf(where), systemClock)) yield page.map(queueLine);
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
    stats: async (where) => statsOf(store, whereOf(where), systemClock),
    shape: async (where, by) => shapeOf(store, whereOf(where), by, systemClock),
    orders: ({ verb, ids, where = [], order, dryRun }) => {
      const act = actOf(verb, order);
      if ('trouble' in act) throw new EndError('request_refused', act.trouble);
      const { orders, newId, clock } = writable(desk);
      const each = (id: string): Promise<ActResult> =>
        dryRun ? orders.consider(id, act) : orders.act(id, act, operatorOf(who));
      return onEach(store, ids ? { ids } : { where: whereOf(where) }, each, { newId, clock });
    },
    async suspensions() {
      await suspensions.refresh();
      return suspensions.list().map(suspensionLine);
    },
    async suspend({ kind, name, reason, for: ms }) {
      const until = ms === undefined ? null : systemClock.now() + ms;
      const made = await suspensions.suspend({ kind, name }, { until, reason, by: operatorOf(who) });
      if (typeof made === 'string') throw new EndError('request_refused', NOT_SUSPENDED[made]);
      return suspensionLine(made);
    },
    resume: (what) => suspensions.resume(what),
    close: () => desk?.close() ?? (store as SpoolReader).close(),
  };
}

function writable(desk: OpenDesk | null): OpenDesk {
  if (desk) return desk;
  throw new EndError('request_failed', 'the spool was opened for looking only');
}

function whereOf(conditions: readonly string[]): Where {
  const where = parseWhere(conditions);
  if ('trouble' in where) throw new EndError('request_refused', where.trouble);
  return where;
}
