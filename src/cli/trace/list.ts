/** `millrace trace list`. */
import type { ConversationLine } from '#journal';
import type { Options } from '../queue/commands.ts';
import { atApi } from '../queue/reach.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { lineText, LINE_HEADING } from './packets.ts';
import { traceQuery } from './where.ts';

/** Lines asked for at once. */
const PAGE = 500;

/** Writes the lines that match, newest first. */
export function runTraceList(options: Options, terminal: Terminal): Promise<number> {
  const limit = String(options['limit']);
  if (!/^[1-9]\d{0,6}$/.test(limit)) {
    terminal.error(`${limit} is no number`, 'command line', 'write --limit 50');
    return Promise.resolve(EXIT.usage);
  }
  const json = options['json'] === true;
  return atApi(options, terminal, async (api) => {
    let before = '';
    for (let left = Number(limit); left > 0;) {
      const more = { limit: String(Math.min(left, PAGE)), ...(before !== '' && { before }) };
      const page = await api.get<{ lines: ConversationLine[]; next: string | null }>(
        `/api/v1/conversations?${traceQuery(options, more)}`,
      );
      if (before === '' && !json && page.lines.length > 0) await terminal.result(LINE_HEADING);
      for (const line of page.lines) {
        await terminal.result(json ? JSON.stringify(line) : lineText(line));
        if (terminal.closed) return EXIT.ok;
      }
      left -= page.lines.length;
      if (page.next === null) break;
      before = page.next;
    }
    return EXIT.ok;
  });
}
