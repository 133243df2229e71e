/** Held mail of a running gateway, over its API. Everything rejects with EndError. */
import type { VerdictLine } from '#admin';
import type { HeldLine, Preview, TrailRecord } from '#gateway';
import { drop, good, isMissing, parsed, type Api } from './api.ts';
import type { HeldEnd } from './end.ts';

/** Entries in a page. */
const PAGE = 200;

/** See HeldEnd. */
export function remoteHeld({ ask, get, find }: Api): HeldEnd {
  const entry = (id: string, more: string): string => `/api/v1/quarantine/${encodeURIComponent(id)}/${more}`;
  return {
    async *held(where) {
      let after: string | null = null;
      do {
        const query = new URLSearchParams({ limit: String(PAGE), ...(after !== null && { after }) });
        for (const condition of where) query.append('where', condition);
        const page: { entries: HeldLine[]; next: string | null } = await get(
          `/api/v1/quarantine?${query.toString()}`,
        );
        if (page.entries.length > 0) yield page.entries;
        after = page.next;
      } while (after !== null);
    },
    look: (id) => find<Preview>(entry(id, 'preview')),
    trail: async (id) => (await find<{ records: TrailRecord[] }>(entry(id, 'audit')))?.records ?? [],
    async rescan(id, skip) {
      const answer = await ask('POST', entry(id, 'rescan'), skip.length > 0 ? { skip } : {});
      // What was not asked, and why, is an answer too.
      const told = [404, 409, 503].includes(answer.statusCode ?? 0);
      return parsed<VerdictLine>(told ? answer : await good(answer));
    },
    async note(id, text) {
      const answer = await ask('PUT', entry(id, 'note'), { text });
      if (isMissing(answer)) return drop(answer) !== null;
      drop(await good(answer));
      return true;
    },
  };
}
