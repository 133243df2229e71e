/** `millrace history list`. */
import type { HistoryRow } from '#journal';
import { printable } from '#message';
import type { Options } from '../queue/commands.ts';
import { atApi } from '../queue/reach.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { rowText, ROW_HEADING } from './rows.ts';

/** Rows asked for at once. */
const PAGE = 500;

/** Writes the rows that match, newest first, until so many or until nobody reads any more. */
export async function runHistoryList(options: Options, terminal: Terminal): Promise<number> {
  const limit = String(options['limit']);
  if (!/^[1-9]\d{0,6}$/.test(limit)) return usage(terminal, `${limit} is no number`, 'write --limit 50');
  const query = new URLSearchParams();
  for (const condition of (options['where'] as readonly string[] | undefined) ?? []) {
    const [, key = '', value = ''] = /^([a-z]+)=([^]+)$/.exec(condition) ?? [];
    if (key === '' || query.has(key))
      return usage(
        terminal,
        `${printable(condition, 80)} is no condition, or one too many`,
        'write --where from=a@example.org',
      );
    query.set(key, value);
  }
  const json = options['json'] === true;
  return atApi(options, terminal, async (api) => {
    let first = true;
    for (let left = Number(limit); left > 0;) {
      query.set('limit', String(Math.min(left, PAGE)));
      const page = await api.get<{ rows: HistoryRow[]; next: string | null }>(
        `/api/v1/history?${query.toString()}`,
      );
      for (const row of page.rows) {
        if (first && !json) await terminal.result(ROW_HEADING);
        first = false;
        await terminal.result(json ? JSON.stringify(row) : rowText(row));
        if (terminal.closed) return EXIT.ok;
      }
      left -= page.rows.length;
      if (page.next === null) break;
      query.set('before', page.next);
    }
    return EXIT.ok;
  });
}

function usage(terminal: Terminal, what: string, remedy: string): number {
  terminal.error(what, 'command line', remedy);
  return EXIT.usage;
}
