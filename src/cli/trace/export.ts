/** `millrace trace export`: a copy of a conversation, to the byte. */
import { drop, good, isMissing } from '../queue/api.ts';
import type { Options } from '../queue/commands.ts';
import { atApi } from '../queue/reach.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { findConversation, noConversation } from './find.ts';
import { conversation } from './where.ts';

/** Writes it to the results; a capture file is not written to a terminal. */
export function runTraceExport(id: string, options: Options, terminal: Terminal): Promise<number> {
  const format = String(options['format']);
  if (format === 'pcapng' && terminal.machine.stdout.isTTY === true) {
    terminal.error('a capture file is no text', 'command line', 'write it to a file: > conversation.pcapng');
    return Promise.resolve(EXIT.usage);
  }
  return atApi(options, terminal, async (api) => {
    const found = await findConversation(api, id);
    if (!found) return noConversation(id, terminal);
    const part = found.part === null ? '' : `&part=${found.part}`;
    const answer = await api.ask('GET', conversation(found.session, `/export?format=${format}${part}`));
    if (isMissing(answer)) {
      drop(answer);
      return noConversation(id, terminal);
    }
    for await (const chunk of await good(answer)) {
      if (terminal.closed) break;
      await terminal.bytes(chunk as Uint8Array);
    }
    return EXIT.ok;
  });
}
