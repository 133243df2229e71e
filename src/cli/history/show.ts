/** `millrace history show`. */
import type { ChangesView } from '#admin';
import type { HistoryRow } from '#journal';
import { printable } from '#message';
import type { Options } from '../queue/commands.ts';
import { atApi } from '../queue/reach.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { diffText } from './diff.ts';
import { messageText } from './rows.ts';

/** What may be a queue id; nothing else is asked for. */
const ID = /^[A-Za-z0-9]{1,64}$/;

/** Writes what is known of a message, or with --diff what the filters changed in it. */
export function runHistoryShow(id: string, options: Options, terminal: Terminal): Promise<number> {
  if (!ID.test(id)) return Promise.resolve(absent(id, 'there is no such message', terminal));
  const json = options['json'] === true;
  return atApi(options, terminal, async (api) => {
    const row = await api.find<HistoryRow>(`/api/v1/history/${id}`);
    if (!row) return absent(id, 'there is no such message', terminal);
    if (options['diff'] !== true) {
      await terminal.result(json ? JSON.stringify(row) : messageText(row));
      return EXIT.ok;
    }
    const view = row.changed ? await api.find<ChangesView>(`/api/v1/history/${id}/changes`) : null;
    if (!view && !row.changed) {
      terminal.say('no filter changed it');
      return EXIT.ok;
    }
    if (!view) return absent(id, 'what was changed is not kept any more', terminal);
    if (json) await terminal.result(JSON.stringify(view));
    else for (const line of diffText(view, terminal.colourful)) await terminal.result(line);
    return EXIT.ok;
  });
}

function absent(id: string, what: string, terminal: Terminal): number {
  terminal.error(what, printable(id, 64), 'see millrace history list');
  return EXIT.absent;
}
