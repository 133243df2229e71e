/** `millrace trace show`: one conversation, or the part of it that a message was. */
import type { PacketRow } from '#journal';
import type { Options } from '../queue/commands.ts';
import { atApi } from '../queue/reach.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { findConversation, noConversation } from './find.ts';
import { lineText, LINE_HEADING, PACKET_HEADING, packetText } from './packets.ts';
import { conversation } from './where.ts';

/** Writes its parts, and with --packets or --hex its packets. */
export function runTraceShow(id: string, options: Options, terminal: Terminal): Promise<number> {
  const json = options['json'] === true;
  const hex = options['hex'] === true;
  return atApi(options, terminal, async (api) => {
    const found = await findConversation(api, id);
    if (!found) return noConversation(id, terminal);
    const parts = found.parts.filter((p) => found.part === null || p.part === 0 || p.part === found.part);
    if (!hex && options['packets'] !== true) {
      if (!json) await terminal.result(LINE_HEADING);
      for (const line of parts) await terminal.result(json ? JSON.stringify(line) : lineText(line));
      return EXIT.ok;
    }
    if (!json) await terminal.result(PACKET_HEADING);
    for (const { part } of parts) {
      const path = conversation(found.session, `/packets?part=${part}`);
      for (const row of (await api.find<{ packets: PacketRow[] }>(path))?.packets ?? []) {
        await terminal.result(json ? JSON.stringify(row) : packetText(row, hex));
        if (terminal.closed) return EXIT.ok;
      }
    }
    return EXIT.ok;
  });
}
