/**
 * The queue of a running gateway, over its API: by the control socket, or by a URL with a token.
 *
 * Answers are read as a stream where they may be long. Redirects are not followed: the token goes to nobody else. Everything
 * rejects with EndError.
 */
import { remoteHeld } from './remote-held.ts';
import type { ActResult, Shape, Stats, SuspensionLine } from '#gateway';
import type { QueueLine } from '#spool';
import { apiAt, drop, good, isMissing, linesOf, parsed, type Place } from './api.ts';
import type { QueueEnd } from './end.ts';

/** Entries in a page. */
const PAGE = 500;

/** `who`: the name that orders are given under. */
export function remoteEnd(place: Place, who: string): QueueEnd {
  const api = apiAt(place, who);
  const { ask, get } = api;
  const conditions = (where: readonly string[], more: Record<string, string> = {}): string => {
    const query = new URLSearchParams(more);
    for (const condition of where) query.append('where', condition);
    return query.size > 0 ? `?${query.toString()}` : '';
  };
  const entry = (id: string): string => `/api/v1/queue/${encodeURIComponent(id)}`;
  return {
    async *list(where) {
      let after: string | null = null;
      do {
        const more: Record<string, string> = { limit: String(PAGE), ...(after !== null && { after }) };
        const page: { entries: QueueLine[]; next: string | null } = await get(
          `/api/v1/queue${conditions(where, more)}`,
        );
        if (page.entries.length > 0) yield page.entries;
        after = page.next;
      } while (after !== null);
    },
    async show(id) {
      const answer = await ask('GET', entry(id));
      return isMissing(answer) ? drop(answer) : parsed<QueueLine>(await good(answer));
    },
    async bytes(id, part) {
      const answer = await ask('GET', `${entry(id)}/${part}`);
      return isMissing(answer) ? drop(answer) : good(answer);
    },
    stats: (where) => get<Stats>(`/api/v1/queue-stats${conditions(where)}`),
    shape: (where, by) => get<Shape>(`/api/v1/queue-shape${conditions(where, { by })}`),
    async *orders({ verb, ids, where = [], order, dryRun }) {
      const which = ids ? { ids } : where.length > 0 ? { where } : { all: true };
      const body = { verb, ...which, ...order, ...(dryRun && { dryRun }) };
      const answer = await good(await ask('POST', '/api/v1/queue-orders', body));
      for await (const line of linesOf(answer)) yield JSON.parse(line) as ActResult;
    },
    suspensions: () => get<SuspensionLine[]>('/api/v1/suspensions'),
    suspend: async (what) => parsed(await good(await ask('POST', '/api/v1/suspensions', what))),
    async resume({ kind, name }) {
      const query = new URLSearchParams({ kind, name });
      const answer = await ask('DELETE', `/api/v1/suspensions?${query.toString()}`);
      const missing = isMissing(answer);
      drop(missing ? answer : await good(answer));
      return !missing;
    },
    ...remoteHeld(api),
    close: () => Promise.resolve(),
  };
}
