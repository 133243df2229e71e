/**
 * The queue on disk, worked on without a gateway: nobody else may have the spool open.
 *
 * Rejects with SpoolError; with EndError for what cannot be understood.
 */
import { actOf, verdictOf } from '#admin';
import {
  NOT_SUSPENDED,
  onEach,
  openDesk,
  operatorOf,
  suspensionLine,
  systemClock,
  type ActResult,
} from '#gateway';
import type { Config } from '#gateway/config';
import type { NoticeSink } from '#notices';
import { EndError, type QueueEnd } from './end.ts';
import { lookingAt, lookingAtHeld, whereOf } from './local.ts';

/** Opens a desk on the spool of a configuration whose engine keeps it on disk; orders are given as `who`. */
export async function localDesk(config: Config, who: string, notices: NoticeSink): Promise<QueueEnd> {
  const desk = await openDesk(config, { clock: systemClock, notices });
  const { store, orders, suspensions, trail, clock } = desk;
  return {
    ...lookingAt(store),
    ...lookingAtHeld(desk),
    async *orders({ verb, ids, where = [], order, dryRun }) {
      const act = actOf(verb, order);
      if ('trouble' in act) throw new EndError('request_refused', act.trouble);
      const selection = ids ? { ids } : { where: await whereOf(where) };
      const each = (id: string): Promise<ActResult> =>
        dryRun ? orders.consider(id, act) : orders.act(id, act, operatorOf(who));
      yield* onEach(store, selection, each, clock);
    },
    async suspensions() {
      await suspensions.refresh();
      return suspensions.list().map(suspensionLine);
    },
    async suspend({ kind, name, reason, for: ms }) {
      const until = ms === undefined ? null : clock.now() + ms;
      const made = await suspensions.suspend({ kind, name }, { until, reason, by: operatorOf(who) });
      if (typeof made === 'string') throw new EndError('request_refused', NOT_SUSPENDED[made]);
      return suspensionLine(made);
    },
    rescan: async (id, skip) => verdictOf(await orders.rescan(id, skip, operatorOf(who))),
    async note(id, text) {
      if ((await store.get(id))?.state !== 'held') return false;
      await trail.note(id, text, operatorOf(who));
      return true;
    },
    resume: (what) => suspensions.resume(what, operatorOf(who)),
    close: () => desk.close(),
  };
}
