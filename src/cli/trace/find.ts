/** A conversation by what people have of it: its session, or the queue id of a message in it. */
import type { ConversationLine, HistoryRow } from '#journal';
import { printable } from '#message';
import type { Api } from '../queue/api.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { conversation } from './where.ts';

/** What may be a session or a queue id. */
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** What was meant. `part`: of the message that was named. */
export interface Found {
  readonly session: string;
  readonly parts: readonly ConversationLine[];
  readonly part: number | null;
}

/** Finds it; null when nothing is kept. */
export async function findConversation(api: Api, id: string): Promise<Found | null> {
  if (!NAME.test(id)) return null;
  const own = await api.find<{ parts: ConversationLine[] }>(conversation(id));
  if (own) return { session: id, parts: own.parts, part: null };
  if (!/^[A-Za-z0-9]+$/.test(id)) return null;
  const row = await api.find<HistoryRow>(`/api/v1/history/${id}`);
  const named = row && (await api.find<{ parts: ConversationLine[] }>(conversation(row.session)));
  return named ? { session: row.session, parts: named.parts, part: row.part } : null;
}

/** Says that there is none. */
export function noConversation(id: string, terminal: Terminal): number {
  terminal.error('nothing is kept of such a conversation', printable(id, 64), 'see millrace trace list');
  return EXIT.absent;
}
